"""What was said in a conversation, by whomever, in the order of its turns: what a page shows and resumes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bot.messages import SenderId
from bot.tables import turns

# A page that comes back after long shows the newest turns only.
MOST = 200


@dataclass(frozen=True)
class Told:
    """One stored turn; `id` grows, `answer` are bubbles."""

    id: int
    message_id: str | None
    at: datetime
    events: Sequence[Mapping[str, Any]]
    answer: Sequence[Mapping[str, Any]]


class Transcript:
    """Turns read inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def after(self, sender: SenderId, turn: int = 0, most: int | None = MOST) -> tuple[Told, ...]:
        """The turns of a conversation after one, the oldest first; the newest ones where there are more."""
        query = select(turns).where(turns.c.sender == sender, turns.c.id > turn).order_by(turns.c.id.desc())
        rows = self._connection.execute(query if most is None else query.limit(most)).all()
        return tuple(_told(row) for row in reversed(rows))

    def before(self, sender: SenderId, turn: int) -> Told | None:
        """The last turn before one."""
        query = select(turns).where(turns.c.sender == sender, turns.c.id < turn).order_by(turns.c.id.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _told(row)

    def of_message(self, sender: SenderId, message_id: str) -> Told | None:
        """The turn that a message made."""
        query = select(turns).where(turns.c.sender == sender, turns.c.message_id == message_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _told(row)

    def fresh(self, after: int | None) -> tuple[int, tuple[SenderId, ...]]:
        """The newest turn of all conversations, and whose turns came after one, nobody's for None."""
        newest = self._connection.execute(select(func.max(turns.c.id))).scalar() or 0
        if after is None or newest <= after:
            return int(newest), ()
        found = self._connection.execute(select(turns.c.sender).where(turns.c.id > after).distinct()).scalars().all()
        return int(newest), tuple(SenderId(sender) for sender in found)


def _told(row: Row[Any]) -> Told:
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    return Told(row.id, row.message_id, at, row.events, row.answer)
