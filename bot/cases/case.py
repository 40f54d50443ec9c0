"""A case: what a citizen filed, its status and its history."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.cases.number import CaseNumber
from bot.cases.states import TRANSITIONS, Move, Need, Role, Status
from bot.errors import IllegalTransition, MissingForMove, NotAllowed
from bot.messages import SenderId


class DemandType(StrEnum):
    """Why a citizen writes."""

    CONSULT = "consult"
    HELP = "help"
    COMPLAINT = "complaint"
    REPORT = "report"
    SUGGESTION = "suggestion"
    PRAISE = "praise"


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
    subcategory: str | None = None
    urgency: str = "normal"
    latitude: float | None = None
    longitude: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The draft as kept in a slot; `CaseDraft(**…)` gives it back."""
        return asdict(self)


def draft_from_json(state: dict[str, Any]) -> CaseDraft:
    """A draft kept in a slot."""
    return CaseDraft(**{**state, "type": DemandType(state["type"])})


@dataclass(frozen=True)
class Actor:
    """Who does something to a case: a role, for staff also the login, for units the unit acted for."""

    role: Role
    name: str | None = None
    unit: str | None = None


CITIZEN = Actor(Role.CITIZEN)
SYSTEM = Actor(Role.SYSTEM)


@dataclass(frozen=True)
class Facts:
    """What a move brings along; `note` is what the citizen reads beside it, `reason` why it was done."""

    note: str | None = None
    reason: str | None = None
    reply: str | None = None
    unit: str | None = None
    assisting: tuple[str, ...] = ()
    duty_line: str | None = None
    duty_version: str | None = None
    confidence: float | None = None
    leader: CaseNumber | None = None

    def given(self, need: Need) -> bool:
        """Whether it brings what is needed."""
        return bool((getattr(self, need) or "").strip())


@dataclass(frozen=True)
class CaseEvent:
    """One line of a case's timeline; `actor` is a role, `name` a login or unit, `status` the one after it."""

    kind: str
    at: datetime
    actor: str
    note: str | None = None
    name: str | None = None
    status: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Handling:
    """How far the office has come with a case: the unit, why that one, its clocks and what was answered."""

    unit: str | None = None
    assisting: tuple[str, ...] = ()
    duty_line: str | None = None
    duty_version: str | None = None
    confidence: float | None = None
    contact_by: datetime | None = None
    paused_at: datetime | None = None
    extended: bool = False
    supervision: int = 0
    redos: int = 0
    reply: str | None = None
    merged_into: CaseNumber | None = None
    closed_at: datetime | None = None
    updated_at: datetime | None = None
    external_id: str | None = None


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
    source: str = "chat"
    handling: Handling = Handling()

    @property
    def units(self) -> tuple[str, ...]:
        """The unit in the lead and those that assist."""
        return (*((self.handling.unit,) if self.handling.unit else ()), *self.handling.assisting)

    @property
    def version(self) -> int:
        """Grows with every change: the number of its events."""
        return len(self.timeline)

    @property
    def since(self) -> datetime:
        """When the case came into its status."""
        return self.entered(frozenset(Status))

    def entered(self, statuses: frozenset[Status]) -> datetime:
        """When the case last came into one of some statuses from another; when it was filed if never."""
        entered = self.filed_at
        before: str | None = None
        for event in self.timeline:
            if event.status and event.status != before:
                entered, before = event.at if event.status in statuses else entered, event.status
        return entered

    def count(self, kind: str) -> int:
        """How many events of a kind the timeline has."""
        return sum(event.kind == kind for event in self.timeline)


def next_status(case: Case, move: Move, actor: Actor, facts: Facts) -> Status:
    """The status a move leads to; raises IllegalTransition, NotAllowed or MissingForMove."""
    row = TRANSITIONS[move]
    if actor.role not in row.roles or (actor.role is Role.UNIT and actor.unit not in case.units):
        raise NotAllowed(f"{actor.role} may not {move} case {case.number}")
    if case.status not in row.origins:
        raise IllegalTransition(f"{move} is not possible in status {case.status}")
    missing = [need for need in Need if need in row.needs and not facts.given(need)]
    if missing:
        raise MissingForMove(f"{move} needs {', '.join(missing)}")
    return row.to or case.status
