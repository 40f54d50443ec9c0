"""What a demand form holds, told back for the confirmation."""

from __future__ import annotations

from bot.actions.case_status import agency_name
from bot.actions.demand_form import FormState
from bot.cases.case import CaseDraft
from bot.turn import TurnContext


def summary(turn: TurnContext, state: FormState) -> str:
    """Every demand of the form as it would be filed."""
    if len(state.drafts) == 1:
        return _one(turn, state.drafts[0])
    blocks = [turn.text("utter_summary_two_head", count=len(state.drafts))]
    for number, draft in enumerate(state.drafts, start=1):
        blocks += [turn.text("utter_summary_number", number=number), _one(turn, draft)]
    return "\n".join(blocks)


def _one(turn: TurnContext, draft: CaseDraft) -> str:
    missing = turn.text("utter_value_not_given")
    return turn.text(
        "utter_summary_one",
        description=draft.description,
        type=turn.text(f"utter_type_{draft.type}"),
        category=category_name(turn, draft.category),
        location=draft.location or missing,
        occurred_at=draft.occurred_at or missing,
        agency=agency_name(turn, draft.agency),
    )


def category_name(turn: TurnContext, category: str | None) -> str:
    """A first-level category in the citizen's language."""
    names = {text.zh: text for text in turn.catalogue.categories}
    if category is None:
        return turn.text("utter_category_open")
    return names[category].in_language(turn.language)


def contact(turn: TurnContext, state: FormState) -> str:
    """How the person can be reached, if at all."""
    if state.anonymous:
        return turn.text("utter_contact_anonymous")
    if state.contact:
        return turn.text("utter_contact_phone", contact=state.contact)
    return turn.text("utter_contact_none")
