"""A place told before its matter: kept while the matter is asked for, then given to the demands."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.demand_form import MAX_VALUE_CHARS, FormState, take_values
from bot.cases.case import CaseDraft
from bot.language import detect
from bot.nlu.bare_place import PLACES, is_bare_place, place_alone
from bot.nlu.entities import find_entities
from bot.nlu.said import without_lead_ins
from bot.turn import TurnContext


def take_bare_place(turn: TurnContext, state: FormState, told: str) -> FormState | None:
    """The state with the place, and the time, that are all that was told; None where a matter was told."""
    language = "en" if detect(told).language == "en" else "zh"
    entities = find_entities(told, language, turn.analyst.city)
    if len(told) > MAX_VALUE_CHARS or not is_bare_place(told, language, entities):
        return None
    time = next((one.text for one in entities if one.label == "time"), None)
    return replace(state, place=without_lead_ins(place_alone(told, entities)), time=time)


def placed(turn: TurnContext, draft: CaseDraft, state: FormState) -> CaseDraft:
    """The draft at the place told before it; what it tells of places itself comes first where that has a name."""
    if state.place is None:
        return draft
    told = state.place
    own = draft.location
    if own is not None and own not in told and turn.understand(own, None).first(*PLACES - {"location"}) is not None:
        told = f"{own}, {told}" if own.isascii() else f"{own}，{told}"
    parse = turn.understand(told, None)
    there = take_values(FormState((draft,)), parse, "location", False, turn.analyst.city).drafts[0]
    if there.location == own:
        there = replace(there, location=told)
    return replace(there, occurred_at=draft.occurred_at or state.time)
