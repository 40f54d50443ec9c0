"""Units that cases go to: a name a unit, or a pattern that is one unit in every district or sub-district."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NewType

from knowledge.catalogue import Text
from knowledge.city import City
from knowledge.yaml_file import ContentError

UnitId = NewType("UnitId", str)
FOLDER, UNITS_FILE = "duty", "units.csv"
COLUMNS = ("key", "zh", "en", "level", "parent", "channel")
LEVELS = ("city", "district", "street", "community", "utility")
CHANNELS = ("desk", "open311")
DISTRICT, SUBDISTRICT = "district", "subdistrict"
_HOLDS = {"{district}": DISTRICT, "{short}": DISTRICT, "{subdistrict}": SUBDISTRICT}
_MAY_HOLD = {"district": {DISTRICT}, "street": {DISTRICT, SUBDISTRICT}, "community": {DISTRICT, SUBDISTRICT}}
_DISTRICT_TAIL = re.compile("(?:新区|区|特别合作区|市|县)$")
_STREET_TAIL = re.compile("(?:街道|镇|乡)$")


@dataclass(frozen=True)
class Place:
    """Where a demand is, as far as it is known: `南山区`, `粤海街道`."""

    district: str | None = None
    subdistrict: str | None = None

    def knows(self, what: str) -> bool:
        """Whether its `district` or `subdistrict` is known."""
        return bool(getattr(self, what))

    def overlaps(self, other: Place) -> bool:
        """Whether two areas have anything in common; an empty part stands for everywhere."""
        pairs = ((self.district, other.district), (self.subdistrict, other.subdistrict))
        return all(one is None or two is None or one == two for one, two in pairs)


@dataclass(frozen=True)
class Unit:
    """One row of units.csv; `needs` says which place makes one unit of the pattern."""

    key: str
    name: Text
    level: str
    parent: str | None
    channel: str
    needs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a city, and its districts and sub-districts in both languages."""

    rows: Mapping[str, Unit]
    districts: Mapping[str, str]
    streets: Mapping[tuple[str, str], str]

    def __contains__(self, key: object) -> bool:
        return key in self.rows

    def at(self, key: str, place: Place) -> UnitId | None:
        """The unit of a key at a place, None where the place is not known well enough."""
        needs = self.rows[key].needs
        if not all(place.knows(need) for need in needs):
            return None
        told = [place.district, place.subdistrict] if SUBDISTRICT in needs else [place.district] if needs else []
        where = "/".join(part for part in told if part)
        return UnitId(f"{key}:{where}" if where else key)

    def nearest(self, key: str, place: Place) -> UnitId | None:
        """The unit at a place, or the first unit above it that can be told."""
        at: str | None = key
        while at is not None:
            found = self.at(at, place)
            if found is not None:
                return found
            at = self.rows[at].parent
        return None

    def known(self, unit: str) -> bool:
        """Whether an id names a unit: its key is known and its place is one of the city; any does where no list is."""
        if not self.rows:
            return True
        key, _, where = unit.partition(":")
        row = self.rows.get(key)
        if row is None:
            return False
        district, _, street = where.partition("/")
        if SUBDISTRICT in row.needs:
            return (district, street) in self.streets
        return district in self.districts and not street if row.needs else not where

    def name(self, unit: str) -> Text:
        """What a unit is called; the id itself where it is unknown."""
        key, _, where = unit.partition(":")
        own = self.rows.get(unit)
        row = own or self.rows.get(key)
        if row is None:
            return Text(zh=unit, en=unit)
        district, _, street = where.partition("/")
        return Text(zh=_filled(row.name.zh, district, street), en=self._english(row.name.en, district, street))

    def located(self, district: str | None, subdistrict: str | None) -> Place:
        """A place with the district that its sub-district lies in, where only one has it."""
        if subdistrict and not district:
            lying = {own for own, street in self.streets if street == subdistrict}
            district = lying.pop() if len(lying) == 1 else None
        return Place(district or None, subdistrict or None)

    def every(self) -> Iterator[UnitId]:
        """Every unit there is, the patterns at all their places."""
        for key, row in self.rows.items():
            if ":" in key:
                continue
            if SUBDISTRICT in row.needs:
                yield from (UnitId(f"{key}:{district}/{street}") for district, street in self.streets)
            elif row.needs:
                yield from (UnitId(f"{key}:{district}") for district in self.districts)
            else:
                yield UnitId(key)

    def _english(self, pattern: str, district: str, street: str) -> str:
        own = self.districts.get(district, district)
        whole = own if re.search("District|Zone", own) or not own else f"{own} District"
        name = self.streets.get((district, street), _STREET_TAIL.sub("", street))
        short = own.removesuffix(" New District").removesuffix(" Special Cooperation Zone")
        return pattern.replace("{district}", whole).replace("{short}", short).replace("{subdistrict}", name)


def _filled(pattern: str, district: str, street: str) -> str:
    short = _DISTRICT_TAIL.sub("", district).removesuffix("特别合作")
    told = pattern.replace("{district}", district).replace("{short}", short)
    return told.replace("{subdistrict}", _STREET_TAIL.sub("", street))


def duty_folder(city: City) -> Path | None:
    """Where a city's units and duties stand; None where it has none."""
    folders = (folder / FOLDER for folder in reversed(city.folders))
    return next((folder for folder in folders if (folder / UNITS_FILE).exists()), None)


@lru_cache(maxsize=4)
def units_of(city: City) -> Units:
    """The units of a city, none where it has no list; raises ContentError."""
    folder = duty_folder(city)
    districts, streets = read_places(city)
    return Units(read_units(folder / UNITS_FILE, districts) if folder else {}, districts, streets)


def read_places(city: City) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """English names of districts, and of sub-districts by district; sub-districts end in 街道."""
    path = city.lookup("subdistricts.csv")
    districts: dict[str, str] = {}
    streets: dict[tuple[str, str], str] = {}
    if path is not None:
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                districts[row["district_zh"]] = row["district_en"]
                street = row["subdistrict_zh"]
                street = street if street.endswith("街道") else f"{street}街道"
                streets[row["district_zh"], street] = row["subdistrict_en"]
    return districts, streets


def read_units(path: Path, districts: Mapping[str, str]) -> dict[str, Unit]:
    """The rows of units.csv by key; raises ContentError with the line."""
    found: dict[str, Unit] = {}
    at: dict[str, int] = {}
    for number, row in rows_of(path, COLUMNS):
        needs = tuple(dict.fromkeys(need for mark, need in _HOLDS.items() if mark in row["zh"] or mark in row["en"]))
        key, _, where = row["key"].partition(":")
        for wrong, problem in (
            (not re.fullmatch("[A-Z][A-Z0-9_]*", key), f"{row['key']!r} is no key: capitals and digits"),
            (row["key"] in found, f"{row['key']} stands in line {at.get(row['key'])} already"),
            (not row["zh"] or not row["en"], "a unit has a name in both languages"),
            (row["level"] not in LEVELS, f"level is {row['level']!r}, not one of {', '.join(LEVELS)}"),
            (row["channel"] not in CHANNELS, f"channel is {row['channel']!r}, not one of {', '.join(CHANNELS)}"),
            (bool(where) and key not in found, f"{key} has no row of its own above"),
            (bool(where) and where not in districts, f"{where} is no district"),
            (
                bool(set(needs) - _MAY_HOLD.get(row["level"], set())),
                f"a {row['level']} unit has no {needs} in its name",
            ),
        ):
            if wrong:
                raise ContentError(path, number, problem)
        at[row["key"]] = number
        name = Text(zh=row["zh"], en=row["en"])
        needs = needs if SUBDISTRICT not in needs else (DISTRICT, SUBDISTRICT)
        found[row["key"]] = Unit(row["key"], name, row["level"], row["parent"] or None, row["channel"], needs)
    for key, unit in found.items():
        if unit.parent is not None and (unit.parent not in found or unit.parent in _line_up(found, unit)):
            raise ContentError(path, at[key], f"parent {unit.parent!r} is no unit, or goes round")
    return found


def _line_up(found: Mapping[str, Unit], unit: Unit) -> set[str]:
    """The units passed on the way up before one comes again; empty when the top is reached."""
    passed: set[str] = set()
    parent = unit.parent
    while parent in found:
        if parent in passed:
            return passed
        passed.add(str(parent))
        parent = found[str(parent)].parent
    return set()


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with their line, comment lines left out; raises ContentError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContentError(path, None, "the file is missing") from None
    except UnicodeDecodeError:
        raise ContentError(path, None, "is not UTF-8") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
    for place, (number, line) in enumerate(lines):
        values = next(csv.reader([line]))
        if place == 0 and tuple(values) != tuple(columns):
            raise ContentError(path, number, f"the columns are {', '.join(columns)}")
        if len(values) != len(columns):
            raise ContentError(path, number, f"not {len(columns)} columns")
        if place:
            yield number, dict(zip(columns, (value.strip() for value in values), strict=True))
