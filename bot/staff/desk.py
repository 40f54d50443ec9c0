"""The desk: what one member of the staff does with cases in one transaction, recorded in the audit log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from bot.cases.case import Case, Facts
from bot.cases.evidence import Evidence, evidence_rules, ready
from bot.cases.hastening import Effect
from bot.cases.listing import Cursor, Filters, Listing, Page
from bot.cases.number import CaseNumber
from bot.cases.states import TRANSITIONS, Move, Need, moves_from
from bot.errors import (
    AnonymousCase,
    HastenRefused,
    IllegalTransition,
    MissingForMove,
    NotAllowed,
    NotNow,
    NoVersion,
    StaleCase,
    UnknownCase,
    UnknownEvidence,
)
from bot.staff.accounts import Account
from bot.staff.audit import Action
from bot.staff.rights import OWN_UNIT_ONLY, PERSONAL, RIGHTS, Right
from bot.store import Work

CARRYING = frozenset({Move.REPLY, Move.ANSWER, Move.CLOSE})


class CaseDesk:
    """Cases as one account may see and change them."""

    def __init__(self, work: Work, account: Account, now: datetime, address: str | None) -> None:
        self._work = work
        self._account = account
        self._now = now
        self._address = address
        self._own = account.unit if account.role in OWN_UNIT_ONLY else None

    def page(self, filters: Filters, size: int, after: Cursor | None) -> Page:
        """A page of the queue; a search in the texts is recorded, its words are not."""
        if filters.text and after is None:
            self._record(Action.SEARCHED, None, ["description", "location"])
        return self._listing().page(filters, size, after)

    def counts(self, filters: Filters) -> dict[str, int]:
        """How many cases of the queue are in each status."""
        return self._listing().counts(filters)

    def look(self, number: CaseNumber) -> Case:
        """A case, looked at; raises UnknownCase, also for another unit's."""
        case = self.visible(number)
        self._record(Action.VIEWED, number, PERSONAL[:-1])
        return case

    def reveal(self, number: CaseNumber, reason: str) -> Case:
        """A case whose personal data is shown, for a reason; raises UnknownCase or AnonymousCase."""
        case = self.visible(number)
        if case.anonymous:
            raise AnonymousCase(f"case {number} is anonymous")
        self._record(Action.REVEALED, number, PERSONAL, reason)
        return case

    def move(
        self, number: CaseNumber, move: Move, facts: Facts, version: int | None, evidence: Collection[int] = ()
    ) -> Case:
        """Make a change on a version of the case and record it.

        Raises UnknownCase, NotAllowed, NoVersion, StaleCase, IllegalTransition with what is allowed, NotNow,
        MissingForMove or EvidenceMissing.
        """
        self._work.cases.held_for(number, move, facts)
        case = self.visible(number)
        row, role = TRANSITIONS[move], self._account.role
        allowed = moves_from(case.status, role)
        known = {"move": move, "status": case.status, "role": role, "allowed": allowed}
        told = {"allowed": list(allowed), "version": case.version, "case_status": case.status}
        if role not in row.roles:
            raise NotAllowed(f"{role} may not {move}", known, {"allowed": list(allowed)})
        if version is None:
            raise NoVersion(f"{move} needs the version of case {number}", known, told)
        if version != case.version:
            raise StaleCase(f"case {number} is at version {case.version}", known, told)
        if move not in allowed:
            raise IllegalTransition(f"{move} is not possible in status {case.status}", known, told)
        _check_needs(case, move, facts)
        if move is Move.MERGE:
            self._check_leader(facts)
        if evidence or move in CARRYING:
            needed = move is Move.REPLY and case.draft.service_item in evidence_rules().evidence_to_close
            self._work.evidence.carry(number, evidence, move, needed)
        try:
            moved = self._work.cases.move(number, move, self._account.actor, facts)
        except IllegalTransition as error:
            why = Effect(error.why) if isinstance(error, HastenRefused) else _WHY.get(move, Why.OTHER)
            raise NotNow(str(error), {**known, "why": why}, told) from None
        fields = [
            "status",
            *(name for name in _FACTS if getattr(facts, name)),
            *(f"evidence:{key}" for key in evidence),
        ]
        self._record(Action.MOVED, number, [str(move), *fields], facts.reason)
        return moved

    def move_all(self, versions: Mapping[CaseNumber, int | None], move: Move, facts: Facts) -> tuple[Case, ...]:
        """Make a change of several cases; raises what `move` raises, and then the transaction must not be kept."""
        leader = (facts.leader,) if facts.leader else ()
        self._work.cases.held(*versions, *leader)
        return tuple(self.move(number, move, facts, version) for number, version in versions.items())

    def files(self, number: CaseNumber) -> tuple[Evidence, ...]:
        """The files of a case; raises UnknownCase."""
        return self._work.evidence.of(self.visible(number).number)

    def add_file(self, number: CaseNumber, name: str, content: bytes) -> tuple[Evidence, bool]:
        """Keep a file with a case and tell whether it is new; raises UnknownCase or an EvidenceError."""
        case = self.visible(number, hold=True)
        made, fresh = self._work.evidence.add(case.number, ready(name, content, self._account.role), self._now)
        if fresh:
            self._record(Action.EVIDENCE_ADDED, number, [f"evidence:{made.id}"])
        return made, fresh

    def file(self, key: int) -> tuple[Evidence, bytes]:
        """A file with its content; raises UnknownEvidence, also for a case that may not be seen."""
        found = self._work.evidence.by_id(key)
        try:
            self.visible(found.number)
        except UnknownCase:
            raise UnknownEvidence(str(key)) from None
        self._record(Action.EVIDENCE_VIEWED, found.number, [f"evidence:{key}"])
        return found, self._work.evidence.content(key)

    def visible(self, number: CaseNumber, hold: bool = False, *others: CaseNumber) -> Case:
        """A case the account may see; raises UnknownCase for any other, and NotAllowed for a role that sees none."""
        if self._account.role not in RIGHTS[Right.CASES]:
            raise NotAllowed(f"{self._account.role} sees no cases", {"role": self._account.role})
        case = self._work.cases.held(number, *others) if hold else self._work.cases.by_number(number)
        if self._own is not None and self._own not in case.units:
            raise UnknownCase(number)
        return case

    def _listing(self) -> Listing:
        return Listing(self._work.cases, self._now, self._own)

    def _check_leader(self, facts: Facts) -> None:
        try:
            self.visible(CaseNumber(str(facts.leader)))
        except UnknownCase:
            raise _missing([Need.LEADER]) from None

    def _record(self, action: Action, number: str | None, fields: Collection[str], reason: str | None = None) -> None:
        self._work.audit.write(self._account, action, self._address, number, fields, reason)


class Why(StrEnum):
    """What else than the status forbids a move; hastening has its own reasons."""

    EXTEND = "extend"
    MERGE = "merge"
    OTHER = "other"


_WHY = {Move.EXTEND: Why.EXTEND, Move.MERGE: Why.MERGE}
_FACTS = ("note", "reason", "reply", "unit", "assisting", "leader")


def _check_needs(case: Case, move: Move, facts: Facts) -> None:
    missing: list[str] = [need for need in Need if need in TRANSITIONS[move].needs and not facts.given(need)]
    if move in (Move.NOTE, Move.SUPPLEMENT, Move.REOPEN) and not (facts.note or "").strip():
        missing.append("note")
    if missing:
        raise _missing(missing)


def _missing(fields: Collection[str]) -> MissingForMove:
    errors = [{"field": str(field), "problem": "needed for this move"} for field in fields]
    return MissingForMove(f"needs {', '.join(fields)}", {"fields": ", ".join(fields)}, {"errors": errors})
