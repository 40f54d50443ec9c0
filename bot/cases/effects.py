"""What each move changes of a case beside its status: clocks, unit, reply and counts, as columns to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.cases.case import Case, Facts
from bot.cases.deadlines import after_pause, contact_by, due, extended
from bot.cases.states import Move, Status
from bot.errors import IllegalTransition, MissingForMove

Columns = dict[str, Any]
NO_UNIT: Columns = {
    "unit": None, "assisting": None, "duty_line": None, "duty_version": None, "confidence": None, "contact_by": None,
}  # fmt: skip


def effects(case: Case, move: Move, facts: Facts, now: datetime) -> Columns:
    """The columns a move writes; raises IllegalTransition or MissingForMove where the table alone cannot tell."""
    made = _EFFECTS.get(move)
    return made(case, facts, now) if made else {}


def _dispatch(case: Case, facts: Facts, now: datetime) -> Columns:
    return {
        "unit": facts.unit,
        "assisting": list(facts.assisting),
        "duty_line": facts.duty_line,
        "duty_version": facts.duty_version,
        "confidence": facts.confidence,
        "contact_by": contact_by(now, case.draft.urgency).astimezone(UTC),
    }


def _resume(case: Case, facts: Facts, now: datetime) -> Columns:
    assert case.handling.paused_at is not None
    later = after_pause(case.expected_at, case.handling.paused_at, now, case.draft.urgency)
    return {"paused_at": None, "expected_at": later.astimezone(UTC)}


def _extend(case: Case, facts: Facts, now: datetime) -> Columns:
    if case.handling.extended:
        raise IllegalTransition(f"case {case.number} was extended before; one extension is allowed")
    if now >= case.expected_at:
        raise IllegalTransition(f"case {case.number} is overdue; an extension comes before the limit ends")
    return {"extended": True, "expected_at": extended(case.expected_at).astimezone(UTC)}


def _supervise(case: Case, facts: Facts, now: datetime) -> Columns:
    return {"supervision": case.handling.supervision + 1}


def _redo(case: Case, facts: Facts, now: datetime) -> Columns:
    again = due(now, case.draft.type, case.draft.urgency)
    redos = case.handling.redos + 1
    return {
        "redos": redos,
        "supervision": case.handling.supervision + (redos > 1),
        "expected_at": again.astimezone(UTC),
        "contact_by": contact_by(now, case.draft.urgency).astimezone(UTC),
        "extended": False,
    }


def _reopen(case: Case, facts: Facts, now: datetime) -> Columns:
    if case.status is not Status.WITHDRAWN and not (facts.note or "").strip():
        raise MissingForMove("reopen needs what is new")
    again = due(now, case.draft.type, case.draft.urgency)
    return {**NO_UNIT, "closed_at": None, "extended": False, "expected_at": again.astimezone(UTC)}


def _unmerge(case: Case, facts: Facts, now: datetime) -> Columns:
    """On its own again; what ran out while it was merged starts anew."""
    late = case.expected_at <= now
    again = due(now, case.draft.type, case.draft.urgency) if late else case.expected_at
    return {**NO_UNIT, "merged_into": None, "expected_at": again.astimezone(UTC)}


def _ended(case: Case, facts: Facts, now: datetime) -> Columns:
    return {"closed_at": now.astimezone(UTC), "paused_at": None, "merged_into": None}


def _replied(case: Case, facts: Facts, now: datetime) -> Columns:
    return {"reply": facts.reply, "paused_at": None}


_EFFECTS: Mapping[Move, Callable[[Case, Facts, datetime], Columns]] = {
    Move.DISPATCH: _dispatch,
    # Line, version and belief stay: they say on what the unit that returned it was chosen.
    Move.RETURN: lambda case, facts, now: {"unit": None, "assisting": None, "contact_by": None},
    Move.SUSPEND: lambda case, facts, now: {"paused_at": now.astimezone(UTC)},
    Move.RESUME: _resume,
    Move.EXTEND: _extend,
    Move.REPLY: _replied,
    Move.ANSWER: _replied,
    Move.SUPERVISE: _supervise,
    Move.CIRCULATE: _supervise,
    Move.REDO: _redo,
    Move.REOPEN: _reopen,
    Move.RATE: _ended,
    Move.CLOSE: _ended,
    Move.REJECT: _ended,
    Move.TRANSFER: _ended,
    Move.WITHDRAW: _ended,
    Move.MERGE: lambda case, facts, now: {"merged_into": facts.leader, "paused_at": None},
    Move.UNMERGE: _unmerge,
}
