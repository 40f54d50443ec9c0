"""Where cases live: a store bound to one open transaction."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from bot.cases.case import CITIZEN, SYSTEM, Actor, Case, CaseDraft, CaseEvent, Facts, Handling, next_status
from bot.cases.clocks import rings_of
from bot.cases.counter import Numbers, OneByOne
from bot.cases.deadlines import due
from bot.cases.effects import effects
from bot.cases.handover import Handovers
from bot.cases.hastening import Effect, hasten
from bot.cases.keeping import fit_to_keep
from bot.cases.number import CaseNumber, case_number, query_code
from bot.cases.rows import case_of, local
from bot.cases.rulings import Rulings
from bot.cases.states import TRANSITIONS, Move, Status
from bot.cases.succession import LEAVING, led_by, succeed
from bot.cases.tables import case_events, case_marks, cases
from bot.database import insert_into
from bot.errors import IllegalTransition, NoNumberLeft, UnknownCase
from bot.messages import SenderId

Clock = Callable[[], datetime]
CHAT = "chat"
# Numbers tried for one case: only an import can have taken one before.
TRIES = 200
_RECALLS = frozenset({Move.RETURN, Move.WITHDRAW, Move.MERGE, Move.REOPEN, Move.REJECT, Move.TRANSFER})
_PASSED_ON = frozenset({Move.SUPPLEMENT, Move.HASTEN})


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


class Hearer(Protocol):
    """Hears of events of some kinds as they are written, in the same transaction."""

    @property
    def kinds(self) -> Container[str]: ...

    def hear(self, number: CaseNumber, kind: str, event: int) -> None: ...


class DatabaseCases:
    """Cases in the database, inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, prefix: str, clock: Clock, numbers: Numbers = OneByOne()) -> None:  # noqa: B008
        self._connection = connection
        self._numbers = numbers
        self._prefix = prefix
        self._clock = clock
        self._handovers = Handovers(connection)
        self.rulings = Rulings(connection, clock)
        self.hearer: Hearer | None = None
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
        draft = fit_to_keep(draft, anonymous)
        now = self._clock()
        for _ in range(TRIES):
            number = case_number(self._prefix, now.date(), self._numbers.next(self._connection, now.date()))
            case = Case(
                number, query_code(), sender, language, draft, None if anonymous else contact, anonymous,
                Status.SUBMITTED, now, due(now, draft.type, draft.urgency),
                (CaseEvent("filed", now, CITIZEN.role, status=Status.SUBMITTED),), source, Handling(updated_at=now),
            )  # fmt: skip
            if self._insert(case, request_key):
                self.record(number, "filed", CITIZEN, Facts(), Status.SUBMITTED)
                return case
            # Either the number is in use, or another process has just filed the same request.
            before = self._made_by(request_key) if request_key else None
            if before is not None:
                return before
        raise NoNumberLeft(f"{TRIES} numbers of {now.date()} in a row are in use")

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

    def rows_of(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """The rows of any other query, such as counts."""
        return self._connection.execute(query).all()

    def held(self, number: CaseNumber, *others: CaseNumber) -> Case:
        """A case that nobody else changes until the transaction ends, and others, held in one order by everybody."""
        query = select(cases).where(cases.c.number.in_((number, *others))).order_by(cases.c.number).with_for_update()
        row = next((row for row in self._connection.execute(query).all() if row.number == number), None)
        if row is None:
            raise UnknownCase(number)
        return self._cases([row])[0]

    def move(self, number: CaseNumber, move: Move, actor: Actor = CITIZEN, facts: Facts = Facts()) -> Case:  # noqa: B008
        """Make a change and write its event; raises UnknownCase, IllegalTransition, NotAllowed or MissingForMove."""
        case = self.held_for(number, move, facts)
        now = self._clock()
        leader = self.leader_of(case)
        asked = hasten(case, now, leader) if move is Move.HASTEN and actor.role in TRANSITIONS[move].roles else None
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
        if leader is not None and move in _PASSED_ON:
            self.record(leader.number, f"follower_{TRANSITIONS[move].event}", SYSTEM, told, leader.status)
        if asked is Effect.SUPERVISION:
            late = leader or case
            self.record(late.number, "supervision_asked", SYSTEM, Facts(reason=f"hastened {number}"), late.status)
        if move in _RECALLS:
            self._handovers.recall(number, now)
        if move is Move.DISPATCH and facts.unit:
            self.rulings.propose(case, facts.unit, actor)
            self._handovers.open(number, (facts.unit, *facts.assisting), now)
        if move is Move.SIGN and actor.unit:
            self._handovers.acknowledge(number, actor.unit, now)
        if move in LEAVING:
            succeed(self, number, move, facts.leader if move is Move.MERGE else None)
        return self._settled(number)

    def held_for(self, number: CaseNumber, move: Move, facts: Facts) -> Case:
        """A case held for a move, with all others that the move changes or rests on; raises UnknownCase."""
        others = [one.number for one in led_by(self, number)] if move in LEAVING else []
        return self.held(number, *others, *((facts.leader,) if move is Move.MERGE and facts.leader else ()))

    def leader_of(self, case: Case) -> Case | None:
        """The case that a merged one is handled with."""
        into = case.handling.merged_into
        return self.by_number(into) if into and case.status is Status.MERGED else None

    def record(self, number: CaseNumber, kind: str, actor: Actor, facts: Facts, status: Status) -> None:
        """Write an event, and let who hears of its kind know."""
        self.changed = True
        values = {
            "number": number,
            "kind": kind,
            "at": self._clock().astimezone(UTC),
            "actor": actor.role,
            "name": facts.unit if kind == "dispatched" else actor.unit or actor.name,
            "status": status,
            "reason": facts.reason,
            "note": facts.note,
        }
        if self.hearer is None or kind not in self.hearer.kinds:
            self._connection.execute(insert(case_events).inline(), values)
            return
        made = self._connection.execute(insert(case_events).returning(case_events.c.id), values)
        self.hearer.hear(number, kind, int(made.scalar_one()))

    def mark(self, number: CaseNumber, mark: str) -> bool:
        """Note that something was done for a case; False when it was noted before, by whichever process."""
        made = self._connection.execute(
            insert_into(self._connection, case_marks)
            .values(number=number, mark=mark, at=self._clock().astimezone(UTC))
            .on_conflict_do_nothing()
            .returning(case_marks.c.number)
        )
        return made.scalar() is not None

    def unmark(self, number: CaseNumber, mark: str) -> None:
        """Take back that something was done for a case."""
        noted = (case_marks.c.number == number, case_marks.c.mark == mark)
        self._connection.execute(delete(case_marks).where(*noted))

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

    def _insert(self, case: Case, request_key: str | None) -> bool:
        at, rings = case.filed_at.astimezone(UTC), rings_of(case)
        # The values apart from the statement, which is then made once and not anew for every case.
        values = {
            **case.draft.as_json(),
            "number": case.number,
            "query_code": case.query_code,
            "sender": case.sender,
            "language": case.language,
            "contact": case.contact,
            "anonymous": case.anonymous,
            "source": case.source,
            "request_key": request_key,
            "status": case.status,
            "filed_at": at,
            "updated_at": at,
            "expected_at": case.expected_at.astimezone(UTC),
            "check_at": rings[0].at.astimezone(UTC) if rings else None,
        }
        statement = insert_into(self._connection, cases).on_conflict_do_nothing().returning(cases.c.number)
        return self._connection.execute(statement, values).scalar() is not None

    def _cases(self, rows: Sequence[Row[Any]]) -> tuple[Case, ...]:
        zone = self._clock().tzinfo
        query = select(case_events).where(case_events.c.number.in_([row.number for row in rows]))
        events: dict[str, list[CaseEvent]] = {row.number: [] for row in rows}
        for e in self._connection.execute(query.order_by(case_events.c.id)).all() if rows else ():
            told = CaseEvent(e.kind, local(e.at, zone), e.actor, e.note, e.name, e.status, e.reason)
            events[e.number].append(told)
        return tuple(case_of(row, tuple(events[row.number]), zone) for row in rows)
