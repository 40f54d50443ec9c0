"""Handing a case over to its units: a machine of its own beside the case's status, with attempts and failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Row, insert, select, update

from bot.cases.number import CaseNumber
from bot.cases.tables import handovers
from bot.errors import IllegalTransition

LEAD, ASSIST = "lead", "assist"
MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


class State(StrEnum):
    """How far a hand-over has come."""

    PENDING = "pending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    RECALLED = "recalled"


class Step(StrEnum):
    """What happens to a hand-over."""

    SEND = "send"
    MISS = "miss"
    GIVE_UP = "give_up"
    ACKNOWLEDGE = "acknowledge"
    RETRY = "retry"
    RECALL = "recall"


# step -> (states it is made in, state it leads to)
STEPS: Mapping[Step, tuple[frozenset[State], State]] = {
    Step.SEND: (frozenset({State.PENDING}), State.SENT),
    Step.MISS: (frozenset({State.PENDING}), State.PENDING),
    Step.GIVE_UP: (frozenset({State.PENDING}), State.FAILED),
    Step.ACKNOWLEDGE: (frozenset({State.PENDING, State.SENT, State.FAILED}), State.ACKNOWLEDGED),
    Step.RETRY: (frozenset({State.FAILED}), State.PENDING),
    Step.RECALL: (frozenset(State) - {State.RECALLED}, State.RECALLED),
}


@dataclass(frozen=True)
class Handover:
    """One case handed to one unit; `part` is lead or assist, `attempts` how often it was tried."""

    id: int
    number: CaseNumber
    unit: str
    part: str
    state: State
    attempts: int
    next_try_at: datetime | None
    error: str | None
    external_id: str | None


def wait_after(attempts: int) -> timedelta:
    """How long to wait after that many failed attempts: doubled each time, an hour at most."""
    return min(LONGEST_WAIT, FIRST_WAIT * int(2 ** max(0, attempts - 1)))


class Handovers:
    """Hand-overs inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, number: CaseNumber, units: tuple[str, ...], now: datetime) -> None:
        """Begin to hand a case to its units, the lead first; what was under way to others is recalled."""
        self.recall(number, now)
        at = now.astimezone(UTC)
        rows = [
            {
                "number": number,
                "unit": unit,
                "part": ASSIST if place else LEAD,
                "state": State.PENDING,
                "attempts": 0,
                "next_try_at": at,
                "created_at": at,
                "changed_at": at,
            }
            for place, unit in enumerate(units)
        ]
        if rows:
            self._connection.execute(insert(handovers), rows)

    def recall(self, number: CaseNumber, now: datetime) -> None:
        """Take a case back from all its units."""
        self._connection.execute(
            update(handovers)
            .where(handovers.c.number == number, handovers.c.state != State.RECALLED)
            .values(state=State.RECALLED, next_try_at=None, changed_at=now.astimezone(UTC))
        )

    def acknowledge(self, number: CaseNumber, unit: str, now: datetime) -> None:
        """The unit has signed for the case."""
        for one in self.of(number):
            if one.unit == unit and one.state in STEPS[Step.ACKNOWLEDGE][0]:
                self.step(one, Step.ACKNOWLEDGE, now)

    def of(self, number: CaseNumber) -> tuple[Handover, ...]:
        """The hand-overs of a case, the oldest first."""
        rows = self._connection.execute(
            select(handovers).where(handovers.c.number == number).order_by(handovers.c.id)
        ).all()
        return tuple(_handover(row) for row in rows)

    def due(self, now: datetime, at_most: int) -> tuple[Handover, ...]:
        """Those to be tried now; another process on the same database gets others."""
        query = (
            select(handovers)
            .where(handovers.c.state == State.PENDING, handovers.c.next_try_at <= now.astimezone(UTC))
            .order_by(handovers.c.next_try_at)
            .limit(at_most)
            .with_for_update(skip_locked=True)
        )
        return tuple(_handover(row) for row in self._connection.execute(query).all())

    def lease(self, one: Handover, until: datetime) -> None:
        """Keep a hand-over from other processes for a while."""
        changed = update(handovers).where(handovers.c.id == one.id).values(next_try_at=until.astimezone(UTC))
        self._connection.execute(changed)

    def step(
        self, one: Handover, step: Step, now: datetime, error: str | None = None, external: str | None = None
    ) -> None:
        """Move a hand-over on; raises IllegalTransition."""
        allowed, state = STEPS[step]
        if one.state not in allowed:
            raise IllegalTransition(f"{step} is not possible for a hand-over that is {one.state}")
        tried = step in (Step.SEND, Step.MISS, Step.GIVE_UP)
        attempts = one.attempts + tried if step is not Step.RETRY else 0
        waiting = now + wait_after(attempts) if step is Step.MISS else now if step is Step.RETRY else None
        self._connection.execute(
            update(handovers)
            .where(handovers.c.id == one.id)
            .values(
                state=state,
                attempts=attempts,
                next_try_at=waiting.astimezone(UTC) if waiting else None,
                error=error,
                external_id=external or one.external_id,
                changed_at=now.astimezone(UTC),
            )
        )


def _handover(row: Row[tuple[object, ...]]) -> Handover:
    return Handover(
        row.id,
        row.number,
        row.unit,
        row.part,
        State(row.state),
        row.attempts,
        row.next_try_at,
        row.error,
        row.external_id,
    )
