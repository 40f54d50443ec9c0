"""What doors saw in the last minutes, for all processes: signatures, and failures told before their sending."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, select

from bot.channels.tables import seen
from bot.database import insert_into

# Twice as long as the clocks of a messenger and of us may differ, and some more.
KEPT = timedelta(minutes=35)


class Seen:
    """Inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def first(self, channel: str, key: str, what: str, now: datetime) -> str:
        """What came with a key first: `what`, unless something else did in the last minutes."""
        row = {"channel": channel, "key": key, "what": what[:200], "at": now.astimezone(UTC)}
        self._connection.execute(insert_into(self._connection, seen).values(**row).on_conflict_do_nothing())
        found = self.of(channel, key)
        return what[:200] if found is None else found

    def of(self, channel: str, key: str) -> str | None:
        """What came with a key, None where nothing did."""
        query = select(seen.c.what).where(seen.c.channel == channel, seen.c.key == key)
        found: str | None = self._connection.execute(query).scalar()
        return found

    def sweep(self, now: datetime) -> int:
        """Forget what is older; gives how much."""
        return self._connection.execute(delete(seen).where(seen.c.at < (now - KEPT).astimezone(UTC))).rowcount
