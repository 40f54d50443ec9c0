"""The duty list: which unit takes the lead for what, where; the most specific line wins."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from pathlib import Path

from bot.cases.case import DemandType
from bot.cases.units import UNITS_FILE, Place, Units, duty_folder, rows_of, units_of
from knowledge.catalogue import Catalogue, Kind, ServiceCode
from knowledge.city import City, catalogue_of
from knowledge.yaml_file import ContentError

DUTY_FILE = "duty.csv"
OTHER = "其他"  # second-level names that stand under none of the first-level ones
COLUMNS = (
    "id", "category", "subcategory", "item", "type", "district", "subdistrict", "words", "lead", "assisting",
    "fallback", "basis",
)  # fmt: skip
BASES = ("item", "name", "area", "supply", "ruling")
_VERSION = re.compile(r"#\s*version:\s*(\d{4}-\d{2}-\d{2})\s*$")


@dataclass(frozen=True)
class Matter:
    """What a demand is about, as far as it is taken to be known."""

    item: str | None = None
    subcategory: str | None = None
    category: str | None = None


@dataclass(frozen=True)
class DutyLine:
    """One line of the list; empty columns hold for all. `ruling` is the number of the ruling it was laid over by."""

    id: str
    category: str | None
    subcategory: str | None
    item: str | None
    type: str | None
    district: str | None
    subdistrict: str | None
    words: str | None
    lead: str
    assisting: tuple[str, ...]
    fallback: str
    basis: str
    ruling: int | None = None

    @property
    def subject(self) -> int:
        """How exactly it says what: 3 an item, 2 a second-level name, 1 a first-level name."""
        return 3 if self.item else 2 if self.subcategory else 1

    @property
    def rank(self) -> tuple[int, int, int, int, int]:
        """Greater is more specific; of two alike the one laid over by a ruling wins, the later one among these."""
        place = 2 if self.subdistrict else 1 if self.district else 0
        return (self.subject, place, int(bool(self.words)), int(bool(self.type)), self.ruling or 0)

    @property
    def scope(self) -> tuple[str | None, ...]:
        """All it depends on: two lines of the same scope cannot both win."""
        return (*self.about, self.type, self.district, self.subdistrict, self.words)

    @property
    def about(self) -> tuple[str, str | None]:
        """What it is filed under: its item, else its second-level name, else its first-level name."""
        named = (("item", self.item), ("subcategory", self.subcategory))
        return next(((level, name) for level, name in named if name), ("category", self.category))

    def holds(self, kind: str | None, place: Place, text: str) -> bool:
        """Whether its type, place and words are those of a demand."""
        return (
            (self.type is None or self.type == kind)
            and (self.district is None or self.district == place.district)
            and (self.subdistrict is None or self.subdistrict == place.subdistrict)
            and (self.words is None or bool(_pattern(self.words).search(text)))
        )


@lru_cache(maxsize=512)
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(words, re.I)


@dataclass(frozen=True, eq=False)
class DutyList:
    """A version of a city's list, with what rulings laid over it."""

    version: str
    lines: tuple[DutyLine, ...]
    units: Units

    @cached_property
    def _by_subject(self) -> dict[tuple[str, str | None], list[DutyLine]]:
        found: dict[tuple[str, str | None], list[DutyLine]] = {}
        for line in sorted(self.lines, key=lambda line: line.rank, reverse=True):
            found.setdefault(line.about, []).append(line)
        return found

    def line(self, matter: Matter, place: Place, kind: str | None = None, text: str = "") -> DutyLine | None:
        """The most specific line for a matter at a place; None when there is none."""
        for key in (("item", matter.item), ("subcategory", matter.subcategory), ("category", matter.category)):
            for line in self._by_subject.get(key, ()) if key[1] else ():
                if line.holds(kind, place, text):
                    return line
        return None

    def general(self, matter: Matter) -> DutyLine | None:
        """The line of the list itself for a matter wherever it is and however it is told; None when there is none."""
        for key in (("item", matter.item), ("subcategory", matter.subcategory), ("category", matter.category)):
            for line in self._by_subject.get(key, ()) if key[1] else ():
                if line.rank[1:] == (0, 0, 0, 0):
                    return line
        return None

    def needs(self, line: DutyLine, place: Place) -> tuple[str, ...]:
        """Which parts of the place the lead of a line needs and the demand does not tell."""
        return tuple(need for need in self.units.rows[line.lead].needs if not place.knows(need))

    def category_of(self, subcategory: str | None) -> str | None:
        """The first-level name that a second-level one stands under."""
        own = self._by_subject.get(("subcategory", subcategory), ())
        return next((line.category for line in own), None)

    def by_id(self, key: str) -> DutyLine | None:
        """The line of an id."""
        return next((line for line in self.lines if line.id == key), None)

    def laid_over(self, rules: Sequence[DutyLine]) -> DutyList:
        """The list with lines of rulings; its version names how many and which."""
        if not rules:
            return self
        mark = _short_hash([repr(rule) for rule in rules])
        return replace(self, version=f"{self.version}+{len(rules)}r{mark}", lines=(*self.lines, *rules))


@dataclass(frozen=True)
class Changed:
    """A line of two lists that differs; `old` or `new` is None where only one has it."""

    id: str
    old: DutyLine | None
    new: DutyLine | None

    def told(self) -> str:
        """One line for a terminal."""
        if self.old is None or self.new is None:
            sign, line = ("+", self.new) if self.old is None else ("-", self.old)
            return f"{sign} {self.id}: lead {line.lead}" if line else self.id
        names = [one.name for one in fields(DutyLine) if getattr(self.old, one.name) != getattr(self.new, one.name)]
        return f"~ {self.id}: " + "; ".join(
            f"{name} {_text(getattr(self.old, name))} -> {_text(getattr(self.new, name))}" for name in names
        )


def difference(old: DutyList, new: DutyList) -> tuple[Changed, ...]:
    """What a newer list says otherwise, in the order of its lines."""
    before, after = {line.id: line for line in old.lines}, {line.id: line for line in new.lines}
    every = [*after, *(key for key in before if key not in after)]
    return tuple(Changed(key, before.get(key), after.get(key)) for key in every if before.get(key) != after.get(key))


@lru_cache(maxsize=4)
def duty_of(city: City) -> DutyList:
    """The list of a city, without a line where it has none; raises ContentError."""
    folder = duty_folder(city)
    if folder is None:
        return DutyList("none", (), units_of(city))
    return read_duty(folder / DUTY_FILE, units_of(city), catalogue_of(city))


def read_duty(path: Path, units: Units, catalogue: Catalogue) -> DutyList:
    """A file's list; raises ContentError for the first line that is wrong."""
    lines: list[DutyLine] = []
    at: dict[object, int] = {}
    for number, row in rows_of(path, COLUMNS):
        problem = next(_problems(row, units, catalogue), None)
        line = _line(row)
        for key in (("id", line.id), line.scope):
            if problem is None and key in at:
                problem = f"{row['id']} says again what line {at[key]} says"
            at[key] = number
        if problem is not None:
            raise ContentError(path, number, problem)
        lines.append(line)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    dated = _VERSION.match(first)
    if dated is None:
        raise ContentError(path, 1, "the first line is `# version: YYYY-MM-DD`")
    mark = _short_hash([path.read_text(encoding="utf-8"), *map(repr, units.rows.values())])
    return DutyList(f"{dated[1]}-{mark}", tuple(lines), units)


def missing_lines(duty: DutyList, catalogue: Catalogue) -> tuple[str, ...]:
    """First-level names and hotline items that no line covers everywhere."""
    general = [line for line in duty.lines if not (line.type or line.district or line.words)]
    names = {line.category for line in general if line.subject == 1}
    items = {line.item for line in general}
    return (
        *(one.zh for one in catalogue.categories if one.zh not in names),
        *(one.code for one in catalogue if one.kind is Kind.DEMAND and one.code not in items),
    )


def check_duty(city: City) -> tuple[ContentError, ...]:
    """Every problem of a city's list; none where it has no list."""
    folder = duty_folder(city)
    if folder is None:
        return ()
    try:
        duty = read_duty(folder / DUTY_FILE, units_of(city), catalogue_of(city))
    except ContentError as error:
        return (error,)
    missing = missing_lines(duty, catalogue_of(city))
    return (ContentError(folder / DUTY_FILE, None, f"no line for {', '.join(missing)}"),) if missing else ()


def _problems(row: Mapping[str, str], units: Units, catalogue: Catalogue) -> Iterator[str]:
    """What is wrong with a row."""
    if not row["id"] or len(row["id"]) > 40:
        yield "a line has an id of at most 40 characters"
    if row["category"] not in {OTHER, *(one.zh for one in catalogue.categories)}:
        yield f"{row['category']!r} is no first-level name"
    if row["item"] and ServiceCode(row["item"]) not in catalogue:
        yield f"{row['item']} is no item of the catalogue"
    if row["type"] and row["type"] not in set(DemandType):
        yield f"type is {row['type']!r}"
    if row["district"] and units.districts and row["district"] not in units.districts:
        yield f"{row['district']} is no district"
    if row["subdistrict"] and units.streets and (row["district"], row["subdistrict"]) not in units.streets:
        yield f"{row['subdistrict']} is no sub-district of {row['district'] or 'a district that is named'}"
    for key in (row["lead"], row["fallback"], *filter(None, row["assisting"].split("|"))):
        if key not in units or ":" in key:
            yield f"{key!r} is no unit of {UNITS_FILE}"
    if row["basis"] not in BASES:
        yield f"basis is {row['basis']!r}, not one of {', '.join(BASES)}"
    try:
        re.compile(row["words"])
    except re.error as error:
        yield f"words are not a pattern: {error}"


def _line(row: Mapping[str, str]) -> DutyLine:
    return DutyLine(
        row["id"],
        row["category"] or None,
        row["subcategory"] or None,
        row["item"] or None,
        row["type"] or None,
        row["district"] or None,
        row["subdistrict"] or None,
        row["words"] or None,
        row["lead"],
        tuple(filter(None, row["assisting"].split("|"))),
        row["fallback"],
        row["basis"],
    )


def _text(value: object) -> str:
    return "|".join(value) if isinstance(value, tuple) else str(value or "-")


def _short_hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
