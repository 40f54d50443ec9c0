"""Talks: conversations that wait for a person or that a person holds, one open talk a citizen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from bot.desk.tables import drafts
from bot.errors import NotYourTalk, TalkOver, TalkTaken, UnknownTalk
from bot.messages import SenderId
from bot.moments import in_utc
from bot.tables import handoffs, turns

# An agent whose page was not seen for so long has lost the talk when the citizen writes again.
LAPSES = timedelta(minutes=10)
MESSENGER = "messenger"


class Reason(StrEnum):
    """Why somebody waits for a person."""

    ASKED = "asked"
    CALL_BACK = "call_back"


class Ending(StrEnum):
    """How a talk ended."""

    HANDED_BACK = "handed_back"
    RESOLVED = "resolved"
    CALLED_BACK = "called_back"
    UNREACHABLE = "unreachable"
    LEFT = "left"
    PASSED_ON = "passed_on"


class TalkState(StrEnum):
    """Where a talk stands."""

    WAITING = "waiting"
    HELD = "held"
    CLOSED = "closed"


@dataclass(frozen=True)
class Talk:
    """One conversation on its way to, with, or back from a person.

    `call_back_to` is a phone number, `messenger` to answer where the citizen wrote, None while not known or not wanted.
    """

    number: int
    sender: SenderId
    language: str
    requested_at: datetime
    reason: Reason
    danger: bool
    call_back_to: str | None
    claimed_by: str | None
    claimed_at: datetime | None
    seen_at: datetime | None
    closed_at: datetime | None
    outcome: Ending | None
    note: str | None

    @property
    def state(self) -> TalkState:
        """Where it stands."""
        if self.closed_at is not None:
            return TalkState.CLOSED
        return TalkState.HELD if self.claimed_by else TalkState.WAITING


@dataclass(frozen=True)
class SaidTurn:
    """One stored turn of a conversation: what was said and answered."""

    number: int
    at: datetime
    events: list[dict[str, Any]]
    answer: list[dict[str, Any]]


class Talks:
    """Talks inside one transaction; the caller commits, and holds the sender where the tracker changes too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def by_number(self, number: int) -> Talk:
        """A talk; raises UnknownTalk."""
        found = self._one(select(handoffs).where(handoffs.c.id == number))
        if found is None:
            raise UnknownTalk(f"no talk {number}")
        return found

    def open_of(self, sender: SenderId) -> Talk | None:
        """The open talk of a citizen."""
        return self._one(select(handoffs).where(handoffs.c.sender == sender, handoffs.c.closed_at.is_(None)))

    def waiting(self) -> tuple[Talk, ...]:
        """Talks nobody holds, in the order in which they are to be taken: danger first, then who asked first."""
        query = select(handoffs).where(handoffs.c.closed_at.is_(None), handoffs.c.claimed_by.is_(None))
        return self._all(query.order_by(handoffs.c.danger.desc(), handoffs.c.id))

    def held(self, login: str | None = None) -> tuple[Talk, ...]:
        """Talks that people hold, or that one person holds."""
        query = select(handoffs).where(handoffs.c.closed_at.is_(None), handoffs.c.claimed_by.is_not(None))
        if login is not None:
            query = query.where(handoffs.c.claimed_by == login)
        return self._all(query.order_by(handoffs.c.danger.desc(), handoffs.c.id))

    def claim(self, number: int, login: str, now: datetime) -> bool:
        """Take a waiting talk, False when it is one's own already; raises UnknownTalk, TalkOver or TalkTaken."""
        free = (handoffs.c.id == number) & handoffs.c.claimed_by.is_(None) & handoffs.c.closed_at.is_(None)
        moment = now.astimezone(UTC)
        taken = self._connection.execute(
            update(handoffs).where(free).values(claimed_by=login, claimed_at=moment, seen_at=moment)
        )
        self.changed = self.changed or taken.rowcount > 0
        if taken.rowcount == 0:
            self.check_own(number, login, TalkTaken)
        return taken.rowcount > 0

    def check_own(self, number: int, login: str, other: type[TalkTaken | NotYourTalk] = NotYourTalk) -> Talk:
        """A talk that one holds; raises UnknownTalk, TalkOver, or `other` when somebody else or nobody holds it."""
        talk = self.by_number(number)
        if talk.state is TalkState.CLOSED:
            raise TalkOver(f"talk {number} is over")
        if talk.claimed_by != login:
            raise other(f"talk {number} is held by {talk.claimed_by}", {"login": talk.claimed_by or "–"})
        return talk

    def seen(self, number: int, now: datetime) -> None:
        """The one who holds it is looking at it."""
        self._set(number, seen_at=now.astimezone(UTC))

    def release(self, number: int) -> None:
        """Back into the queue, at its old place."""
        self._set(number, claimed_by=None, claimed_at=None, seen_at=None)

    def close(self, number: int, outcome: Ending, note: str | None, now: datetime) -> None:
        """End a talk."""
        self._set(number, closed_at=now.astimezone(UTC), outcome=outcome, note=note)

    def flag(self, number: int) -> None:
        """There is danger: it comes first."""
        self._set(number, danger=True)

    def transcript(self, sender: SenderId, after: int = 0, at_most: int = 200) -> tuple[SaidTurn, ...]:
        """The newest turns of a conversation, the oldest first; `after` the number of the last one known."""
        query = select(turns).where(turns.c.sender == sender, turns.c.id > after).order_by(turns.c.id.desc())
        rows = self._connection.execute(query.limit(at_most)).all()
        return tuple(SaidTurn(row.id, in_utc(row.at), row.events, row.answer) for row in reversed(rows))

    def last_turn(self, sender: SenderId | None = None) -> int:
        """The number of the newest turn of a conversation, or of all; 0 when there is none."""
        query = select(func.max(turns.c.id))
        if sender is not None:
            query = query.where(turns.c.sender == sender)
        return int(self._connection.execute(query).scalar() or 0)

    def mark(self) -> str:
        """What changes whenever the queue does."""
        open_ = select(handoffs.c.id, handoffs.c.claimed_by, handoffs.c.danger, handoffs.c.call_back_to)
        rows = self._connection.execute(open_.where(handoffs.c.closed_at.is_(None)).order_by(handoffs.c.id)).all()
        waiting = select(drafts.c.id).where(drafts.c.decided_at.is_(None)).order_by(drafts.c.id)
        told = repr(([tuple(row) for row in rows], list(self._connection.execute(waiting).scalars())))
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def _set(self, number: int, **values: Any) -> None:
        self.changed = True
        self._connection.execute(update(handoffs).where(handoffs.c.id == number).values(**values))

    def _one(self, query: Select[Any]) -> Talk | None:
        row = self._connection.execute(query.order_by(handoffs.c.id.desc()).limit(1)).one_or_none()
        return _talk(row) if row else None

    def _all(self, query: Select[Any]) -> tuple[Talk, ...]:
        return tuple(_talk(row) for row in self._connection.execute(query).all())


def _talk(row: Row[Any]) -> Talk:
    return Talk(
        row.id,
        SenderId(row.sender),
        row.language,
        in_utc(row.requested_at),
        Reason(row.reason),
        bool(row.danger),
        row.call_back_to,
        row.claimed_by,
        in_utc(row.claimed_at) if row.claimed_at else None,
        in_utc(row.seen_at) if row.seen_at else None,
        in_utc(row.closed_at) if row.closed_at else None,
        Ending(row.outcome) if row.outcome else None,
        row.note,
    )
