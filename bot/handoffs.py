"""The queue of citizens who asked for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select

from bot.messages import SenderId
from bot.tables import handoffs


@dataclass(frozen=True)
class Ticket:
    """A place in the queue; `fresh` when this call made it."""

    number: int
    ahead: int
    fresh: bool


class HandoffQueue:
    """Queue entries inside the transaction of a turn."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def join(self, sender: SenderId, language: str, at: datetime) -> Ticket:
        """The sender's open entry, made when there is none."""
        open_entry = (handoffs.c.sender == sender) & handoffs.c.closed_at.is_(None)
        number = self._connection.execute(select(handoffs.c.id).where(open_entry)).scalar()
        fresh = self.changed = number is None
        if number is None:
            made = self._connection.execute(
                insert(handoffs)
                .values(sender=sender, language=language, requested_at=at.astimezone(UTC))
                .returning(handoffs.c.id)
            )
            number = made.scalar_one()
        waiting = handoffs.c.closed_at.is_(None) & (handoffs.c.id < number)
        ahead = self._connection.execute(select(func.count()).select_from(handoffs).where(waiting))
        return Ticket(int(number), int(ahead.scalar_one()), fresh)
