"""The form of a case filled from a call, each field with how sure it is and the words it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.assist.call import Call, Form
from bot.assist.matter import Matter
from bot.assist.place import entities_of
from bot.assist.reading import Reading
from bot.assist.types import likeliest_type
from bot.cases.analysis import CATEGORY_FLOOR, Demand
from bot.cases.areas import Area, areas_of
from bot.cases.case import CaseDraft, DemandType
from bot.nlu.entities import Entity
from bot.nlu.gazetteer import road_districts
from knowledge.catalogue import Catalogue, Kind, Service
from knowledge.city import City

SURE_ITEM = 0.5
TYPE_SAID, TYPE_READ = 0.9, 0.65
SURE_PLACE, GUESSED_PLACE = 0.9, 0.55
MAX_WORDS = 120


@dataclass(frozen=True)
class Field:
    """A value of the form; `words` are those of the segment it came from."""

    value: str | bool
    confidence: float
    words: str
    at: int


@dataclass(frozen=True)
class Draft:
    """The fields of one matter and the item it would be filed under."""

    fields: Mapping[str, Field]
    item: Service | None
    type: DemandType

    def value(self, name: str) -> str | None:
        """A value as text, None when it is not known."""
        field = self.fields.get(name)
        return None if field is None else str(field.value)

    def as_case(self) -> CaseDraft:
        """The draft as the office files it."""
        return CaseDraft(
            self.value("description") or "",
            self.type,
            self.value("category"),
            self.item.code if self.item else None,
            self.item.agency if self.item else None,
            self.value("location"),
            self.value("district"),
            self.value("subdistrict"),
            self.value("occurred_at"),
            self.value("subcategory"),
        )


def draft_of(call: Call, matter: Matter, form: Form, catalogue: Catalogue, city: City) -> Draft:
    """The form of one matter of a call."""
    fields: dict[str, Field] = {}
    item = _item(matter, catalogue)
    kind = DemandType.CONSULT
    if matter.demand is not None:
        kind = type_of(matter, item)
        fields |= _read_fields(matter, matter.demand, kind, item)
    fields |= _told_fields(form, city)
    if call.contact is not None:
        fields["contact"] = Field(call.contact.value, call.contact.confidence, call.contact.words, call.contact.at)
    if call.unnamed is not None:
        hidden = call.unnamed
        fields["anonymous"] = Field(hidden.value == "true", hidden.confidence, hidden.words, hidden.at)
    return Draft(fields, item, kind)


def type_of(matter: Matter, item: Service | None) -> DemandType:
    """Why the caller calls: what explains is an inquiry, what is filed is what all the words say."""
    if not matter.files_it:
        return DemandType.CONSULT
    category = next(iter(matter.categories), None)
    kind = likeliest_type(matter.types, matter.parts, (str(item.code) if item else None, category))
    return kind if kind is not DemandType.CONSULT else DemandType.HELP


def _item(matter: Matter, catalogue: Catalogue) -> Service | None:
    """The hotline item a matter would be filed under."""
    if not matter.files_it or matter.demand is None:
        return None
    best = next(((code, share) for code, share in matter.ranked.items() if catalogue[code].kind is Kind.DEMAND), None)
    if best is not None and best[1] >= SURE_ITEM:
        return catalogue[best[0]]
    code, share = next(iter(matter.items.items()), ("", 0.0))
    return catalogue[code] if code in catalogue and share >= SURE_ITEM else None


def _category(matter: Matter, item: Service | None) -> tuple[str | None, float]:
    """The first-level name and how sure it is; none below the floor."""
    name, share = next(iter(matter.categories.items()), (None, 0.0))
    if item is not None and item.category:
        own = max(matter.ranked.get(item.code, 0.0), matter.categories.get(item.category, 0.0))
        if own >= share:
            return item.category, own
    return (name, share) if share >= CATEGORY_FLOOR else (None, share)


def _read_fields(matter: Matter, demand: Demand, kind: DemandType, item: Service | None) -> dict[str, Field]:
    telling = _telling(matter, item)
    words = telling.segment.text[:MAX_WORDS]
    said = TYPE_SAID if demand.evidence.get("type") else TYPE_READ
    fields = {"type": Field(str(kind), said, words, telling.at)}
    category, sure = _category(matter, item)
    if category is not None:
        fields["category"] = Field(category, round(sure, 3), words, telling.at)
        if demand.subcategory and category == demand.category:
            fields["subcategory"] = Field(demand.subcategory, round(sure * 0.9, 3), words, telling.at)
    if item is not None:
        share = matter.ranked.get(item.code, SURE_ITEM)
        fields["service_item"] = Field(str(item.code), round(share, 3), words, telling.at)
    if demand.urgency != "normal":
        fields["urgency"] = Field(demand.urgency, round(demand.pressing, 3), words, telling.at)
    if demand.people:
        told = next((one for one in matter.told if demand.people in one.heard.text.lower()), telling)
        fields["people"] = Field(demand.people, TYPE_SAID, told.segment.text[:MAX_WORDS], told.at)
    first = matter.told[0]
    fields["description"] = Field(matter.text, TYPE_SAID, first.segment.text[:MAX_WORDS], first.at)
    return fields


def _telling(matter: Matter, item: Service | None) -> Reading:
    """The segment that says most of what a matter is."""
    code = str(item.code) if item is not None else (matter.best or ("", 0.0))[0]
    return max(matter.told, key=lambda one: one.covered * one.shares.get(code, 0.0))


def _along(names: Sequence[Entity], city: City) -> tuple[Area, ...]:
    """The districts of the roads named."""
    table = road_districts(city)
    return tuple(
        dict.fromkeys(Area(table[one.value], None) for one in names if one.label == "road" and one.value in table)
    )


def _told_fields(form: Form, city: City) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    place = form.place
    if place.pieces:
        best = max(place.pieces, key=lambda piece: (piece.level, piece.wanted))
        sure = SURE_PLACE if best.sure else GUESSED_PLACE
        fields["location"] = Field(place.text, sure, best.words, best.at)
        names = entities_of(place, city)
        areas = areas_of(names, place.text) or _along(names, city)
        if len(areas) == 1 or (areas and any(name.label == "district" for name in names)):
            area = areas[0]
            telling = next((piece for piece in place.pieces if (area.subdistrict or "")[:2] in piece.text), best)
            for name, value in (("district", area.district), ("subdistrict", area.subdistrict)):
                if value:
                    fields[name] = Field(value, sure, telling.words, telling.at)
    if form.time is not None:
        fields["occurred_at"] = Field(form.time.value, form.time.confidence, form.time.words, form.time.at)
    return fields
