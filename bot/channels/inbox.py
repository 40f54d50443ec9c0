"""Messages that were acknowledged and are not answered yet: kept until their answer is, whatever happens between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, or_, select, update

from bot.channels.tables import inbox
from bot.database import insert_into
from bot.messages import SenderId

# Short, as an answer that takes longer is only joined, never given twice; who died leaves a message for so long.
LEASE = timedelta(seconds=15)


@dataclass(frozen=True)
class Kept:
    """One message waiting for its answer; `arrival` is what the door read of it."""

    id: int
    channel: str
    sender: SenderId
    message_id: str
    arrival: Mapping[str, Any]
    at: datetime
    attempts: int


class Inbox:
    """The inbox inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def keep(
        self,
        channel: str,
        sender: SenderId,
        message_id: str,
        arrival: Mapping[str, Any],
        at: datetime,
        leased_until: datetime | None = None,
    ) -> bool:
        """Keep a message; False when it is kept already. `leased_until` when somebody is answering it."""
        made = self._connection.execute(
            insert_into(self._connection, inbox)
            .values(
                channel=channel, sender=sender, message_id=message_id, arrival=dict(arrival), at=at.astimezone(UTC),
                leased_until=leased_until and leased_until.astimezone(UTC),
            )
            .on_conflict_do_nothing()
            .returning(inbox.c.id)
        )  # fmt: skip
        fresh = made.scalar() is not None
        self.changed = self.changed or fresh
        return fresh

    def waits(self, now: datetime) -> bool:
        """Whether there is anything to claim; who only looks need not write."""
        return self._connection.execute(select(exists(_claimable(now)))).scalar_one()

    def claim(self, now: datetime, most: int = 20) -> tuple[Kept, ...]:
        """Lease the oldest messages nobody answers, at most one a citizen."""
        moment = now.astimezone(UTC)
        found = []
        for row in self._connection.execute(_claimable(now).order_by(inbox.c.id).limit(most)).all():
            lease = (
                update(inbox)
                .where(inbox.c.id == row.id, _free(now))
                .values(leased_until=moment + LEASE, attempts=inbox.c.attempts + 1)
            )
            if self._connection.execute(lease).rowcount:
                sender = SenderId(row.sender)
                found.append(Kept(row.id, row.channel, sender, row.message_id, row.arrival, row.at, row.attempts + 1))
        return tuple(found)

    def has(self, sender: SenderId, message_id: str) -> bool:
        """Whether a message is kept for an answer by the postman."""
        query = select(inbox.c.id).where(inbox.c.sender == sender, inbox.c.message_id == message_id)
        return self._connection.execute(query).scalar() is not None

    def answered(self, sender: SenderId, message_id: str) -> None:
        """Its answer is stored and on its way: the message need not be kept."""
        self._connection.execute(delete(inbox).where(inbox.c.sender == sender, inbox.c.message_id == message_id))


def _free(now: datetime) -> ColumnElement[bool]:
    """A message that nobody answers, or whose lease ended."""
    return or_(inbox.c.leased_until.is_(None), inbox.c.leased_until < now.astimezone(UTC))


def _claimable(now: datetime) -> Select[Any]:
    """The messages nobody answers, of each citizen only the oldest."""
    older = inbox.alias()
    before = exists().where(and_(older.c.sender == inbox.c.sender, older.c.id < inbox.c.id))
    return select(inbox).where(_free(now), ~before)
