"""The case form as a person at the desk filled it: what is not told is read off the description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.actions.demand_form import NEEDED, FormState
from bot.assistant import Assistant
from bot.cases.areas import Area, areas_of
from bot.cases.case import CaseDraft, DemandType
from bot.nlu.entities import find_entities
from knowledge.city import City

TEXTS = ("category", "service_item", "location", "district", "subdistrict", "occurred_at")
NAMES = (*TEXTS, "type", "description", "contact", "anonymous")
PLACE_AND_TIME = ("location", "occurred_at")
# What may be read off a talk; it fills gaps only.
HEARD = (*PLACE_AND_TIME, "contact", "anonymous")
TRUE = "true"
UNKNOWN = Area(None, None)
Told = Mapping[str, str | None]


def draft_of(told: Told, assistant: Assistant) -> CaseDraft:
    """The draft of a description, with what else was told in its place."""
    description = told["description"] or ""
    read = assistant.analyst.analyse(description)
    draft = read[0].draft() if read else CaseDraft(description, DemandType.CONSULT)
    return with_told(draft, told, assistant)


def with_told(draft: CaseDraft, told: Told, assistant: Assistant) -> CaseDraft:
    """A draft with what was told in place of what was read; None empties a field, a type or description stays."""
    values: dict[str, object] = {name: told[name] or None for name in TEXTS if name in told}
    if values.get("category", draft.category) != draft.category:
        # What was read beside the category belongs to the other one; without an item dispatch decides.
        draft = replace(draft, subcategory=None, service_item=None, agency=None)
    item = values.get("service_item")
    if item in assistant.catalogue:
        values["agency"] = assistant.catalogue[str(item)].agency
    elif item is not None:
        values.pop("service_item")
    elif "service_item" in values:
        values["agency"] = None
    if "location" in values:
        place = told["location"] or ""
        if not _same(draft.location, place):
            values |= {"latitude": None, "longitude": None}
        if not values.get("district"):
            area = _area_after(draft, place, assistant.analyst.city)
            values |= {"district": area.district, "subdistrict": values.get("subdistrict") or area.subdistrict}
    if values.get("district", draft.district) != draft.district:
        values.setdefault("subdistrict", None)
    if told.get("type"):
        values["type"] = DemandType(str(told["type"]))
    if told.get("description"):
        values["description"] = told["description"]
    return replace(draft, **values)  # type: ignore[arg-type]


def _area_after(draft: CaseDraft, place: str, city: City) -> Area:
    """The area that a new place names; the one before only where the place is the same, told more or less exactly."""
    named = area_of(place, city)
    kept = named == UNKNOWN and _same(draft.location, place)
    return Area(draft.district, draft.subdistrict) if kept else named


def _same(before: str | None, place: str) -> bool:
    return bool(place) and (before is None or place in before or before in place)


def area_of(place: str, city: City) -> Area:
    """The area that a place names, as much of it as all its names agree on."""
    areas = areas_of(find_entities(place, "en" if place.isascii() else "zh", city), place) if place else ()
    if len(areas) == 1:
        return areas[0]
    districts = {area.district for area in areas}
    return Area(districts.pop(), None) if len(districts) == 1 else UNKNOWN


def filled(state: FormState, told: Told, heard: Mapping[str, str], assistant: Assistant) -> FormState:
    """The bot's form with what the person filled in; it begins with a description where it held no demand yet.

    What was only heard fills gaps. Of several demands only the one meant is changed.
    """
    heard = {name: value for name, value in heard.items() if name not in told}
    if state.drafts:
        state = _with(state, _meant(state, told), told, assistant)
        for name in PLACE_AND_TIME:
            gap = _lacking(state, name)
            if name in heard and gap is not None:
                state = _with(state, gap, {name: heard[name]}, assistant)
    else:
        before = {"location": state.place, "occurred_at": state.time}
        known = {name: value or heard.get(name) for name, value in before.items()}
        both = {**{name: value for name, value in known.items() if value}, **told}
        if told.get("description"):
            state = replace(state, drafts=(draft_of(both, assistant),), place=None, time=None)
        else:
            state = replace(state, place=both.get("location"), time=both.get("occurred_at"))
    return _named(state, told, heard)


def _named(state: FormState, told: Told, heard: Mapping[str, str]) -> FormState:
    """The form with the number to call and whether the person stays unnamed."""
    if "contact" in told:
        state = replace(state, contact=told["contact"] or None, anonymous=state.anonymous and not told["contact"])
    elif "contact" in heard and state.contact is None and not state.anonymous:
        state = replace(state, contact=heard["contact"])
    unnamed = told.get("anonymous", None if told.get("contact") else heard.get("anonymous"))
    if unnamed is None:
        return state
    return replace(state, contact=None if unnamed == TRUE else state.contact, anonymous=unnamed == TRUE)


def _meant(state: FormState, told: Told) -> int:
    """Which demand was filled in: the one described so, else the first lacking a value told, else the one shown."""
    for at, draft in enumerate(state.drafts):
        if draft.description == told.get("description"):
            return at
    shown = state.drafts[0]
    open_ones = [name for name in PLACE_AND_TIME if told.get(name) and getattr(shown, name) is None]
    return next((gap for name in open_ones if (gap := _lacking(state, name)) is not None), 0)


def _lacking(state: FormState, name: str) -> int | None:
    """The first demand that needs a value and has none."""
    lacking = (at for at, one in enumerate(state.drafts) if name in NEEDED[one.type] and getattr(one, name) is None)
    return next(lacking, None)


def _with(state: FormState, at: int, told: Told, assistant: Assistant) -> FormState:
    drafts = list(state.drafts)
    drafts[at] = with_told(drafts[at], told, assistant)
    return replace(state, drafts=tuple(drafts))
