"""A place told anew: what it names replaces that of the place told before, and the coarser parts told earlier stay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

from bot.cases.areas import alone
from bot.cases.case import CaseDraft
from bot.nlu.english_places import place_words
from bot.nlu.entities import Entity, find_entities
from bot.nlu.gazetteer import road_districts
from knowledge.city import City
from knowledge.normal import normalise


class Rank(IntEnum):
    """How fine a part of a place is; BESIDE only tells a side of it."""

    DISTRICT = 0
    SUBDISTRICT = 1
    NAMED = 2
    HOUSE = 3
    BUILDING = 4
    UNIT = 5
    FLOOR = 6
    ROOM = 7
    BESIDE = 8


NAMES = ("road", "landmark")
AREAS = {"district": Rank.DISTRICT, "subdistrict": Rank.SUBDISTRICT}
_N = r"(?:[a-z]?\d+(?:-\d+)*[a-z]?|[一二三四五六七八九十百零〇幺两]+)"
_EN_N = r"(?:no\.?\s?)?[a-z]?\d+(?:-\d+)*[a-z]?"
_NUMBERED: tuple[tuple[Rank, re.Pattern[str]], ...] = tuple(
    (rank, re.compile(pattern))
    for rank, pattern in (
        (Rank.ROOM, rf"{_N}(?:室|房|户|号房|号铺|号店|铺)|(?<=[栋幢座元楼层])\s?\d{{3,4}}(?!\d)"),
        (Rank.ROOM, rf"\b(?:room|flat|apartment|apt\.?|suite|shop)\s{_EN_N}\b"),
        (Rank.FLOOR, rf"{_N}(?:楼(?!下|上|栋|道)|层)|\bfloor\s{_EN_N}\b|\b\d+(?:st|nd|rd|th)\sfloor\b"),
        (Rank.UNIT, rf"{_N}单元|\bunit\s(?:{_EN_N}|[a-z])\b"),
        (Rank.BUILDING, rf"(?:{_N}|[a-z])(?:栋|幢|座|号楼|号院)"),
        (Rank.BUILDING, rf"\b(?:building|block|bldg\.?|tower)\s(?:{_EN_N}|[a-z])\b"),
        (Rank.HOUSE, rf"{_N}号(?!线|门|窗|台|桌|口|出口)|\b(?:no\.?|number)\s?\d+(?:-\d+)*[a-z]?\b"),
        (Rank.HOUSE, r"(?<![\d\-])\d+(?:-\d+)*[a-z]?(?=\s(?:[a-z'\-]+\s|\d+(?:st|nd|rd|th)\s){1,3}"
            r"(?:road|rd|street|st|avenue|ave|lane)\b)"),
    )
)  # fmt: skip
_LETTER = re.compile(r"[^\W\d_]")
_BARE = re.compile(_EN_N, re.I)
_HAN = re.compile(r"[\u3400-\u9fff]")
_SIDES_ZH = "东门|西门|南门|北门|正门|后门|大门|侧门|出口|门|口|的|在|是|就|于|处"
_SIDES_EN = (
    "the|at|in|on|of|near|by|opposite|behind|beside|outside|inside|next to|close to|in front of|across from|north|"
    "south|east|west|main|front|back|rear|side|upstairs|downstairs|entrance|gate|door|exit"
)
_EDGE = re.compile(r"^[\s,，、;；.]+|(?:[\s,，、;；]|\b(?:in|at|of|on|near|by|the)\b)+$", re.I)
# What a bare number is, by the words that name the field, and how it is written.
_FIELDS: tuple[tuple[Rank, re.Pattern[str], str, str], ...] = tuple(
    (rank, re.compile(words), zh, en)
    for rank, words, zh, en in (
        (Rank.ROOM, r"房号|房间号?|室号|\b(?:room|flat|apartment)\b", "{}室", "Room {}"),
        (Rank.FLOOR, r"楼层|\bfloor\b", "{}楼", "Floor {}"),
        (Rank.BUILDING, r"楼栋|栋号|楼号|\b(?:building|block)\b", "{}栋", "Building {}"),
        (Rank.HOUSE, r"门牌|\b(?:house|street) number\b", "{}号", "No. {}"),
    )
)


@dataclass(frozen=True)
class Part:
    """A stretch of a told place, in its characters, and how fine it is."""

    rank: Rank
    start: int
    end: int


@dataclass(frozen=True)
class ToldPlace:
    """A told place with its areas and numbered parts."""

    text: str
    parts: tuple[Part, ...]
    entities: tuple[Entity, ...]

    @property
    def rank(self) -> Rank:
        """The coarsest of its parts, areas left out; NAMED where it names anything beside them."""
        if _LETTER.search(_sides().sub(" ", normalise(self.without(self.parts)).text)):
            return Rank.NAMED
        return min((part.rank for part in self.parts if part.rank > Rank.SUBDISTRICT), default=Rank.BESIDE)

    @property
    def only_area(self) -> bool:
        """Whether it tells a district or sub-district and nothing finer."""
        areas = [part for part in self.parts if part.rank < Rank.NAMED]
        return bool(areas) and not re.search(r"\w", self.without(areas))

    def area(self, rank: Rank) -> str:
        """The words of its district or sub-district, empty where it names none."""
        return next((self.text[part.start : part.end] for part in self.parts if part.rank is rank), "")

    def without_areas(self) -> str:
        """What is left without its districts and sub-districts."""
        return self.without(part for part in self.parts if part.rank < Rank.NAMED)

    def coarser_than(self, rank: Rank) -> str:
        """What stays before a part of a rank: up to the first that is as fine in Chinese, all but those in English."""
        finer = [part for part in self.parts if part.rank >= rank]
        if _latin(self.text):
            return self.without(finer)
        first = min((part.start for part in finer), default=len(self.text))
        before = re.sub(f"(?:{place_words()['near']})+$", "", _tidy(self.text[:first]))
        return before or self.without(finer)

    def without(self, parts: Iterable[Part]) -> str:
        """The text without some parts, and without what hangs loose then."""
        left = self.text
        for part in sorted(parts, key=lambda one: -one.start):
            left = f"{left[: part.start]} {left[part.end :]}" if _latin(left) else left[: part.start] + left[part.end :]
        return _tidy(left)


def told_place(text: str, city: City | None) -> ToldPlace:
    """Read a told place."""
    entities = find_entities(text, "en" if _latin(text) else "zh", city)
    parts = [Part(AREAS[one.label], one.start, one.end) for one in alone(entities, text)]
    normal = normalise(text)
    for rank, pattern in _NUMBERED:
        for found in pattern.finditer(normal.text):
            start, end = normal.original_span(*found.span())
            if not any(start < part.end and part.start < end for part in parts):
                parts.append(Part(rank, start, end))
    return ToldPlace(text, tuple(sorted(parts, key=lambda part: part.start)), entities)


def is_numbered(text: str, city: City | None) -> bool:
    """Whether a text tells numbered parts of a place and nothing else: 5栋602, "No. 99"."""
    return Rank.NAMED < told_place(text, city).rank < Rank.BESIDE


def names_part(text: str) -> bool:
    """Whether a text tells a numbered part of a place, also by the words that name the field: "the building is 7"."""
    if told_place(text, None).parts:
        return True
    clean = normalise(text).text
    return any(char.isdigit() for char in clean) and any(words.search(clean) for _, words, _, _ in _FIELDS)


def numbered(value: str, message: str) -> str:
    """A bare number as the part of a place that the message names it as: 99号, "Room 502"; other values as they are."""
    if not _BARE.fullmatch(value):
        return value
    clean = normalise(message).text
    forms = (en if _latin(message) else zh for _, words, zh, en in _FIELDS if words.search(clean))
    return next(forms, "{}").format(value)


def corrected(
    draft: CaseDraft, text: str, areas: Sequence[Entity], negated: Sequence[Entity], city: City | None
) -> CaseDraft:
    """The draft with a place told anew; `areas` are the districts and sub-districts that the message names.

    Coarser parts told earlier stay unless others are named or the new place is known to lie elsewhere.
    """
    told, old = told_place(text, city), told_place(draft.location or "", city)
    sub = next((one for one in areas if one.label == "subdistrict"), None)
    own = next((one for one in areas if one.label == "district"), None)
    district = own.value if own else sub.district if sub else None
    roads = road_districts(city)
    known = {one.district or roads.get(one.value) for one in told.entities if one.label in NAMES} - {None}
    before = _told_before(draft, old, city) if told.rank is Rank.NAMED else (draft.district, draft.subdistrict)
    elsewhere = _differ(district, before[0]) or (not district and bool(known) and before[0] not in (None, *known))
    district = district or (None if before[0] and not elsewhere else next(iter(known)) if len(known) == 1 else None)
    moved = elsewhere or _differ(sub.value if sub else None, before[1])
    kept_district = "" if elsewhere or _named(negated, "district") else old.area(Rank.DISTRICT)
    kept_sub = "" if moved or _named(negated, "subdistrict") else old.area(Rank.SUBDISTRICT)
    place = replace(
        draft,
        district=district or (None if elsewhere else before[0]),
        subdistrict=sub.value if sub else None if moved else before[1],
    )
    words = (own.text if own else kept_district, sub.text if sub else kept_sub)
    if told.only_area:
        return replace(place, location=joined(*words, old.without_areas() if negated or not moved else ""))
    if told.rank is Rank.NAMED or moved:
        wide, near = ("" if word in text else word for word in words)
        whole = joined(*words, told.without_areas()) if near else joined(wide, "", text)
        return replace(place, location=whole if wide or near else text)
    return replace(place, location=_with_part(old.coarser_than(told.rank), told.without_areas()))


def joined(district: str, subdistrict: str, detail: str) -> str:
    """A place from the wide to the exact in Chinese, the other way round in English."""
    areas = [one for one in (district, subdistrict) if one]
    english = bool(areas) and all(_latin(one) for one in areas)
    area = ", ".join(reversed(areas)) if english else "".join(areas)
    if not area or not detail:
        return area or detail
    if _latin(detail):
        return f"{detail}, {area}"
    return f"{area}, {detail}" if english else f"{area}{detail}"


def _with_part(before: str, part: str) -> str:
    if not before or not part:
        return before or part
    return f"{before}{part}" if not (_latin(before) or _latin(part)) else f"{part}, {before}"


def _told_before(draft: CaseDraft, old: ToldPlace, city: City | None) -> tuple[str | None, str | None]:
    """The areas of a draft that were told in words or chosen; none where the name of its place only implied them."""
    whole = told_place(draft.description, city)
    told = {one.district for place in (old, whole) for one in alone(place.entities, place.text)}
    implied = {one.district for place in (old, whole) for one in place.entities if one.label in NAMES}
    if draft.district in implied and draft.district not in told:
        return None, None
    return draft.district, draft.subdistrict


def _latin(text: str) -> bool:
    return not _HAN.search(text)


def _differ(new: str | None, before: str | None) -> bool:
    return new is not None and before is not None and new != before


def _named(entities: Sequence[Entity], label: str) -> bool:
    return any(one.label == label for one in entities)


def _tidy(text: str) -> str:
    """A text without what hangs loose where a part was taken out."""
    while (clean := re.sub(r"(?:\s*,)+", ",", re.sub(r"\s+", " ", _EDGE.sub("", text)))) != text:
        text = clean
    return text


@lru_cache(maxsize=1)
def _sides() -> re.Pattern[str]:
    """Words that only tell a side of a place."""
    near = sorted((*place_words()["near"].split("|"), *_SIDES_ZH.split("|")), key=len, reverse=True)
    return re.compile(rf"\b(?:{_SIDES_EN})\b|{'|'.join(near)}")
