"""The outbox as a whole, for those who run the service: counts without personal data, tried again, dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from bot.channels.parcel import State
from bot.channels.tables import outbox


@dataclass(frozen=True)
class Tally:
    """How many messages of one channel and kind stand alike."""

    channel: str
    kind: str
    state: State
    error: str | None
    count: int
    oldest: datetime


def tallies(connection: Connection, channel: str | None = None) -> tuple[Tally, ...]:
    """The counts of all messages, or those of one channel; the error only of those not sent."""
    columns = (outbox.c.channel, outbox.c.kind, outbox.c.state, outbox.c.error)
    query = select(*columns, func.count().label("many"), func.min(outbox.c.created_at).label("oldest"))
    rows = connection.execute(query.where(_of(channel, None)).group_by(*columns).order_by(*columns)).all()
    return tuple(Tally(row.channel, row.kind, State(row.state), row.error, row.many, row.oldest) for row in rows)


def retry_all(
    connection: Connection, states: Sequence[State], now: datetime, channel: str | None, number: str | None
) -> int:
    """Have messages in some states sent as if new; gives how many."""
    moment = now.astimezone(UTC)
    return _change(connection, states, channel, number, {
        "state": State.WAITING, "attempts": 0, "tried_since": moment, "next_try_at": moment, "changed_at": moment,
    })  # fmt: skip


def settle_all(
    connection: Connection, states: Sequence[State], to: State, now: datetime, channel: str | None, number: str | None
) -> int:
    """Put messages in some states into another; gives how many."""
    return _change(connection, states, channel, number, {"state": to, "changed_at": now.astimezone(UTC)})


def _change(
    connection: Connection, states: Sequence[State], channel: str | None, number: str | None, values: dict[str, Any]
) -> int:
    found = and_(outbox.c.state.in_(states), _of(channel, number))
    return connection.execute(update(outbox).where(found).values(**values)).rowcount


def _of(channel: str | None, number: str | None) -> ColumnElement[bool]:
    told = {outbox.c.channel: channel, outbox.c.number: number}
    return and_(True, *(column == value for column, value in told.items() if value is not None))
