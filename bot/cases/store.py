"""Where cases live: a store bound to one open transaction."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, insert, select, update

from bot.cases.case import (
    CHANGES,
    Case,
    CaseDraft,
    CaseEvent,
    Change,
    DemandType,
    Status,
    next_status,
)
from bot.cases.deadlines import due
from bot.cases.number import CaseNumber, case_number, query_code
from bot.database import case_counters, case_events, cases
from bot.errors import UnknownCase
from bot.messages import SenderId

Clock = Callable[[], datetime]


class CaseStore:
    """Files, finds and changes cases inside the transaction of a turn; the caller commits."""

    def __init__(self, connection: Connection, prefix: str, clock: Clock) -> None:
        self._connection = connection
        self._prefix = prefix
        self._clock = clock
        self.changed = False

    def file(self, draft: CaseDraft, sender: SenderId, language: str, contact: str | None, anonymous: bool) -> Case:
        """Make a case of a draft, with a number of today and a fresh query code."""
        now = self._clock()
        number = case_number(self._prefix, now.date(), self._next_of(now))
        self._connection.execute(
            insert(cases).values(
                number=number,
                query_code=query_code(),
                sender=sender,
                language=language,
                **draft.as_json(),
                contact=None if anonymous else contact,
                anonymous=anonymous,
                status=Status.SUBMITTED,
                filed_at=now.astimezone(UTC),
                expected_at=due(now, draft.type).astimezone(UTC),
            )
        )
        self._note(number, "filed", None)
        return self.by_number(number)

    def by_number(self, number: CaseNumber) -> Case:
        """The case of a number; raises UnknownCase."""
        row = self._connection.execute(select(cases).where(cases.c.number == number)).one_or_none()
        if row is None:
            raise UnknownCase(number)
        return self._case(row)

    def with_code(self, number: CaseNumber, code: str) -> Case:
        """The case of a number and its query code; raises UnknownCase alike for a wrong code."""
        row = self._connection.execute(select(cases).where(cases.c.number == number)).one_or_none()
        stored = row.query_code if row is not None else "-" * len(code)
        if not hmac.compare_digest(stored.encode(), code.upper().encode()) or row is None:
            raise UnknownCase(number)
        return self._case(row)

    def of_sender(self, sender: SenderId) -> tuple[Case, ...]:
        """The cases a sender filed, newest first."""
        found = self._connection.execute(
            select(cases).where(cases.c.sender == sender).order_by(cases.c.filed_at.desc(), cases.c.number.desc())
        )
        return tuple(self._case(row) for row in found.all())

    def change(self, number: CaseNumber, change: Change, note: str | None = None) -> Case:
        """Apply a citizen's change; raises UnknownCase or IllegalTransition."""
        case = self.by_number(number)
        status = next_status(case, change)
        self._connection.execute(update(cases).where(cases.c.number == number).values(status=status))
        self._note(number, CHANGES[change][2], note)
        return self.by_number(number)

    def _next_of(self, now: datetime) -> int:
        day = f"{now:%Y%m%d}"
        row = self._connection.execute(
            update(case_counters)
            .where(case_counters.c.day == day)
            .values(last=case_counters.c.last + 1)
            .returning(case_counters.c.last)
        ).one_or_none()
        if row is not None:
            return int(row.last)
        self._connection.execute(insert(case_counters).values(day=day, last=1))
        return 1

    def _note(self, number: CaseNumber, kind: str, note: str | None) -> None:
        self.changed = True
        at = self._clock().astimezone(UTC)
        self._connection.execute(
            insert(case_events).values(number=number, kind=kind, at=at, actor="citizen", note=note)
        )

    def _case(self, row: Row[tuple[object, ...]]) -> Case:
        zone = self._clock().tzinfo
        events = self._connection.execute(
            select(case_events).where(case_events.c.number == row.number).order_by(case_events.c.id)
        )
        draft = CaseDraft(
            row.description,
            DemandType(row.type),
            row.category,
            row.service_item,
            row.agency,
            row.location,
            row.district,
            row.subdistrict,
            row.occurred_at,
        )
        return Case(
            row.number,
            row.query_code,
            row.sender,
            row.language,
            draft,
            row.contact,
            row.anonymous,
            Status(row.status),
            _local(row.filed_at, zone),
            _local(row.expected_at, zone),
            tuple(CaseEvent(e.kind, _local(e.at, zone), e.actor, e.note) for e in events.all()),
        )


def _local(moment: datetime, zone: object) -> datetime:
    """A stored moment in local time; SQLite gives it back without a zone."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(zone)  # type: ignore[arg-type]
