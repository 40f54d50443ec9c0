"""What is still to be sent: written in the transaction that made it, sent by a postman until the channel took it.

A row belongs to one postman while it is leased; who dies leaves a lease that ends. Rows of one citizen go out in the
order in which they were written, and one key is written once, whoever tries again. Whose a row is says the number of
its leases (`claims`), which only grows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select, update

from bot.channels.parcel import OPEN, Kind, Parcel, State, parcel_of
from bot.channels.tables import outbox
from bot.database import insert_into
from bot.messages import SenderId
from bot.moments import in_utc

LEASE = timedelta(seconds=60)
# Waits before the next try; after the last one the message is given up and told to the desk.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 60, 300, 900, 3600, 3 * 3600))
# Told to wait so long, it is not the message's fault: a quota, or a setting that somebody must mend. Such waits count
# as no tries; what could not go out for so long in spite of them is given up.
LONG_WAIT, PATIENCE = timedelta(minutes=15), timedelta(days=3)


class Outbox:
    """The outbox inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def post(
        self,
        key: str,
        sender: SenderId,
        channel: str,
        kind: Kind,
        language: str,
        bubbles: Sequence[dict[str, Any]],
        at: datetime,
        number: str | None = None,
    ) -> bool:
        """Have something sent; False when this key was posted before."""
        moment = at.astimezone(UTC)
        made = self._connection.execute(
            insert_into(self._connection, outbox)
            .values(
                key=key, sender=sender, channel=channel, kind=kind, language=language, bubbles=list(bubbles),
                number=number, state=State.WAITING, next_try_at=moment, created_at=moment, changed_at=moment,
            )
            .on_conflict_do_nothing()
            .returning(outbox.c.id)
        )  # fmt: skip
        fresh = made.scalar() is not None
        self.changed = self.changed or fresh
        return fresh

    def has(self, key: str) -> bool:
        """Whether this key was posted before."""
        return self._connection.execute(select(outbox.c.id).where(outbox.c.key == key)).scalar() is not None

    def due(self, channels: Collection[str], now: datetime) -> bool:
        """Whether there is anything to claim; who only looks need not write."""
        return self._connection.execute(select(exists(_claimable(channels, now)))).scalar_one()

    def claim(self, channels: Collection[str], now: datetime, most: int = 20) -> tuple[Parcel, ...]:
        """Lease the oldest things that are due, at most one a citizen; a lease that ended counts as due."""
        moment, query = now.astimezone(UTC), _claimable(channels, now).order_by(outbox.c.id).limit(most)
        found = []
        for row in self._connection.execute(query).all():
            lease = (
                update(outbox)
                .where(outbox.c.id == row.id, _free(now), outbox.c.sender == row.sender, outbox.c.claims == row.claims)
                .values(
                    state=State.SENDING, leased_until=moment + LEASE, attempts=outbox.c.attempts + 1,
                    claims=outbox.c.claims + 1, external_id=parcel_of(row).mark,
                )
            )  # fmt: skip
            if self._connection.execute(lease).rowcount:
                found.append(
                    replace(parcel_of(row), attempts=row.attempts + 1, claims=row.claims + 1, state=State.SENDING)
                )
        return tuple(found)

    def begin(self, parcel: Parcel, now: datetime) -> None:
        """It is just being sent; who finds it so after a death does not know whether it was."""
        self._set(parcel, now, begun=True)

    def progressed(self, parcel: Parcel, sent: int, now: datetime) -> None:
        """Note how many pieces are through, so that a later try goes on after them."""
        self._set(parcel, now, sent=sent, leased_until=now.astimezone(UTC) + LEASE)

    def sent(self, parcel: Parcel, now: datetime, external_id: str | None = None) -> bool:
        """The channel took it all; False where somebody else decided of it meanwhile."""
        known = {} if external_id is None else {"external_id": external_id}
        return self._set(parcel, now, state=State.SENT, error=None, leased_until=None, begun=False, **known)

    def again(
        self, parcel: Parcel, now: datetime, error: str, wait: timedelta | None = None, begun: bool = False
    ) -> State | None:
        """Try later, after the usual back-off or `wait` where it is longer; given up as FAILED after the last try.

        A long wait counts as no try: who has only such is given up after `PATIENCE`. `begun` where it may have arrived:
        who tries again may do so only with a key. None where it is no longer ours.
        """
        long = wait is not None and wait >= LONG_WAIT
        since = parcel.tried_since or parcel.created_at
        if now - in_utc(since) > PATIENCE if long else parcel.attempts > len(BACK_OFF):
            return self.settle(parcel, State.FAILED, now, error)
        attempts = parcel.attempts - long
        usual = timedelta() if long else BACK_OFF[parcel.attempts - 1]
        due = now.astimezone(UTC) + max(usual, wait or usual)
        told = {
            "next_try_at": due, "error": error[:200], "leased_until": None, "begun": begun, "attempts": attempts,
        }  # fmt: skip
        return State.WAITING if self._set(parcel, now, state=State.WAITING, **told) else None

    def settle(
        self, parcel: Parcel, state: State, now: datetime, error: str | None = None, begun: bool = False
    ) -> State | None:
        """End it as REFUSED, FAILED, UNKNOWN or DROPPED, or keep it HELD until the citizen writes again.

        None where it is no longer ours.
        """
        told = {"error": error and error[:200], "leased_until": None, "begun": begun}
        return state if self._set(parcel, now, state=state, **told) else None

    def waiting_notices(self, sending: bool = False, **those: str) -> tuple[Parcel, ...]:
        """The notices that wait or are held, of a `number`, for a `sender` or by a `channel`; also those `sending`."""
        waits = outbox.c.state.in_((State.WAITING, State.HELD, *([State.SENDING] if sending else ())))
        told = [outbox.c[name] == value for name, value in those.items()]
        query = select(outbox).where(outbox.c.kind == Kind.NOTICE, waits, *told).order_by(outbox.c.id)
        return tuple(parcel_of(row) for row in self._connection.execute(query).all())

    def redirect(
        self,
        parcel: Parcel,
        sender: SenderId,
        channel: str,
        language: str,
        tried: Mapping[str, bool],
        state: State,
        now: datetime,
        error: str | None = None,
    ) -> bool:
        """Send a notice to another place of the same citizen, as if new; `tried` are those that did not take it.

        False, and nothing is changed, where somebody else is at it.
        """
        moment, bubbles = now.astimezone(UTC), [{**parcel.bubbles[0], "tried": dict(tried)}]
        moved = update(outbox).where(self._as_it_was(parcel)).values(
            sender=sender, channel=channel, language=language, bubbles=bubbles, state=state, next_try_at=moment,
            leased_until=None, error=error and error[:200], changed_at=moment, begun=False, attempts=0, sent=0,
            external_id=None, tried_since=moment,
        )  # fmt: skip
        return self._connection.execute(moved).rowcount > 0

    def drop(self, parcel: Parcel, now: datetime) -> None:
        """Drop what waits, unless somebody is at it."""
        dropped = (
            update(outbox).where(self._as_it_was(parcel)).values(state=State.DROPPED, changed_at=now.astimezone(UTC))
        )
        self._connection.execute(dropped)

    def release(self, sender: SenderId, now: datetime) -> int:
        """The citizen wrote again: what was held may go out; gives how much."""
        moment = now.astimezone(UTC)
        freed = self._connection.execute(
            update(outbox)
            .where(outbox.c.sender == sender, outbox.c.state == State.HELD)
            .values(state=State.WAITING, attempts=0, tried_since=moment, next_try_at=moment, changed_at=moment)
        )
        return freed.rowcount

    def taken_back(self, key: str, now: datetime) -> bool:
        """Whether what has a key may be told in another way: it is dropped then, unless it went out or just goes."""
        waits = and_(outbox.c.key == key, outbox.c.state.in_((State.WAITING, State.HELD)))
        dropped = update(outbox).where(waits).values(state=State.DROPPED, changed_at=now.astimezone(UTC))
        if self._connection.execute(dropped).rowcount:
            return True
        state = self._connection.execute(select(outbox.c.state).where(outbox.c.key == key)).scalar()
        return state not in (State.SENDING, State.SENT)

    def drop_notices(self, sender: SenderId, now: datetime) -> int:
        """Drop what waits of notices to a citizen who wants none; gives how much."""
        waits = outbox.c.state.in_((State.WAITING, State.HELD))
        mine = and_(outbox.c.sender == sender, outbox.c.kind == Kind.NOTICE, waits)
        dropped = update(outbox).where(mine).values(state=State.DROPPED, changed_at=now.astimezone(UTC))
        return self._connection.execute(dropped).rowcount

    def failed_outside(self, channel: str, external_id: str, now: datetime, error: str) -> tuple[Parcel, ...]:
        """The messenger told later that a message did not arrive: it is never shown as sent. Gives what failed so.

        Also while it is still being sent, piece by piece; what waits for another try is left to it.
        """
        out = outbox.c.state.in_((State.SENT, State.SENDING, State.UNKNOWN))
        own = and_(outbox.c.channel == channel, outbox.c.external_id == external_id, out)
        changed = self._connection.execute(
            update(outbox)
            .where(own)
            .values(state=State.FAILED, error=error[:200], changed_at=now.astimezone(UTC), begun=False, sent=0)
            .returning(*outbox.c)
        )
        return tuple(parcel_of(row) for row in changed.all())

    def _as_it_was(self, parcel: Parcel) -> ColumnElement[bool]:
        """A row as it was read: leased by us, or by nobody."""
        return and_(
            outbox.c.id == parcel.id,
            outbox.c.claims == parcel.claims,
            outbox.c.sender == parcel.sender,
            outbox.c.state == parcel.state,
        )

    def _set(self, parcel: Parcel, now: datetime, **values: Any) -> bool:
        """Change a row while it is ours: who was slower than the lease changes nothing of the next one's."""
        mine = and_(outbox.c.id == parcel.id, outbox.c.claims == parcel.claims, outbox.c.state == State.SENDING)
        changed = self._connection.execute(update(outbox).where(mine).values(changed_at=now.astimezone(UTC), **values))
        return changed.rowcount > 0


def _free(now: datetime) -> ColumnElement[bool]:
    """What is due and in nobody's hands, or whose lease ended."""
    moment = now.astimezone(UTC)
    return or_(
        and_(outbox.c.state == State.WAITING, outbox.c.next_try_at <= moment),
        and_(outbox.c.state == State.SENDING, outbox.c.leased_until < moment),
    )


def _claimable(channels: Collection[str], now: datetime) -> Select[Any]:
    """What is due at these channels, unless something of the same citizen is to go out before it."""
    older = outbox.alias()
    # What people say goes out before a notice that waits for its next try.
    ahead = or_(
        outbox.c.kind == Kind.NOTICE,
        older.c.kind != Kind.NOTICE,
        older.c.state != State.WAITING,
        older.c.next_try_at <= now.astimezone(UTC),
    )
    same = and_(older.c.sender == outbox.c.sender, older.c.id < outbox.c.id, older.c.state.in_(OPEN))
    return select(outbox).where(_free(now), outbox.c.channel.in_(channels), ~exists().where(same, ahead))
