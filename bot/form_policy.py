"""What to do while a form runs: dropping it, questions in between, and else the next answer."""

from __future__ import annotations

from bot.actions.change_case import REOPEN_FORM, SUPPLEMENT_FORM
from bot.actions.demand_area import AREA
from bot.actions.demand_form import CONFIRM, DEMAND_FORM
from bot.actions.known_case import act_on_offer
from bot.actions.notice_wish import only_stops
from bot.actions.rate_case import RATING_FORM
from bot.context import brought_up, search, subject_of
from bot.giving_up import gives_up, reads_rest
from bot.nlu.declining import declined
from bot.nlu.said import (
    goes_on,
    kept_and_negated,
    opening_act,
    opens_with_command,
    says_submit,
    short_answer,
    wants_anonymity,
)
from bot.policies import CANCEL, CASE_INTENTS, SMALLTALK, SURE_SHARE, SURE_SIMILARITY, SURE_SUBJECT, Decision
from bot.turn import TurnContext
from knowledge.catalogue import Kind
from knowledge.verdict import Verdict

SURE_CANCEL = 0.9
DIGRESSION = 0.6
SURE_DIGRESSION = 0.85
SMALLTALK_DIGRESSION = 0.7
SURE_OUTSIDE = 0.9
CASE_DIGRESSION = 0.75
DIGRESSION_SIMILARITY = 0.5
ASKING = 0.8
# Slots that no question is a value of.
NEVER_ASKED = ("location", "occurred_at", AREA)
FORM_ACTIONS = {
    DEMAND_FORM: "demand_form",
    SUPPLEMENT_FORM: "action_take_supplement",
    REOPEN_FORM: "action_take_new_facts",
    RATING_FORM: "action_rate_case",
}


def form(turn: TurnContext) -> Decision | None:
    """A running form: cancelling, digressions, and else the next answer."""
    name, parse = turn.tracker.active_form, turn.parse
    if name is None:
        return None
    if act_on_offer(turn) is not None:
        return Decision(name)
    act = short_answer(turn.message.text)
    if act == "cancel" or (act is None and (only_stops(turn) or _given_up(turn))):
        return Decision("action_cancel_form")
    if parse.payload is not None and parse.intent == "list_services":
        return Decision("action_list_services", digression=True)
    if parse.payload is not None and parse.intent in ("ask_service", "ask_detail"):
        asked = "action_answer_service" if "service" in parse.payload else "action_answer_detail"
        return Decision(asked, digression=True)
    if act is None and (parse.asks() or opening_act(turn.message.text) != "affirm") and not _answers(turn):
        if parse.intent in SMALLTALK and parse.confidence >= SMALLTALK_DIGRESSION:
            return Decision(SMALLTALK[parse.intent], digression=True)
        if parse.intent in CASE_INTENTS and parse.confidence >= CASE_DIGRESSION and _past_description(turn):
            return Decision(CASE_INTENTS[parse.intent], digression=True)
        if (
            parse.intent == "out_of_scope"
            and parse.confidence >= SURE_OUTSIDE
            and parse.asks()
            and _past_description(turn)
        ):
            return Decision("action_out_of_scope", digression=True)
        asks_on = _asks_on(turn)
        if asks_on or _asks_service(turn) or _surely_asks(turn) or _only_asks(turn):
            detail = asks_on or parse.intent == "ask_detail"
            return Decision("action_answer_detail" if detail else "action_answer_service", digression=True)
    return Decision(FORM_ACTIONS[name], rest=reads_rest(turn))


def _past_description(turn: TurnContext) -> bool:
    return turn.tracker.requested_slot != "description"


def _given_up(turn: TurnContext) -> bool:
    """Whether the message drops the form, in so many words or by what it means."""
    told = gives_up(turn)
    return _drops_it(turn) if told is None else told


def _drops_it(turn: TurnContext) -> bool:
    """Whether the message wants the form gone and tells no value."""
    parse = turn.parse
    kept, _ = kept_and_negated(parse.entities, parse.text)
    if opens_with_command(parse.text, "file_demand") or goes_on(parse.text) or says_submit(parse.text):
        return False
    if declined(turn.message.text) or wants_anonymity(turn.message.text):
        return False
    told = [entity for entity in kept if entity.label != "time"]
    return parse.intent == "cancel" and parse.confidence > (CANCEL if not kept else SURE_CANCEL) and not told


def _answers(turn: TurnContext) -> bool:
    """Whether the message holds a value the form can take and is no question."""
    values = turn.parse.all("location", "time", "phone", "email")
    asking = turn.parse.probability("ask_service", "ask_detail") > ASKING
    return bool(values) and not (asking and turn.parse.asks())


def _asks_on(turn: TurnContext) -> bool:
    """Whether a question is about a service spoken of before the form, or between its questions."""
    subject = subject_of(turn)
    if subject is None or subject.code is None or turn.catalogue[subject.code].kind is not Kind.SERVICE:
        return False
    asks = turn.parse.asks() or turn.parse.aspects or turn.parse.probability("ask_detail", "ask_service") >= DIGRESSION
    return bool(asks) and subject.share >= SURE_SUBJECT and brought_up(turn, subject.code)


def _asks_service(turn: TurnContext) -> bool:
    """Whether the message asks about a service instead of answering the form."""
    parse = turn.parse
    bar = DIGRESSION if _past_description(turn) and (parse.asks() or parse.aspects) else SURE_DIGRESSION
    if parse.probability("ask_service", "ask_detail") < bar:
        return False
    if turn.tracker.requested_slot == CONFIRM and parse.intent == "ask_detail":
        return False
    found = search(turn)
    known = found.verdict in (Verdict.ANSWERED, Verdict.CLARIFY) and found.similarity > DIGRESSION_SIMILARITY
    return known and found.best.service.kind is Kind.SERVICE


def _surely_asks(turn: TurnContext) -> bool:
    """Whether a question surely names a service, whatever the intents' shares."""
    found = search(turn)
    sure = found.best.score >= SURE_SHARE and found.similarity >= SURE_SIMILARITY
    kind = found.best.service.kind is Kind.SERVICE
    asks = turn.parse.asks() or bool(turn.parse.aspects)
    return asks and found.verdict is Verdict.ANSWERED and sure and kind


def _only_asks(turn: TurnContext) -> bool:
    """Whether a message surely is a question where the form asks for a place or time, whatever the catalogue has."""
    asks = turn.parse.asks() and turn.parse.probability("ask_service", "ask_detail") >= SURE_DIGRESSION
    return asks and turn.tracker.requested_slot in NEVER_ASKED
