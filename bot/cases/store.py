"""Where cases live: a store bound to one open transaction."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Row, Select, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.cases.case import CITIZEN, SYSTEM, Actor, Case, CaseDraft, CaseEvent, DemandType, Facts, Handling, next_status
from bot.cases.clocks import rings_of
from bot.cases.deadlines import due
from bot.cases.effects import effects
from bot.cases.handover import Handovers
from bot.cases.number import CaseNumber, case_number, query_code
from bot.cases.states import TRANSITIONS, Move, Status
from bot.cases.tables import case_counters, case_events, case_marks, cases
from bot.errors import IllegalTransition, UnknownCase
from bot.messages import SenderId

Clock = Callable[[], datetime]
CHAT = "chat"
_RECALLS = frozenset({Move.RETURN, Move.WITHDRAW, Move.MERGE, Move.REOPEN, Move.REJECT, Move.TRANSFER})


class CaseStore(Protocol):
    """Files, finds and changes cases; all implementations pass `tests.contracts.CaseStoreContract`."""

    changed: bool

    def file(
        self,
        draft: CaseDraft,
        sender: SenderId,
        language: str,
        contact: str | None,
        anonymous: bool,
        source: str = CHAT,
        request_key: str | None = None,
    ) -> Case:
        """Make a case of a draft; the same `request_key` again gives the case it made before."""

    def by_number(self, number: CaseNumber) -> Case:
        """The case of a number; raises UnknownCase."""

    def with_code(self, number: CaseNumber, code: str) -> Case:
        """The case of a number and its query code; raises UnknownCase alike for a wrong code."""

    def of_sender(self, sender: SenderId) -> tuple[Case, ...]:
        """The cases a sender filed, newest first."""

    def move(self, number: CaseNumber, move: Move, actor: Actor = CITIZEN, facts: Facts = ...) -> Case:
        """Make a change; raises UnknownCase, IllegalTransition, NotAllowed or MissingForMove."""


class DatabaseCases:
    """Cases in the database, inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, prefix: str, clock: Clock) -> None:
        self._connection = connection
        self._prefix = prefix
        self._clock = clock
        self._handovers = Handovers(connection)
        self.changed = False

    def file(
        self,
        draft: CaseDraft,
        sender: SenderId,
        language: str,
        contact: str | None,
        anonymous: bool,
        source: str = CHAT,
        request_key: str | None = None,
    ) -> Case:
        """Make a case of a draft, with a number of today and a fresh query code."""
        before = self._made_by(request_key) if request_key else None
        if before is not None:
            return before
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
                source=source,
                request_key=request_key,
                status=Status.SUBMITTED,
                filed_at=now.astimezone(UTC),
                updated_at=now.astimezone(UTC),
                expected_at=due(now, draft.type, draft.urgency).astimezone(UTC),
            )
        )
        self.record(number, "filed", CITIZEN, Facts(), Status.SUBMITTED)
        return self._settled(number)

    def by_number(self, number: CaseNumber) -> Case:
        """The case of a number; raises UnknownCase."""
        return self._one(select(cases).where(cases.c.number == number), number)

    def with_code(self, number: CaseNumber, code: str) -> Case:
        """The case of a number and its query code; raises UnknownCase alike for a wrong code."""
        row = self._connection.execute(select(cases).where(cases.c.number == number)).one_or_none()
        stored = row.query_code if row is not None else "-" * len(code)
        if not hmac.compare_digest(stored.encode(), code.upper().encode()) or row is None:
            raise UnknownCase(number)
        return self._cases([row])[0]

    def of_sender(self, sender: SenderId) -> tuple[Case, ...]:
        """The cases a sender filed, newest first."""
        return self.found_by(
            select(cases).where(cases.c.sender == sender).order_by(cases.c.filed_at.desc(), cases.c.number.desc())
        )

    def found_by(self, query: Select[Any]) -> tuple[Case, ...]:
        """The cases of a query over the whole table of cases, their events read at once."""
        return self._cases(self._connection.execute(query).all())

    def move(self, number: CaseNumber, move: Move, actor: Actor = CITIZEN, facts: Facts = Facts()) -> Case:  # noqa: B008
        """Make a change and write its event; raises UnknownCase, IllegalTransition, NotAllowed or MissingForMove."""
        case = self._one(select(cases).where(cases.c.number == number).with_for_update(), number)
        now = self._clock()
        status = next_status(case, move, actor, facts)
        if move is Move.MERGE:
            self._check_leader(case, facts)
        columns = effects(case, move, facts, now)
        self._connection.execute(
            update(cases)
            .where(cases.c.number == number)
            .values(status=status, updated_at=now.astimezone(UTC), **columns)
        )
        told = facts if facts.note or not facts.reply else replace(facts, note=facts.reply)
        self.record(number, TRANSITIONS[move].event, actor, told, status)
        if move is Move.REDO and columns["redos"] > 1:
            self.record(number, TRANSITIONS[Move.SUPERVISE].event, SYSTEM, Facts(reason=facts.reason), status)
        if move in _RECALLS:
            self._handovers.recall(number, now)
        if move is Move.DISPATCH and facts.unit:
            self._handovers.open(number, (facts.unit, *facts.assisting), now)
        if move is Move.SIGN and actor.unit:
            self._handovers.acknowledge(number, actor.unit, now)
        return self._settled(number)

    def record(self, number: CaseNumber, kind: str, actor: Actor, facts: Facts, status: Status) -> None:
        """Write an event."""
        self.changed = True
        self._connection.execute(
            insert(case_events).values(
                number=number,
                kind=kind,
                at=self._clock().astimezone(UTC),
                actor=actor.role,
                name=facts.unit if kind == "dispatched" else actor.unit or actor.name,
                status=status,
                reason=facts.reason,
                note=facts.note,
            )
        )

    def mark(self, number: CaseNumber, mark: str) -> bool:
        """Note that something was done for a case; False when it was noted before, by whichever process."""
        kind = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        made = self._connection.execute(
            kind.insert(case_marks)
            .values(number=number, mark=mark, at=self._clock().astimezone(UTC))
            .on_conflict_do_nothing()
        )
        return made.rowcount == 1

    def marks(self, number: CaseNumber) -> frozenset[str]:
        """What was noted as done for a case."""
        query = select(case_marks.c.mark).where(case_marks.c.number == number)
        return frozenset(self._connection.execute(query).scalars())

    def set_check(self, case: Case, done: Iterable[str]) -> None:
        """Note when time next does something to a case, None when it never does."""
        open_rings = [ring.at for ring in rings_of(case) if ring.mark not in set(done)]
        at = min(open_rings).astimezone(UTC) if open_rings else None
        self._connection.execute(update(cases).where(cases.c.number == case.number).values(check_at=at))

    def _settled(self, number: CaseNumber) -> Case:
        case = self.by_number(number)
        self.set_check(case, self.marks(number) if len(case.timeline) > 1 else ())
        return case

    def _check_leader(self, case: Case, facts: Facts) -> None:
        leader = self.by_number(CaseNumber(str(facts.leader)))
        if leader.number == case.number or leader.status is Status.MERGED or leader.handling.closed_at:
            raise IllegalTransition(f"case {case.number} cannot be merged into {leader.number}")

    def _made_by(self, request_key: str) -> Case | None:
        found = self.found_by(select(cases).where(cases.c.request_key == request_key))
        return found[0] if found else None

    def _one(self, query: Select[Any], number: CaseNumber) -> Case:
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise UnknownCase(number)
        return self._cases([row])[0]

    def _next_of(self, now: datetime) -> int:
        kind = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        made = kind.insert(case_counters).values(day=f"{now:%Y%m%d}", last=1)
        counted = made.on_conflict_do_update(
            index_elements=[case_counters.c.day], set_={"last": case_counters.c.last + 1}
        )
        return int(self._connection.execute(counted.returning(case_counters.c.last)).scalar_one())

    def _cases(self, rows: Sequence[Row[Any]]) -> tuple[Case, ...]:
        zone = self._clock().tzinfo
        query = select(case_events).where(case_events.c.number.in_([row.number for row in rows]))
        events: dict[str, list[CaseEvent]] = {row.number: [] for row in rows}
        for e in self._connection.execute(query.order_by(case_events.c.id)).all() if rows else ():
            told = CaseEvent(e.kind, _local(e.at, zone), e.actor, e.note, e.name, e.status, e.reason)
            events[e.number].append(told)
        return tuple(_case(row, tuple(events[row.number]), zone) for row in rows)


def _case(row: Row[Any], timeline: tuple[CaseEvent, ...], zone: object) -> Case:
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
        row.subcategory,
        row.urgency,
        row.latitude,
        row.longitude,
    )
    handling = Handling(
        row.unit,
        tuple(row.assisting or ()),
        row.duty_line,
        row.duty_version,
        row.confidence,
        _maybe(row.contact_by, zone),
        _maybe(row.paused_at, zone),
        bool(row.extended),
        row.supervision,
        row.redos,
        row.reply,
        row.merged_into,
        _maybe(row.closed_at, zone),
        _maybe(row.updated_at, zone),
        row.external_id,
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
        timeline,
        row.source,
        handling,
    )


def _maybe(moment: datetime | None, zone: object) -> datetime | None:
    return _local(moment, zone) if moment else None


def _local(moment: datetime, zone: object) -> datetime:
    """A stored moment in local time; SQLite gives it back without a zone."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(zone)  # type: ignore[arg-type]
