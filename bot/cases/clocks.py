"""What time alone does to a case: which alarm rings when, from its state and deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.cases.case import Case
from bot.cases.deadlines import limits, working_days_after
from bot.cases.states import Move, Status


class Alarm(StrEnum):
    """What rings."""

    DISPATCH_LATE = "dispatch_late"
    CONTACT_LATE = "contact_late"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    SUPERVISE = "supervise"
    CIRCULAR = "circular"
    RESUME = "resume"
    REVIEW = "review"
    CLOSE = "close"


# What an alarm does besides standing in the timeline.
MOVES: Mapping[Alarm, Move] = {
    Alarm.SUPERVISE: Move.SUPERVISE,
    Alarm.CIRCULAR: Move.CIRCULATE,
    Alarm.RESUME: Move.RESUME,
    Alarm.REVIEW: Move.REVIEW,
    Alarm.CLOSE: Move.CLOSE,
}
_WAITING = frozenset({Status.SUBMITTED, Status.ACCEPTED, Status.RETURNED})
_RECEIVED = frozenset({Status.SUBMITTED, Status.RETURNED})
RUNNING = _WAITING | {Status.DISPATCHED, Status.SIGNED, Status.HANDLING, Status.REDO}


@dataclass(frozen=True)
class Ring:
    """An alarm of a case; `mark` is the same for the same alarm of the same deadline, however often it is asked."""

    alarm: Alarm
    at: datetime
    mark: str


def rings_of(case: Case) -> tuple[Ring, ...]:
    """All alarms of a case as it stands, those that rang among them, the earliest first."""
    since, urgency, told = case.since, case.draft.urgency, limits()
    found: dict[Alarm, tuple[datetime, datetime]] = {}
    if case.status in _WAITING:
        received = case.entered(_RECEIVED)
        found[Alarm.DISPATCH_LATE] = (received + timedelta(minutes=told.dispatch_minutes[urgency]), received)
    if case.status in (Status.DISPATCHED, Status.SIGNED, Status.REDO) and case.handling.contact_by:
        found[Alarm.CONTACT_LATE] = (case.handling.contact_by, case.handling.contact_by)
    if case.status in RUNNING:
        due = case.expected_at
        found[Alarm.DUE_SOON] = (due - timedelta(hours=told.due_soon_hours[urgency]), due)
        found[Alarm.OVERDUE] = (due, due)
        found[Alarm.SUPERVISE] = (working_days_after(due, told.supervise_days), due)
        found[Alarm.CIRCULAR] = (working_days_after(due, told.circular_days), due)
    if case.status is Status.SUSPENDED:
        found[Alarm.RESUME] = (working_days_after(since, told.suspend_days), since)
    if case.status is Status.REPLIED and told.review_hours:
        found[Alarm.REVIEW] = (since + timedelta(hours=told.review_hours), since)
    if case.status is Status.CALLBACK:
        found[Alarm.CLOSE] = (working_days_after(since, told.callback_days), since)
    rings = (Ring(alarm, at, f"{alarm}:{key:%Y%m%d%H%M%S}") for alarm, (at, key) in found.items())
    return tuple(sorted(rings, key=lambda ring: ring.at))
