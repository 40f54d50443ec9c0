"""What the doors of dispatching take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from bot.cases.dispatch import Decided
from bot.cases.hypotheses import Source
from bot.cases.ruling import Conflict, RulingState, Scope
from bot.cases.states import Status
from connectors.staff.schemas import Note, Strict, Unit


class UnitView(BaseModel):
    """A unit by id and name."""

    id: str
    name: str


class CandidateView(BaseModel):
    """The second best unit; `unit` is null while a place it needs is missing."""

    unit: UnitView | None
    lead: str
    duty_line: str | None
    confidence: float


class WhyView(BaseModel):
    """What a suggestion rests on."""

    words: list[str]
    service_item: str | None
    item_name: str | None
    subcategory: str | None
    category: str | None
    district: str | None
    subdistrict: str | None
    rulings: list[int]


class SuggestionView(BaseModel):
    """Where a case goes; `needs` names what of the place is to be asked for first."""

    unit: UnitView | None
    lead: Annotated[str, Field(description="The key of the unit, without its place.")]
    assisting: list[UnitView]
    fallback: UnitView | None
    source: Source
    duty_line: str | None
    duty_version: str
    confidence: Annotated[float, Field(description="Probability that the unit is right.")]
    decided: Annotated[Decided, Field(description="auto: sure enough to be sent without a person.")]
    needs: list[str]
    runner_up: CandidateView | None
    why: WhyView


class DispatchRequest(Strict):
    """Where to send a case. `version` (or the header If-Match) is that of the case as it was looked at."""

    version: Annotated[int | None, Field(ge=0)] = None
    unit: Annotated[Unit | None, Field(description="The unit in the lead; the suggested one when missing.")] = None
    assisting: Annotated[tuple[Unit, ...], Field(max_length=10)] = ()
    reason: Note | None = None


class Dispatched(BaseModel):
    """A case that was sent."""

    number: str
    version: int
    status: Status
    unit: UnitView


class RulingRequest(Strict):
    """A ruling proposed by hand: the case belongs to this unit."""

    number: Annotated[str, Field(max_length=20)]
    unit: Unit
    reason: Note


class Verdict(Strict):
    """How an approved ruling holds."""

    as_rule: bool = False
    scope: Scope = Scope.DISTRICT


class AgainstView(BaseModel):
    """What a ruling goes against: another ruling (R12) or a line of the list, and the unit that one says."""

    conflict: Conflict
    other: str
    unit: str


class RulingView(BaseModel):
    """A ruling; `agreeing` counts those alike, `kept` the same cases that the unit before has kept."""

    id: int
    number: str
    text: str
    category: str | None
    subcategory: str | None
    service_item: str | None
    district: str | None
    subdistrict: str | None
    from_unit: UnitView | None
    to_unit: UnitView
    duty_line: str | None
    reason: str
    state: RulingState
    as_rule: bool
    by: str
    at: datetime
    decided_by: str | None
    decided_at: datetime | None
    agreeing: int
    kept: int
    conflicts: list[AgainstView]


class RulingsPage(BaseModel):
    """Rulings, and the id to go on from."""

    rulings: list[RulingView]
    next: int | None
