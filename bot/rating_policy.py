"""What to do when a citizen rates an answer, or is displeased before there is one."""

from __future__ import annotations

from bot.actions.notice_wish import only_stops
from bot.actions.rate_case import RATING_FORM, REASON
from bot.giving_up import gives_up
from bot.intent import settled
from bot.nlu.ratings import read_rating, wants_to_rate
from bot.nlu.said import opens_with_command, short_answer
from bot.policies import CASE_INTENTS, SMALLTALK, Decision
from bot.turn import TurnContext

# What may be asked while a rating is asked for; the form's question comes again after it.
BESIDE_RATING = {
    "ask_service": "action_answer_service",
    "ask_detail": "action_answer_detail",
    "compare_services": "action_compare",
    "list_services": "action_list_services",
    "out_of_scope": "action_out_of_scope",
}


def rating(turn: TurnContext) -> Decision | None:
    """A rating: asked for, told in words that mean nothing else, or the answer to its form's questions."""
    if turn.tracker.active_form == RATING_FORM:
        return _in_rating(turn)
    if turn.tracker.active_form is not None or turn.parse.payload is not None:
        return None
    if wants_to_rate(turn.message.text):
        return Decision("action_rate_case")
    rateable = turn.tracker.slot("rate_number")
    said = read_rating(turn.message.text) if rateable or turn.tracker.slot("case_number") else None
    if said is None or not said.sure or turn.parse.asks():
        return None
    if rateable:
        return Decision("action_rate_case")
    return Decision("action_case_status") if said.satisfied is False else None


def _in_rating(turn: TurnContext) -> Decision | None:
    """The form's next answer, or what comes in between; a new demand leaves the form."""
    text = turn.message.text
    if short_answer(text) == "cancel" or only_stops(turn) or gives_up(turn):
        return Decision("action_cancel_form")
    asks = turn.parse.asks() or turn.parse.payload is not None
    if not asks and (turn.tracker.requested_slot == REASON or read_rating(text) is not None):
        return Decision("action_rate_case")
    if opens_with_command(text, "file_demand"):
        return Decision("demand_form")
    wanted = settled(turn)
    if wanted in CASE_INTENTS:
        return Decision(CASE_INTENTS[wanted], digression=True)
    if wanted in SMALLTALK or (wanted in BESIDE_RATING and asks):
        return Decision(SMALLTALK.get(wanted) or BESIDE_RATING[wanted], digression=True)
    return Decision("action_rate_case")
