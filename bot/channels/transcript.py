"""What was said in a conversation, by whomever, in the order of its turns: what a page shows and resumes from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bot.messages import SenderId
from bot.moments import in_utc
from bot.tables import turns

# A page that comes back after long shows the newest turns only.
MOST = 200
# Read at once where mostly the newest turns are looked at.
FEW = 5


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

    def backwards(self, sender: SenderId, most: int = MOST) -> Iterator[Told]:
        """The turns of a conversation, the newest first; read a few at a time, so that who stops early read little."""
        query = select(turns).where(turns.c.sender == sender).order_by(turns.c.id.desc())
        for place in range(0, most, FEW):
            rows = self._connection.execute(query.offset(place).limit(min(FEW, most - place))).all()
            yield from map(_told, rows)
            if len(rows) < FEW:
                return

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

    def newest(self, sender: SenderId | None = None) -> int:
        """The newest turn of a conversation, or of all; 0 where there is none."""
        query = select(func.max(turns.c.id))
        query = query if sender is None else query.where(turns.c.sender == sender)
        return int(self._connection.execute(query).scalar() or 0)

    def fresh(self, after: int, late: Collection[int] = ()) -> dict[int, SenderId]:
        """Whose turns came after one, and whose are among some lower numbers that were missing."""
        query = select(turns.c.id, turns.c.sender).where((turns.c.id > after) | turns.c.id.in_(late))
        return {row.id: SenderId(row.sender) for row in self._connection.execute(query)}


def _told(row: Row[Any]) -> Told:
    return Told(row.id, row.message_id, in_utc(row.at), row.events, row.answer)
