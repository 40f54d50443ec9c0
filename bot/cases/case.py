"""A case: what a citizen filed, its status and its history."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.cases.number import CaseNumber
from bot.errors import IllegalTransition
from bot.messages import SenderId


class DemandType(StrEnum):
    """Why a citizen writes."""

    CONSULT = "consult"
    HELP = "help"
    COMPLAINT = "complaint"
    REPORT = "report"
    SUGGESTION = "suggestion"
    PRAISE = "praise"


class Status(StrEnum):
    """What the citizen sees of a case."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    HANDLING = "handling"
    REPLIED = "replied"
    CALLBACK = "callback"
    CLOSED = "closed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Change(StrEnum):
    """What a citizen can do to a case."""

    SUPPLEMENT = "supplement"
    HASTEN = "hasten"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


_OPEN = frozenset(Status) - {Status.CLOSED, Status.WITHDRAWN}
# Change -> (statuses it is allowed in, status it leads to or None for the same, kind of the event it writes)
CHANGES: dict[Change, tuple[frozenset[Status], Status | None, str]] = {
    Change.SUPPLEMENT: (_OPEN, None, "supplemented"),
    Change.HASTEN: (_OPEN, None, "hastened"),
    Change.WITHDRAW: (_OPEN, Status.WITHDRAWN, "withdrawn"),
    Change.REOPEN: (frozenset({Status.CLOSED, Status.WITHDRAWN}), Status.SUBMITTED, "reopened"),
}


@dataclass(frozen=True)
class CaseDraft:
    """A demand on its way to become a case."""

    description: str
    type: DemandType
    category: str | None = None
    service_item: str | None = None
    agency: str | None = None
    location: str | None = None
    district: str | None = None
    subdistrict: str | None = None
    occurred_at: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The draft as kept in a slot; `CaseDraft(**…)` gives it back."""
        return asdict(self)


def draft_from_json(state: dict[str, Any]) -> CaseDraft:
    """A draft kept in a slot."""
    return CaseDraft(**{**state, "type": DemandType(state["type"])})


@dataclass(frozen=True)
class CaseEvent:
    """One line of a case's timeline."""

    kind: str
    at: datetime
    actor: str
    note: str | None = None


@dataclass(frozen=True)
class Case:
    """A filed case with its timeline, oldest event first."""

    number: CaseNumber
    query_code: str
    sender: SenderId
    language: str
    draft: CaseDraft
    contact: str | None
    anonymous: bool
    status: Status
    filed_at: datetime
    expected_at: datetime
    timeline: tuple[CaseEvent, ...]

    def count(self, kind: str) -> int:
        """How many events of a kind the timeline has."""
        return sum(event.kind == kind for event in self.timeline)


def next_status(case: Case, change: Change) -> Status:
    """The status a change leads to; raises IllegalTransition."""
    allowed, status, _ = CHANGES[change]
    if case.status not in allowed:
        raise IllegalTransition(f"{change} is not possible in status {case.status}")
    return status or case.status
