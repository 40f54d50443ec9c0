"""Calls in the database: when and whose they were, and every final segment, written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, or_, select, update

from bot.database import insert_into
from bot.moments import in_utc
from bot.phone.segment import Segment, Speaker
from bot.phone.tables import call_lines, calls
from bot.phone.transcript import in_order

LONGEST = timedelta(hours=4)
# Calls of a server that died are closed once nobody can come back to them.
GRACE = timedelta(minutes=15)


class Ending(StrEnum):
    """Why we ended a call ourselves; what a gateway tells is kept as told."""

    LOST = "lost"
    TOO_LONG = "too_long"
    IMPORTED = "imported"


@dataclass(frozen=True)
class CallRecord:
    """A call without what was said; `owner` is the key or the member of the staff that brought it."""

    id: str
    owner: str
    schema: str
    started_at: datetime
    agent: str | None = None
    language: str | None = None
    caller_ref: str | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    summary: str | None = None
    last_seq: int = 0
    lines: int = 0


class Calls:
    """The calls inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def start(self, call: CallRecord) -> bool:
        """Note a call; False when it is known."""
        made = self._connection.execute(
            insert_into(self._connection, calls)
            .values(
                call_id=call.id, owner=call.owner, schema=call.schema, agent=call.agent, language=call.language,
                caller_ref=call.caller_ref, started_at=call.started_at.astimezone(UTC),
                ended_at=call.ended_at and call.ended_at.astimezone(UTC), reason=call.reason,
            )
            .on_conflict_do_nothing()
            .returning(calls.c.call_id)
        )  # fmt: skip
        fresh = made.scalar() is not None
        self.changed = self.changed or fresh
        return fresh

    def of(self, call_id: str) -> CallRecord | None:
        """A call, None for an unknown one."""
        row = self._connection.execute(select(calls).where(calls.c.call_id == call_id)).one_or_none()
        if row is None:
            return None
        count = select(func.count()).where(call_lines.c.call_id == call_id)
        return replace(_record(row), lines=int(self._connection.execute(count).scalar_one()))

    def add(self, segments: Sequence[Segment], last_seq: Mapping[str, int] | None = None) -> int:
        """Keep final segments, those kept before or blank left out; gives how many are new.

        `last_seq` is up to where each call's numbered frames came without a gap.
        """
        rows = [
            {
                "call_id": one.call, "segment_id": one.id, "rev": one.rev, "speaker": one.speaker, "text": one.text,
                "start_ms": one.start_ms, "end_ms": one.end_ms, "language": one.language, "confidence": one.confidence,
            }
            for one in segments
            if one.final and not one.blank
        ]  # fmt: skip
        count = 0
        if rows:
            statement = insert_into(self._connection, call_lines).values(rows).on_conflict_do_nothing()
            count = len(self._connection.execute(statement.returning(call_lines.c.id)).all())
            self.changed = self.changed or count > 0
        for call_id, seq in (last_seq or {}).items():
            self._connection.execute(
                update(calls).where(calls.c.call_id == call_id, calls.c.last_seq < seq).values(last_seq=seq)
            )
        return count

    def end(self, call_id: str, at: datetime, reason: str, summary: str | None, language: str | None) -> bool:
        """End a call; False when it is over or unknown."""
        values: dict[str, Any] = {"ended_at": at.astimezone(UTC), "reason": reason[:40], "summary": summary}
        values |= {"language": language} if language else {}
        open_call = and_(calls.c.call_id == call_id, calls.c.ended_at.is_(None))
        done = self._connection.execute(update(calls).where(open_call).values(**values)).rowcount > 0
        self.changed = self.changed or done
        return done

    def said(self, call_id: str, after: int = 0) -> tuple[tuple[int, Segment], ...]:
        """The lines of a call with their numbers, which grow, in the order of arrival."""
        query = select(call_lines).where(call_lines.c.call_id == call_id, call_lines.c.id > after)
        return tuple((row.id, _segment(row)) for row in self._connection.execute(query.order_by(call_lines.c.id)).all())

    def transcript(self, call_id: str) -> tuple[Segment, ...]:
        """What was said in a call, in the order of speech."""
        return in_order(segment for _, segment in self.said(call_id))

    def listed(self, live: bool | None = None, most: int = 50, owner: str | None = None) -> tuple[CallRecord, ...]:
        """The newest calls, of all owners or one; only those under way, or only those over."""
        count = select(func.count()).where(call_lines.c.call_id == calls.c.call_id).scalar_subquery()
        query = select(calls, count.label("lines")).order_by(calls.c.started_at.desc(), calls.c.call_id).limit(most)
        if live is not None:
            query = query.where(calls.c.ended_at.is_(None) if live else calls.c.ended_at.is_not(None))
        if owner is not None:
            query = query.where(calls.c.owner == owner)
        return tuple(replace(_record(row), lines=row.lines) for row in self._connection.execute(query).all())

    def tidy(self, now: datetime, days: int) -> int:
        """Forget calls that are over for some days, end those nobody can come back to; gives how many changed."""
        moment = now.astimezone(UTC)
        kept_since = moment - timedelta(days=days)
        old = or_(calls.c.ended_at < kept_since, calls.c.started_at < kept_since - LONGEST - GRACE)
        due = self._connection.execute(select(calls.c.call_id).where(old)).scalars().all()
        if due:
            self._connection.execute(delete(call_lines).where(call_lines.c.call_id.in_(due)))
            self._connection.execute(delete(calls).where(calls.c.call_id.in_(due)))
        stale = and_(calls.c.ended_at.is_(None), calls.c.started_at < moment - LONGEST - GRACE)
        lost = update(calls).where(stale).values(ended_at=moment, reason=Ending.LOST)
        return len(due) + self._connection.execute(lost).rowcount


def _record(row: Row[Any]) -> CallRecord:
    return CallRecord(
        row.call_id, row.owner, row.schema, in_utc(row.started_at), row.agent, row.language, row.caller_ref,
        row.ended_at and in_utc(row.ended_at), row.reason, row.summary, row.last_seq,
    )  # fmt: skip


def _segment(row: Row[Any]) -> Segment:
    return Segment(
        row.call_id, row.segment_id, row.rev, Speaker(row.speaker), row.text, True, row.start_ms, row.end_ms,
        row.language, row.confidence,
    )  # fmt: skip
