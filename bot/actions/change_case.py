"""What a citizen does to a filed case: add to it, hasten, withdraw or reopen it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from bot.actions.case_status import (
    MAX_LISTED,
    agency_name,
    find_case,
    needs_identity,
    which_case,
)
from bot.cases.case import CITIZEN, Case, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import TRANSITIONS, Move
from bot.cases.telling import TIME_FORMAT
from bot.errors import HastenRefused, IllegalTransition, MissingForMove, UnknownCase
from bot.nlu.said import content_of, short_answer
from bot.turn import ActionResult, Outcome, TurnContext

SUPPLEMENT_FORM, REOPEN_FORM = "supplement_form", "reopen_form"
NEW_FACTS = "new_facts"
# What a change asks for when the message brings nothing: form and slot.
ASKED_FOR: Mapping[Move, tuple[str, str]] = {
    Move.SUPPLEMENT: (SUPPLEMENT_FORM, "supplement"),
    Move.REOPEN: (REOPEN_FORM, NEW_FACTS),
}
SUPPLEMENT = "supplement_case"
CONTENT: Mapping[Move, str] = {Move.REOPEN: "reopen_case"}
DONE = {
    Move.HASTEN: "utter_case_hastened",
    Move.WITHDRAW: "utter_case_withdrawn",
    Move.REOPEN: "utter_case_reopened",
    Move.SUPPLEMENT: "utter_case_supplemented",
}


def hasten_case(turn: TurnContext) -> ActionResult:
    """Hasten the case meant."""
    return _change(turn, Move.HASTEN)


def withdraw_case(turn: TurnContext) -> ActionResult:
    """Withdraw the case meant."""
    return _change(turn, Move.WITHDRAW)


def reopen_case(turn: TurnContext) -> ActionResult:
    """Open a closed or withdrawn case again."""
    return _change(turn, Move.REOPEN)


def supplement_case(turn: TurnContext) -> ActionResult:
    """Add what the message tells to the case meant, asking for it when it tells nothing yet."""
    return _change(turn, Move.SUPPLEMENT)


def take_supplement(turn: TurnContext) -> ActionResult:
    """Add the answer to the running supplement form."""
    case = turn.cases.by_number(turn.tracker.slot("case_number"))
    return apply(turn, case, Move.SUPPLEMENT, turn.message.text.strip())


def detail_case(turn: TurnContext) -> ActionResult:
    """Add a detail, told right after filing, to the case filed."""
    return apply(turn, turn.cases.by_number(turn.tracker.slot("on_case")), Move.SUPPLEMENT, turn.message.text.strip())


def take_new_facts(turn: TurnContext) -> ActionResult:
    """Reopen the case with what is new."""
    case = turn.cases.by_number(turn.tracker.slot("case_number"))
    told = content_of(turn.message.text, turn.parse, CONTENT[Move.REOPEN])
    return apply(turn, case, Move.REOPEN, None if short_answer(turn.message.text) else told)


def _change(turn: TurnContext, change: Move) -> ActionResult:
    case = find_case(turn)
    if case is None:
        if turn.parse.first("case_number"):
            return needs_identity(turn)
        fitting = _fitting(turn, change)
        if not fitting:
            return needs_identity(turn)
        current = turn.tracker.slot("case_number")
        meant = [each for each in fitting if each.number == current] or list(fitting)
        if len(meant) > 1:
            return which_case(turn, tuple(meant[:MAX_LISTED]), change)
        case = meant[0]
    return apply(turn, case, change, content_of(turn.message.text, turn.parse, CONTENT.get(change, SUPPLEMENT)))


def _fitting(turn: TurnContext, change: Move) -> tuple[Case, ...]:
    """The sender's cases and the one shown last, those first that allow the change."""
    own = list(turn.cases.of_sender(turn.sender))
    shown = turn.tracker.slot("case_number")
    if shown and shown not in [case.number for case in own]:
        with contextlib.suppress(UnknownCase):
            own.insert(0, turn.cases.by_number(CaseNumber(shown)))
    allowed = [case for case in own if case.status in TRANSITIONS[change].origins]
    return tuple(allowed or own[:1])


def apply(turn: TurnContext, case: Case, change: Move, note: str | None) -> ActionResult:
    """Make the change and tell it, or tell why it cannot be made."""
    set_case = turn.slot("case_number", case.number)
    if change is Move.SUPPLEMENT and not note:
        return _ask(turn, case, change)
    hastening = turn.closing.progress(case, turn.now).hasten
    try:
        changed = turn.cases.move(case.number, change, CITIZEN, Facts(note if change in ASKED_FOR else None))
    except MissingForMove:
        return _ask(turn, case, change)
    except HastenRefused:
        return _refused_to_hasten(turn, case)
    except IllegalTransition:
        refusal = turn.say(
            "utter_case_not_possible",
            number=case.number,
            status=turn.text(f"utter_status_{case.status}"),
            action=turn.text(f"utter_action_{change}"),
        )
        return ActionResult(Outcome.CASE_STATUS, (refusal,), (set_case,), cases=(case,))
    message = turn.say(
        DONE[change],
        number=changed.number,
        text=note or "",
        count=changed.count("hastened"),
        effect=turn.text(f"utter_hastened_{hastening}") if change is Move.HASTEN else "",
        agency=agency_name(turn, changed.handling.unit or changed.draft.agency),
        expected=f"{changed.expected_at:{TIME_FORMAT}}",
    )
    events = (set_case, turn.form(None), turn.slot("requested_slot", None))
    return ActionResult(Outcome.CASE_UPDATED, (message,), events, cases=(changed,))


def _refused_to_hasten(turn: TurnContext, case: Case) -> ActionResult:
    """Told kindly why nothing was done, with what can be done instead."""
    progress, telling = turn.closing.progress(case, turn.now), turn.telling
    message = turn.say(
        "utter_hasten_refused", number=case.number, status=telling.status(progress), why=telling.hasten(progress)
    )
    return ActionResult(Outcome.CASE_STATUS, (message,), (turn.slot("case_number", case.number),), cases=(case,))


def _ask(turn: TurnContext, case: Case, change: Move) -> ActionResult:
    """Ask for what the change needs: what to add, or what is new."""
    form, slot = ASKED_FOR[change]
    events = (turn.slot("case_number", case.number), turn.form(form), turn.slot("requested_slot", slot))
    status = turn.telling.status(turn.closing.progress(case, turn.now))
    message = turn.say(f"utter_ask_{slot}", number=case.number, status=status)
    return ActionResult(Outcome.FORM_QUESTION, (message,), events, cases=(case,))
