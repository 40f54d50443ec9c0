"""How far the messages of an account were fetched, where a messenger only calls and lets us fetch them.

A call is kept before it is acknowledged; the cursor moves in the transaction that keeps what was fetched. Who dies
between leaves a call that is still to be followed, and the old cursor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, select, update

from bot.channels.tables import cursors
from bot.database import insert_into
from bot.moments import in_utc


@dataclass(frozen=True)
class Fetching:
    """One account: its cursor, the last call's token, and how many calls came and were followed."""

    account: str
    cursor: str
    token: str
    called: int
    fetched: int
    called_at: datetime


class Cursors:
    """Cursors inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def called(self, channel: str, account: str, token: str, at: datetime) -> None:
        """The messenger called: there is something to fetch."""
        moment, self.changed = at.astimezone(UTC), True
        self._connection.execute(
            insert_into(self._connection, cursors)
            .values(channel=channel, account=account, token=token, called=1, called_at=moment)
            .on_conflict_do_update(
                index_elements=[cursors.c.channel, cursors.c.account],
                set_={"token": token, "called": cursors.c.called + 1, "called_at": moment},
            )
        )

    def of(self, channel: str, account: str) -> Fetching | None:
        """An account, None for one that was never called for."""
        query = select(cursors).where(cursors.c.channel == channel, cursors.c.account == account)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _fetching(row)

    def due(self, channel: str) -> tuple[Fetching, ...]:
        """The accounts with a call that was not followed yet."""
        query = select(cursors).where(cursors.c.channel == channel, cursors.c.called > cursors.c.fetched)
        return tuple(_fetching(row) for row in self._connection.execute(query.order_by(cursors.c.called_at)).all())

    def move(self, channel: str, before: Fetching, cursor: str, done: bool) -> bool:
        """Move a cursor on; False when somebody else moved it since. `done` when nothing is left for the calls seen."""
        own = (cursors.c.channel == channel, cursors.c.account == before.account, cursors.c.cursor == before.cursor)
        fetched = before.called if done else before.fetched
        moved = self._connection.execute(update(cursors).where(*own).values(cursor=cursor, fetched=fetched))
        self.changed = True
        return bool(moved.rowcount)


def _fetching(row: Row[tuple[object, ...]]) -> Fetching:
    return Fetching(row.account, row.cursor, row.token, row.called, row.fetched, in_utc(row.called_at))
