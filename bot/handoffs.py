"""The queue of citizens who asked for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from bot.channels.tables import contacts
from bot.channels.web_sessions import CHANNEL as WEB
from bot.messages import SenderId
from bot.phone.callers import PHONE
from bot.tables import handoffs


@dataclass(frozen=True)
class Ticket:
    """A place in the queue; `fresh` when this call made it."""

    number: int
    ahead: int
    fresh: bool
    call_back_to: str | None = None


class HandoffQueue:
    """Queue entries inside the transaction of a turn."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def join(
        self, sender: SenderId, language: str, at: datetime, reason: str = "asked", danger: bool = False
    ) -> Ticket:
        """The sender's open entry, made when there is none; danger goes before all others."""
        mine = self._open(sender)
        fresh = mine is None
        if mine is None:
            self.changed = True
            self._connection.execute(
                insert(handoffs).values(
                    sender=sender, language=language, requested_at=at.astimezone(UTC), reason=reason, danger=danger
                )
            )
            mine = self._open(sender)
        elif (danger and not mine.danger) or mine.reason != reason:
            self._set(mine.id, danger=danger or mine.danger, reason=reason)
            mine = self._open(sender)
        assert mine is not None
        waiting = handoffs.c.closed_at.is_(None) & handoffs.c.claimed_by.is_(None)
        before = handoffs.c.id < mine.id
        sooner = handoffs.c.danger & before if mine.danger else or_(handoffs.c.danger, before)
        query = select(func.count()).select_from(handoffs).where(waiting, handoffs.c.id != mine.id, sooner)
        return Ticket(int(mine.id), int(self._connection.execute(query).scalar_one()), fresh, mine.call_back_to)

    def call_back(self, sender: SenderId, to: str | None) -> None:
        """Where the citizen is called back; None when a call is not wanted."""
        mine = self._open(sender)
        if mine is not None:
            self._set(mine.id, call_back_to=to)

    def writes_by_messenger(self, sender: SenderId) -> bool:
        """Whether we can write to the citizen of our own accord; a page is closed and gone, and so is a call."""
        kind = func.coalesce(func.nullif(contacts.c.kind, ""), contacts.c.channel)
        query = select(contacts.c.reachable).where(contacts.c.sender == sender, kind.not_in((WEB, PHONE)))
        return bool(self._connection.execute(query).scalar())

    def _open(self, sender: SenderId) -> Row[Any] | None:
        entry = (handoffs.c.sender == sender) & handoffs.c.closed_at.is_(None)
        return self._connection.execute(select(handoffs).where(entry).order_by(handoffs.c.id).limit(1)).one_or_none()

    def _set(self, number: int, **values: object) -> None:
        self.changed = True
        self._connection.execute(update(handoffs).where(handoffs.c.id == number).values(**values))
