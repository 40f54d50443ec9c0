"""What the doors of talks take and give."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field

from bot.cases.case import DemandType
from bot.cases.states import Status
from bot.desk.drafts import Decision
from bot.desk.joining import Way
from bot.desk.suggestions import Use
from bot.desk.talks import Ending, Reason, TalkState
from connectors.staff.merging_api import Said as SaidReason
from connectors.staff.schemas import QueueLine, Strict

MAX_SAID, MAX_NOTE, MAX_VALUE = 2000, 2000, 200
Key = Annotated[str, Field(min_length=1, max_length=60, description="One's own id of this deed: again does nothing.")]
Value = Annotated[str, Field(max_length=MAX_VALUE)]


class Said(StrEnum):
    """Who said something."""

    CITIZEN = "citizen"
    BOT = "bot"
    AGENT = "agent"


class TalkLine(BaseModel):
    """A talk in the queue; the excerpt is masked, `place` counts from 1 while it waits."""

    number: int
    state: TalkState
    place: int | None
    waited: Annotated[int, Field(description="Seconds since a person was asked for.")]
    language: str
    channel: str
    reason: Reason
    danger: bool
    call_back: bool
    claimed_by: str | None
    excerpt: str


class DraftLine(BaseModel):
    """An answer that waits for approval; `left` is how many seconds until it goes out by itself."""

    number: int
    language: str
    question: str
    answer: str
    confidence: float
    left: int


class Queue(BaseModel):
    """Who waits, what one holds oneself, what others hold, and answers to approve."""

    waiting: list[TalkLine]
    mine: list[TalkLine]
    others: list[TalkLine]
    drafts: list[DraftLine]


class Line(BaseModel):
    """One thing said; `turn` grows."""

    turn: int
    at: datetime
    by: Said
    text: str
    login: str | None = None


class TalkView(BaseModel):
    """A talk as who holds it sees it; `form` are the values told so far."""

    talk: TalkLine
    lines: list[Line]
    last_turn: int
    call_back_to: str | None
    active_form: str | None
    requested_slot: str | None
    form: dict[str, Any]
    cases: list[QueueLine]
    note: str | None


class SayBody(Strict):
    """What the agent says."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_SAID)]
    key: Key


class MatterFields(Strict):
    """What may be told of the matter of a case."""

    type: DemandType | None = None
    category: Value | None = None
    service_item: Annotated[str | None, Field(max_length=10)] = None
    location: Value | None = None
    district: Value | None = None
    subdistrict: Value | None = None
    occurred_at: Value | None = None


class CaseFields(MatterFields):
    """What may be told of a case."""

    contact: Value | None = None


class ReturnedForm(CaseFields):
    """What the person filled in of the case form."""

    description: Annotated[str | None, Field(max_length=MAX_NOTE)] = None
    anonymous: bool | None = None

    def told(self) -> dict[str, str | None]:
        """The fields given, None for one that was emptied."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        told = {name: value.strip() or None if isinstance(value, str) else None for name, value in given.items()}
        return told if self.anonymous is None else told | {"anonymous": str(self.anonymous).lower()}


class HeardForm(Strict):
    """What was read off the talk and nobody looked at: it fills gaps of the form."""

    location: Value | None = None
    occurred_at: Value | None = None
    contact: Value | None = None
    anonymous: bool = False

    def told(self) -> dict[str, str]:
        """The fields with a value."""
        told = {name: value.strip() for name, value in self if isinstance(value, str) and value.strip()}
        return told | ({"anonymous": "true"} if self.anonymous else {})


class ReturnBody(Strict):
    """What the bot is to know when it goes on."""

    note: Annotated[str | None, Field(max_length=MAX_NOTE)] = None
    service: Annotated[str | None, Field(max_length=10)] = None
    values: Annotated[
        ReturnedForm,
        Field(
            default_factory=ReturnedForm,
            description="Of the case form, those changed (null: emptied); a description without a form begins one.",
        ),
    ]
    heard: Annotated[HeardForm, Field(default_factory=HeardForm)]


class CloseBody(ReturnBody):
    """How the talk ended."""

    outcome: Ending = Ending.RESOLVED


class MatterBody(MatterFields):
    """What a case is about, as far as the form is filled; what is not given is read off the description."""

    description: Annotated[str, Field(max_length=2000)] = ""


class CaseBody(CaseFields):
    """A case for the citizen of a talk or call; what is not given is read off the description."""

    key: Key
    description: Annotated[str, Field(min_length=2, max_length=2000)]
    anonymous: bool = False


class FiledCase(BaseModel):
    """The case that was filed; its query code was told to the citizen alone."""

    number: str
    expected_at: datetime


class KnownCase(BaseModel):
    """An open case of somebody else that tells of the same: how sure, why, and how the citizen can be joined to it.

    Its texts are masked. `way` is null where nobody can be joined by this role; `joined` where it is done.
    """

    case_id: str
    score: Annotated[float, Field(description="Probability that both tell of one event.")]
    way: Way | None
    joined: bool
    status: Status
    type: DemandType
    title: Annotated[str | None, Field(description="Name of its item, else of its category.")]
    service_item: str | None
    location: str | None
    district: str | None
    subdistrict: str | None
    excerpt: str
    filed_at: datetime
    anonymous: bool
    reasons: list[SaidReason]
    contradictions: list[SaidReason]


class KnownCases(BaseModel):
    """Open cases on the same, the likeliest first."""

    duplicates: list[KnownCase]


class JoinBody(Strict):
    """Which case the citizen is joined to, and how it stood before the agent."""

    case: Annotated[str, Field(min_length=1, max_length=20, examples=["SZ261127-000001-7"])]
    way: Annotated[Way | None, Field(description="The way offered; 409 where it is another one by now.")] = None
    place: Annotated[int, Field(ge=1, le=50)] = 1
    confidence: Annotated[float | None, Field(ge=0, le=1, description="With it the deed is counted.")] = None


class JoinedCase(BaseModel):
    """The case that goes on, and how the citizen was joined to it.

    `words` tell so to a caller, as they are read out; a citizen who writes was told.
    """

    number: str
    way: Way
    words: str | None = None
    language: str | None = None


class UsedBody(Strict):
    """What was done with a suggestion; no text is kept."""

    kind: Annotated[str, Field(max_length=20)]
    service: Annotated[str | None, Field(max_length=10)] = None
    place: Annotated[int, Field(ge=1, le=50)]
    confidence: Annotated[float, Field(ge=0, le=1)]
    use: Use


class DecideBody(Strict):
    """What becomes of an answer; `text` when it was edited."""

    decision: Decision
    text: Annotated[str | None, Field(min_length=1, max_length=MAX_SAID)] = None


class FigureLine(BaseModel):
    """Suggestions used, by one agent or about one service; `accepted_share` counts edited ones as accepted."""

    name: str | None
    title: str | None
    accepted: int
    edited: int
    dismissed: int
    accepted_share: float


class Figures(BaseModel):
    """What agents made of suggestions."""

    days: int
    agents: list[FigureLine]
    services: list[FigureLine]
