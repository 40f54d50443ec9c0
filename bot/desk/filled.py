"""The case form as a person at the desk filled it: what is not told is read off the description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.actions.demand_form import FormState
from bot.assistant import Assistant
from bot.cases.case import CaseDraft, DemandType

# Fields of a form that every demand shares, and those of one demand alone.
SHARED = ("location", "occurred_at")
OWN = ("type", "category", "service_item", "district", "subdistrict", "description")
NAMES = (*OWN, *SHARED, "contact", "anonymous")


def draft_of(told: Mapping[str, str], assistant: Assistant) -> CaseDraft:
    """The draft of a description, with what else was told in its place."""
    read = assistant.analyst.analyse(told["description"])
    draft = read[0].draft() if read else CaseDraft(told["description"], DemandType.CONSULT)
    return with_told(draft, told, assistant)


def with_told(draft: CaseDraft, told: Mapping[str, str], assistant: Assistant) -> CaseDraft:
    """A draft with what was told in place of what was read."""
    values: dict[str, object] = {name: told[name] for name in (*OWN, *SHARED) if told.get(name)}
    if values.get("category", draft.category) != draft.category:
        # What was read beside the category belongs to the other one; without an item dispatch decides.
        draft = replace(draft, subcategory=None, service_item=None, agency=None)
    if values.get("service_item") in assistant.catalogue:
        values["agency"] = assistant.catalogue[str(values["service_item"])].agency
    else:
        values.pop("service_item", None)
    if "type" in values:
        values["type"] = DemandType(str(values["type"]))
    return replace(draft, **values)  # type: ignore[arg-type]


def filled(state: FormState, told: Mapping[str, str], assistant: Assistant) -> FormState:
    """The bot's form with what the person filled in; it begins with a description where it held no demand yet."""
    if not state.drafts and told.get("description"):
        state = replace(state, drafts=(draft_of(told, assistant),), place=None, time=None)
    elif len(state.drafts) == 1:
        state = replace(state, drafts=(with_told(state.drafts[0], told, assistant),))
    elif state.drafts:
        for name in SHARED:
            state = state.fill(name, told[name], only_missing=False) if told.get(name) else state
    if told.get("contact"):
        state = replace(state, contact=told["contact"], anonymous=False)
    if told.get("anonymous") == "true":
        state = replace(state, contact=None, anonymous=True)
    return state
