"""What a citizen may see of a case, like a parcel's track: who holds it, how far it is, what happened, what is next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.case import Case, CaseEvent
from bot.cases.deadlines import limits, working_days_between
from bot.cases.hastening import Effect, hastening
from bot.cases.states import Status


class Holder(StrEnum):
    """Whose turn it is."""

    CENTRE = "centre"
    UNIT = "unit"
    CITIZEN = "citizen"
    NOBODY = "nobody"


class Stage(StrEnum):
    """The stations of the track."""

    FILED = "filed"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    HANDLING = "handling"
    REPLIED = "replied"
    CLOSED = "closed"


class Due(StrEnum):
    """How the answer stands to its limit."""

    DAYS = "days"
    HOURS = "hours"
    TODAY = "today"
    OVERDUE = "overdue"
    PAUSED = "paused"
    DONE = "done"


_S = Status
# status -> whose turn it is, the station reached
PLACES: Mapping[Status, tuple[Holder, Stage]] = {
    _S.SUBMITTED: (Holder.CENTRE, Stage.FILED),
    _S.ACCEPTED: (Holder.CENTRE, Stage.ACCEPTED),
    _S.RETURNED: (Holder.CENTRE, Stage.ACCEPTED),
    _S.DISPATCHED: (Holder.UNIT, Stage.DISPATCHED),
    _S.SIGNED: (Holder.UNIT, Stage.DISPATCHED),
    _S.REDO: (Holder.UNIT, Stage.DISPATCHED),
    _S.HANDLING: (Holder.UNIT, Stage.HANDLING),
    _S.SUSPENDED: (Holder.UNIT, Stage.HANDLING),
    _S.REPLIED: (Holder.CENTRE, Stage.REPLIED),
    _S.CALLBACK: (Holder.CITIZEN, Stage.REPLIED),
    _S.CLOSED: (Holder.NOBODY, Stage.CLOSED),
    _S.WITHDRAWN: (Holder.NOBODY, Stage.CLOSED),
    _S.NOT_ACCEPTED: (Holder.NOBODY, Stage.CLOSED),
    _S.TRANSFERRED: (Holder.NOBODY, Stage.CLOSED),
    _S.MERGED: (Holder.CENTRE, Stage.ACCEPTED),
}
# What the citizen who filed a case sees of it; notes of the staff and failed hand-overs stay inside.
PUBLIC = frozenset(
    {
        "filed", "supplemented", "hastened", "withdrawn", "reopened", "accepted", "rejected", "transferred", "merged",
        "unmerged", "answered", "dispatched", "signed", "returned", "contacted", "suspended", "resumed", "extended",
        "replied", "called_back", "sent_back", "rated", "redo", "closed", "supervised", "supervision_asked", "overdue",
        "due_soon", "dispatch_late", "contact_late", "circular", "followed", "evidence", "passed_on", "not_passed_on",
    }
)  # fmt: skip
# What the citizen of a merged case sees of the one in the lead: the work, not the other citizen's words.
WORK = PUBLIC - {
    "filed", "supplemented", "hastened", "withdrawn", "reopened", "rated", "supervision_asked", "followed", "evidence",
    "merged", "unmerged", "passed_on", "not_passed_on",
}  # fmt: skip
# Where what is noted beside an event is written for the citizen.
TOLD_NOTES = frozenset(
    {
        "supplemented",
        "reopened",
        "rejected",
        "transferred",
        "answered",
        "replied",
        "suspended",
        "extended",
        "merged",
        "not_passed_on",
    }
)
REDO = "redo"


@dataclass(frozen=True)
class Seen:
    """One line of the track; `leading` when it happened to the case that this one was merged into."""

    event: CaseEvent
    note: str | None
    leading: bool = False


@dataclass(frozen=True)
class Station:
    """One station of the track; `at` when it was reached in this round, None when it was not."""

    stage: Stage
    at: datetime | None
    current: bool


@dataclass(frozen=True)
class Progress:
    """All a citizen sees; `case` is the own one, `shown` the one that is worked on."""

    case: Case
    shown: Case
    holder: Holder
    unit: str | None
    events: tuple[Seen, ...]
    stations: tuple[Station, ...]
    due: Due
    left: int
    hasten: Effect
    rateable: bool


def progress_of(case: Case, now: datetime, leader: Case | None = None, rated: bool = False) -> Progress:
    """The track of a case; `leader` is the case it was merged into, `rated` whether this round was rated for it."""
    shown = leader or case
    holder, _ = PLACES[shown.status]
    due, left = _due(shown, now)
    answered = shown.status in (Status.REPLIED, Status.CALLBACK) or (leader is not None and _closed_with_reply(leader))
    return Progress(
        case,
        shown,
        holder,
        shown.handling.unit,
        _events(case, leader),
        _stations(shown),
        due,
        left,
        hastening(case, now, leader),
        answered and not rated,
    )


def round_of(case: Case) -> int:
    """Which answer a rating is about: how often the matter was taken up again."""
    return case.count(REDO) + case.count("reopened")


def _closed_with_reply(case: Case) -> bool:
    return case.status is Status.CLOSED and bool(case.handling.reply)


def _events(case: Case, leader: Case | None) -> tuple[Seen, ...]:
    own = [Seen(event, _note(event)) for event in case.timeline if event.kind in PUBLIC]
    lead = [Seen(event, _note(event), True) for event in leader.timeline if event.kind in WORK] if leader else []
    return tuple(sorted((*own, *lead), key=lambda seen: seen.event.at))


def _note(event: CaseEvent) -> str | None:
    return event.note if event.kind in TOLD_NOTES else None


def _stations(case: Case) -> tuple[Station, ...]:
    """The stations, up to the one reached; after a redo or reopening those of the new round only."""
    order = list(Stage)
    reached = order.index(PLACES[case.status][1])
    times: dict[Stage, datetime] = {Stage.FILED: case.filed_at}
    for event in case.timeline:
        if event.status is None:
            continue
        stage = PLACES[Status(event.status)][1]
        times = {one: at for one, at in times.items() if order.index(one) <= order.index(stage)}
        times.setdefault(stage, event.at)
    return tuple(
        Station(stage, times.get(stage) if place <= reached else None, place == reached)
        for place, stage in enumerate(order)
    )


def _due(case: Case, now: datetime) -> tuple[Due, int]:
    """How long is left: working days, or hours for urgent matters; days late when overdue."""
    if case.status is Status.SUSPENDED:
        return Due.PAUSED, 0
    if PLACES[case.status][1] in (Stage.REPLIED, Stage.CLOSED):
        return Due.DONE, 0
    if now >= case.expected_at:
        return Due.OVERDUE, working_days_between(case.expected_at, now)
    if case.draft.urgency in limits().answer_hours:
        return Due.HOURS, int((case.expected_at - now).total_seconds() // 3600)
    left = working_days_between(now, case.expected_at)
    return (Due.DAYS, left) if left else (Due.TODAY, 0)
