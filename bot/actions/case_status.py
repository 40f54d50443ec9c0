"""Telling a case's status to whoever may know it."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.known_case import followed, followed_message
from bot.actions.notice_place import place_offer
from bot.cases.case import Case
from bot.cases.number import CaseNumber
from bot.cases.progress import Holder, Progress
from bot.cases.telling import TIME_FORMAT
from bot.errors import UnknownCase
from bot.messages import BotMessage, Button
from bot.nlu.entities import find_query_code
from bot.tracker import Event
from bot.turn import ActionResult, Outcome, TurnContext

MAX_LISTED = 5
MAX_TRACK = 8


def case_status(turn: TurnContext) -> ActionResult:
    """Report the case named with its code, or the sender's own cases."""
    named = turn.parse.first("case_number")
    case = find_case(turn)
    if case is not None:
        named_here = report(turn, case)
        offered = place_offer(turn, case.number) if case.sender != turn.sender else ()
        return replace(named_here, messages=(*named_here.messages, *offered))
    own = () if named else turn.cases.of_sender(turn.sender)
    others = () if named else followed(turn)[:MAX_LISTED]
    told = tuple(followed_message(turn, each) for each in others)
    if not own:
        return ActionResult(Outcome.CASE_STATUS, told, cases=others[:1]) if others else needs_identity(turn)
    if len(own) == 1:
        alone = report(turn, own[0])
        return replace(alone, messages=(*alone.messages, *told))
    rows = "\n".join(row(turn, each) for each in own[:MAX_LISTED])
    messages = (turn.say("utter_case_list", count=len(own), cases=rows), status_message(turn, own[0]), *told)
    events = (turn.slot("case_number", own[0].number), *_to_rate(turn, own[0]))
    return ActionResult(Outcome.CASE_STATUS, messages, events, cases=(own[0],))


def find_case(turn: TurnContext) -> Case | None:
    """The case the message names with a right code or from its own sender, None when it does not."""
    named = turn.parse.first("case_number")
    pending = turn.tracker.slot("case_number_asked")
    number = CaseNumber(named.value) if named else CaseNumber(pending) if pending else None
    if number is None:
        return None
    text = turn.message.text.replace(named.text, " ") if named else turn.message.text
    code = find_query_code(text, expected=True)
    try:
        if code is not None:
            return turn.cases.with_code(number, code)
        case = turn.cases.by_number(number)
    except UnknownCase:
        return None
    return case if case.sender == turn.sender else None


def needs_identity(turn: TurnContext) -> ActionResult:
    """Ask for number and code; the same words for a wrong code and an unknown number."""
    named = turn.parse.first("case_number")
    asked = named.value if named else turn.tracker.slot("case_number_asked") or ""
    message = turn.say("utter_need_case_identity" if asked else "utter_ask_case_identity")
    return ActionResult(Outcome.NEEDS_IDENTITY, (message,), (turn.slot("case_number_asked", asked),))


def report(turn: TurnContext, case: Case) -> ActionResult:
    """The status of one case."""
    events = (turn.slot("case_number", case.number), turn.slot("case_number_asked", None), *_to_rate(turn, case))
    return ActionResult(Outcome.CASE_STATUS, (status_message(turn, case),), events, cases=(case,))


def status_message(turn: TurnContext, case: Case) -> BotMessage:
    """One case in words: who holds it, until when, what happened, what comes next and what hastening does."""
    progress, telling = turn.closing.progress(case, turn.now), turn.telling
    shown = progress.shown
    return turn.say(
        _wording(progress),
        number=case.number,
        status=telling.status(progress),
        description=case.draft.description,
        agency=agency_name(turn, progress.unit or case.draft.agency),
        holder=telling.holder(progress),
        filed=f"{case.filed_at:{TIME_FORMAT}}",
        expected=f"{shown.expected_at:{TIME_FORMAT}}",
        due=telling.due(progress),
        reply=shown.handling.reply or "",
        track=_track(turn, progress),
        next=telling.next_step(progress),
        hasten=telling.hasten(progress),
    )


def _wording(progress: Progress) -> str:
    if progress.rateable:
        return "utter_case_status_answered"
    return "utter_case_status_ended" if progress.holder is Holder.NOBODY else "utter_case_status"


def _track(turn: TurnContext, progress: Progress) -> str:
    """The newest lines of the track, and how many came before."""
    lines = [turn.telling.line(seen) for seen in progress.events]
    earlier = len(lines) - MAX_TRACK
    told = [turn.text("utter_track_earlier", count=earlier)] if earlier > 0 else []
    return "\n".join([*told, *lines[-MAX_TRACK:]])


def _to_rate(turn: TurnContext, case: Case) -> tuple[Event, ...]:
    """That the rating buttons below are about this case."""
    rateable = turn.closing.progress(case, turn.now).rateable
    return (turn.slot("rate_number", case.number),) if rateable else ()


def row(turn: TurnContext, case: Case) -> str:
    """One case in one line."""
    return turn.text(
        "utter_case_row",
        number=case.number,
        status=turn.text(f"utter_status_{case.status}"),
        description=case.draft.description[:30],
    )


def which_case(turn: TurnContext, cases: tuple[Case, ...], purpose: str) -> ActionResult:
    """Ask which of several cases is meant."""
    listed = "\n".join(
        turn.text("utter_choice", number=number, name=row(turn, case)) for number, case in enumerate(cases, 1)
    )
    buttons = tuple(Button(case.number, case.number) for case in cases)
    events = (turn.slot("choices", [case.number for case in cases]), turn.slot("choice_purpose", purpose))
    message = BotMessage(turn.text("utter_which_case", choices=listed), buttons)
    return ActionResult(Outcome.CLARIFY, (message,), events)


def agency_name(turn: TurnContext, key: str | None) -> str:
    """The unit in the citizen's language, or that it is still to be assigned."""
    return turn.telling.unit(key)
