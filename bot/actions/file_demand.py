"""Filing a demand: takes what was said, asks what is missing, confirms once, files."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.case_status import agency_name
from bot.actions.demand_area import AREA, area_question, take_area, undecided
from bot.actions.demand_form import (
    CONFIRM,
    DEMAND_FORM,
    MAX_VALUE_CHARS,
    FormState,
    state_of,
    take_contact,
    take_named_value,
    take_values,
    without_contact,
)
from bot.actions.demand_place import placed, take_bare_place
from bot.actions.demand_summary import contact, summary
from bot.actions.known_case import FILE, FOLLOW, act_on_offer, follow, offer
from bot.actions.place_question import place_question
from bot.cases.case import CaseDraft
from bot.cases.telling import TIME_FORMAT
from bot.giving_up import other_matter
from bot.messages import BotMessage
from bot.nlu.declining import Declined, declined
from bot.nlu.said import (
    command_after,
    content_of,
    goes_on,
    is_change,
    named_field,
    opening_act,
    opens_with_command,
    says_nothing,
    says_submit,
    short_answer,
    wants_anonymity,
    without_going_on,
)
from bot.turn import ActionResult, Outcome, TurnContext
from knowledge.retriever import Hit

FRAUD_ITEM = "H27"
SURE = 0.6
CLOSED_SLOTS = (
    "demands",
    "description",
    "location",
    "occurred_at",
    "contact",
    "anonymous",
    "skipped",
    "requested_slot",
    "told",
    "opening",
    "known_case",
)


def demand_form(turn: TurnContext) -> ActionResult:
    """Start the form or take the next answer."""
    if turn.tracker.active_form != DEMAND_FORM:
        return _start(turn)
    state, requested = state_of(turn.tracker), turn.tracker.requested_slot or "description"
    if not state.drafts:
        return _start(turn, asked=requested == "description")
    if requested == CONFIRM:
        return _at_confirmation(turn, state)
    return _answer(turn, state, requested)


def ask_again(turn: TurnContext) -> ActionResult:
    """The form's question once more, after a digression."""
    state = state_of(turn.tracker)
    question = _question(turn, state, turn.tracker.requested_slot or state.missing())
    messages = (turn.say("utter_back_to_form"), question)
    return ActionResult(Outcome.FORM_QUESTION, messages, hits=_hits(turn, state))


def cancel_form(turn: TurnContext) -> ActionResult:
    """Drop the running form; another demand told in the same breath begins a new one."""
    dropped = ActionResult(Outcome.CANCELLED, (turn.say("utter_form_cancelled"),), closing_events(turn))
    other = command_after(turn.message.text, "file_demand") or other_matter(turn)
    if other is None:
        return dropped
    begun = _begun(turn, FormState(), other)
    return replace(begun, messages=(*dropped.messages, *begun.messages), events=(*dropped.events, *begun.events))


def closing_events(turn: TurnContext) -> tuple:  # type: ignore[type-arg]
    """Events that end the form and forget what it held."""
    return (turn.form(None), *(turn.slot(name, None) for name in CLOSED_SLOTS))


def _start(turn: TurnContext, asked: bool = False) -> ActionResult:
    if (place := (turn.parse.payload or {}).get("place")) and isinstance(place, str):
        return _ask(turn, replace(state_of(turn.tracker), place=place[:MAX_VALUE_CHARS]))
    told = turn.message.text.strip() if asked else content_of(turn.message.text, turn.parse, "file_demand")
    told = told or turn.tracker.slot("told")
    if asked and short_answer(turn.message.text) in ("skip", "deny"):
        return cancel_form(turn)
    state = state_of(turn.tracker)
    if told and not (asked and short_answer(told)):
        return _begun(turn, state, told)
    result = _ask(turn, _common(turn, take_contact(state, turn.parse)))
    if state.drafts or asked:
        return result
    return replace(result, events=(*result.events, turn.slot("opening", turn.message.text[:MAX_VALUE_CHARS])))


def _begun(turn: TurnContext, state: FormState, told: str) -> ActionResult:
    """The form begun with what was told; a place alone is kept, and the matter asked for once more."""
    if state.place is None and (kept := take_bare_place(turn, state, told)) is not None:
        return _ask(turn, _common(turn, take_contact(kept, turn.parse)))
    drafts = tuple(demand.draft() for demand in turn.analyst.analyse(without_contact(told, turn.parse)))
    if any(draft.service_item == FRAUD_ITEM for draft in drafts):
        return ActionResult(Outcome.EMERGENCY, (turn.say("utter_emergency_fraud"),), closing_events(turn))
    drafts = tuple(placed(turn, _typed(turn, draft), state) for draft in drafts)
    state = replace(state, drafts=drafts, place=None, time=None)
    return _ask(turn, _common(turn, take_contact(state, turn.parse)))


def _typed(turn: TurnContext, draft: CaseDraft) -> CaseDraft:
    """The draft with the type that the words said which opened the form, unless its own words say one."""
    if turn.analyst.said_type(draft.description):
        return draft
    said = turn.analyst.said_type(turn.tracker.slot("opening") or turn.message.text)
    return replace(draft, type=said or draft.type)


def _common(turn: TurnContext, state: FormState) -> FormState:
    """Anonymity told along with everything else."""
    wants = wants_anonymity(turn.message.text) or (turn.parse.intent == "anonymous" and turn.parse.confidence > SURE)
    return replace(state, anonymous=True, contact=None) if wants else state


def _answer(turn: TurnContext, state: FormState, requested: str) -> ActionResult:
    """Take the answer to a question for a place or time; anything else told along is taken too."""
    act = short_answer(turn.message.text)
    state = _common(turn, state)
    if act == "anonymous":
        return _ask(turn, state)
    if act == "affirm" and requested == "location":
        return _ask_for(turn, state, requested)
    if act in ("skip", "affirm", "deny"):
        return _ask(turn, state.skip(requested))
    if requested == AREA:
        return _ask(turn, take_area(turn, state))
    if _only_command(turn):
        return _ask_for(turn, state, requested)
    changed = take_values(state, turn.parse, requested, is_change(turn.parse), turn.analyst.city)
    if changed == state and requested != "location" and is_change(turn.parse):
        changed = _place_named(turn, state)
    if changed != state:
        return _ask(turn, changed)
    answer = turn.message.text.strip()
    if goes_on(answer):
        answer = without_going_on(answer)
        if says_nothing(answer):
            return _ask_for(turn, state, requested)
    if turn.parse.intent == "skip" and turn.parse.confidence > SURE:
        return _ask(turn, state.skip(requested))
    if (unsaid := declined(turn.message.text)) is not None:
        told_nothing = unsaid in (Declined.MORE, requested)
        return _ask(turn, state.skip(requested)) if told_nothing else _ask_for(turn, state, requested)
    added = _another_demand(turn, state)
    if added is not None:
        return _ask(turn, added)
    return _ask(turn, state.fill(requested, answer[:MAX_VALUE_CHARS], only_missing=False))


def _place_named(turn: TurnContext, state: FormState) -> FormState:
    """The state with a place told anew by the name of the field, such as a house number alone."""
    if named_field(turn.message.text) != "location":
        return state
    return take_named_value(state, turn.parse, turn.analyst.city)[0]


def _only_command(turn: TurnContext) -> bool:
    """Whether the message only says once more that something is to be reported."""
    commanded = opens_with_command(turn.message.text, "file_demand")
    return commanded and content_of(turn.message.text, turn.parse, "file_demand") is None


def _at_confirmation(turn: TurnContext, state: FormState) -> ActionResult:
    wanted = act_on_offer(turn)
    if wanted == FOLLOW:
        followed = follow(turn)
        return replace(followed, events=closing_events(turn))
    if wanted == FILE:
        return _file(turn, state)
    act = short_answer(turn.message.text)
    opening = act or opening_act(turn.message.text)
    before = state
    if says_submit(turn.message.text) and not turn.parse.all("location", "phone", "email") and not turn.parse.asks():
        return _file(turn, _common(turn, state))
    changed = take_values(_common(turn, state), turn.parse, None, True, turn.analyst.city)
    same_matter = replace(changed, contact=None, anonymous=False) == replace(before, contact=None, anonymous=False)
    if same_matter and not turn.parse.asks() and opening == "affirm":
        return _file(turn, changed)
    if goes_on(turn.message.text) or _only_command(turn):
        return _ask(turn, changed)
    if act == "skip" or (changed == state and declined(turn.message.text)):
        return _ask(turn, state)
    if changed != state:
        return _ask(turn, changed, changed=True)
    named, name = take_named_value(state, turn.parse, turn.analyst.city)
    if named != state:
        return _ask(turn, named, changed=True)
    if act == "deny" or (turn.parse.intent == "deny" and turn.parse.confidence > SURE):
        return _what_to_change(turn, state)
    if turn.parse.intent == "affirm" and turn.parse.confidence > SURE:
        return _file(turn, state)
    if name is not None:
        return _ask_for(turn, state, name if name != "contact" else CONFIRM)
    if turn.parse.intent == "correct" and turn.parse.confidence > SURE:
        return _what_to_change(turn, state)
    added = _another_demand(turn, state)
    if added is not None:
        return _ask(turn, added)
    return _ask(turn, _longer(state, turn.message.text.strip()), changed=True)


def _another_demand(turn: TurnContext, state: FormState) -> FormState | None:
    """The state with one more demand, when the message tells of another item."""
    if turn.parse.intent != "file_demand" or turn.parse.confidence < SURE:
        return None
    known = {draft.service_item for draft in state.drafts}
    fresh = [
        d.draft() for d in turn.analyst.analyse(turn.message.text) if d.service_item and d.service_item not in known
    ]
    return replace(state, drafts=(*state.drafts, *fresh)) if fresh else None


def _longer(state: FormState, text: str) -> FormState:
    """The last demand with more told."""
    last = state.drafts[-1]
    joined = f"{last.description}；{text}" if not text.isascii() else f"{last.description}; {text}"
    return replace(state, drafts=(*state.drafts[:-1], replace(last, description=joined)))


def _ask(turn: TurnContext, state: FormState, changed: bool = False) -> ActionResult:
    """Ask for what is missing, which of two areas is meant, or for the confirmation."""
    missing = state.missing()
    return _ask_for(turn, state, AREA if missing == CONFIRM and undecided(turn, state) else missing, changed)


def _ask_for(turn: TurnContext, state: FormState, name: str, changed: bool = False) -> ActionResult:
    if name == "description" and state.drafts:
        state = replace(state, drafts=())
    question = _question(turn, state, name)
    known, looked = offer(turn, state) if name == CONFIRM else ((), ())
    messages = (*((turn.say("utter_slot_changed"),) if changed else ()), *known, question)
    events = (turn.form(DEMAND_FORM), *state.events(turn.slot), *looked, turn.slot("requested_slot", name))
    return ActionResult(Outcome.FORM_QUESTION, messages, events, hits=_hits(turn, state))


def _what_to_change(turn: TurnContext, state: FormState) -> ActionResult:
    events = (turn.form(DEMAND_FORM), turn.slot("requested_slot", CONFIRM))
    return ActionResult(Outcome.FORM_QUESTION, (turn.say("utter_what_to_change"),), events, hits=_hits(turn, state))


def _question(turn: TurnContext, state: FormState, name: str) -> BotMessage:
    if name == CONFIRM:
        return turn.say("utter_ask_confirm", summary=summary(turn, state), contact=contact(turn, state))
    if name == "description" and state.place is not None:
        return turn.say("utter_ask_matter_there", place=state.place)
    if name == AREA:
        return area_question(turn, undecided(turn, state))
    if name == "location":
        return place_question(turn, state.drafts)
    return turn.say(f"utter_ask_{name}")


def _hits(turn: TurnContext, state: FormState) -> tuple[Hit, ...]:
    """The hotline items of the demands, so that the desk and the page can show them."""
    codes = dict.fromkeys(draft.service_item for draft in state.drafts if draft.service_item)
    return tuple(Hit(turn.catalogue[code], 1.0) for code in codes)


def _file(turn: TurnContext, state: FormState) -> ActionResult:
    """Make a case of every demand."""
    filed = tuple(
        turn.cases.file(draft, turn.sender, turn.language, state.contact, state.anonymous) for draft in state.drafts
    )
    messages = tuple(
        turn.say(
            "utter_case_filed",
            number=case.number,
            code=case.query_code,
            agency=agency_name(turn, case.draft.agency),
            expected=f"{case.expected_at:{TIME_FORMAT}}",
        )
        for case in filed
    )
    events = (*closing_events(turn), turn.slot("case_number", filed[0].number))
    return ActionResult(Outcome.CASE_FILED, messages, events, _hits(turn, state), cases=filed, reveal_code=True)
