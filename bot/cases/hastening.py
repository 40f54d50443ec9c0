"""What hastening a case does now, or why it does nothing: once a day at most, and only where it reaches someone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.cases.case import Case
from bot.cases.states import Status
from bot.errors import HastenRefused

HASTENED = "hastened"


class Effect(StrEnum):
    """What hastening brings about; the last four say why it is refused."""

    DESK = "desk"
    UNIT = "unit"
    SUPERVISION = "supervision"
    TODAY = "today"
    WAITING = "waiting"
    ANSWERED = "answered"
    ENDED = "ended"


ALLOWED = frozenset({Effect.DESK, Effect.UNIT, Effect.SUPERVISION})
_AT_THE_DESK = frozenset({Status.SUBMITTED, Status.ACCEPTED, Status.RETURNED})
_WITH_THE_UNIT = frozenset({Status.DISPATCHED, Status.SIGNED, Status.HANDLING, Status.REDO})


def hastening(case: Case, now: datetime, leader: Case | None = None) -> Effect:
    """What hastening a case does now; a merged case hastens the one it was merged into."""
    shown = leader or case
    if shown.status is Status.SUSPENDED:
        return Effect.WAITING
    if shown.status in (Status.REPLIED, Status.CALLBACK):
        return Effect.ANSWERED
    if shown.status not in _AT_THE_DESK | _WITH_THE_UNIT:
        return Effect.ENDED
    if any(event.kind == HASTENED and event.at.date() == now.date() for event in case.timeline):
        return Effect.TODAY
    if shown.expected_at <= now:
        return Effect.SUPERVISION
    return Effect.DESK if shown.status in _AT_THE_DESK else Effect.UNIT


def hasten(case: Case, now: datetime, leader: Case | None = None) -> Effect:
    """What hastening does; raises HastenRefused where it does nothing."""
    effect = hastening(case, now, leader)
    if effect not in ALLOWED:
        raise HastenRefused(f"case {case.number} cannot be hastened: {effect}", effect)
    return effect
