"""What the staff's doors take and give."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bot.cases.case import DemandType
from bot.cases.states import Move, Role, Status
from connectors.schemas import Body

MAX_TEXT = 5000
Login = Annotated[str, Field(min_length=1, max_length=40, examples=["wang.li"])]
Password = Annotated[str, Field(min_length=1, max_length=128)]
Note = Annotated[str, Field(max_length=MAX_TEXT)]
Unit = Annotated[str, Field(min_length=1, max_length=60, examples=["UMB:南山区"])]


class Strict(BaseModel):
    """A body or query in which an unknown field is an error, so that no misspelt field is lost."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """An error (RFC 9457) in the person's language; `allowed`: the moves the role may make now, after a move."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    allowed: list[Move] | None = None
    version: int | None = None
    case_status: Status | None = None
    errors: list[dict[str, str]] | None = None


class LoginRequest(Body):
    """Login and password."""

    login: Login
    password: Password


class AccountView(BaseModel):
    """An account; never its password."""

    login: str
    name: str
    role: Role
    unit: str | None
    active: bool
    locked_until: datetime | None
    created_at: datetime


class Opened(BaseModel):
    """A session: send the token as `Authorization: Bearer …` until it expires."""

    token: str
    token_type: str = "bearer"
    expires_at: datetime
    account: AccountView


class Me(BaseModel):
    """The own account, when the session ends, and what the role may do."""

    account: AccountView
    expires_at: datetime
    rights: list[str]


class PasswordChange(Strict):
    """The old and the new password; ends all sessions of the account."""

    old: Password
    new: Password


class AccountRequest(Strict):
    """A new account; `unit` is needed for role unit only."""

    login: Login
    name: Annotated[str, Field(min_length=1, max_length=80, examples=["王丽"])]
    role: Role
    unit: Unit | None = None
    password: Password


class AccountChange(Strict):
    """What to change; what is not given stays. A new password unlocks and ends all sessions."""

    name: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    role: Role | None = None
    unit: Unit | None = None
    active: bool | None = None
    password: Password | None = None


class AuditQuery(Strict):
    """Which rows of the audit log, the newest first."""

    login: Login | None = None
    number: Annotated[str, Field(max_length=20)] | None = None
    action: Annotated[str, Field(max_length=40)] | None = None
    since: date | None = None
    until: Annotated[date | None, Field(description="Last day, whole.")] = None
    size: Annotated[int, Field(ge=1, le=200)] = 50
    after: Annotated[int | None, Field(ge=1, description="`next` of the page before.")] = None


class AuditRow(BaseModel):
    """Who saw or changed what, when, why and from where; login `?` is someone who was not let in."""

    id: int
    at: datetime
    login: str
    role: str
    action: str
    number: str | None
    fields: list[str]
    reason: str | None
    address: str | None


class AuditPage(BaseModel):
    """A page of the log."""

    entries: list[AuditRow]
    next: int | None


class QueueQuery(Strict):
    """Which cases, the newest filed first; every filter given must hold."""

    status: Annotated[list[Status], Field(description="One or several.")] = []
    unit: Unit | None = None
    item: Annotated[str, Field(max_length=8, examples=["H08"])] | None = None
    category: Annotated[str, Field(max_length=40)] | None = None
    district: Annotated[str, Field(max_length=40)] | None = None
    subdistrict: Annotated[str, Field(max_length=40)] | None = None
    urgency: Annotated[str, Field(pattern="^(normal|urgent|emergency)$")] | None = None
    overdue: bool | None = None
    text: Annotated[
        str | None, Field(min_length=1, max_length=100, description="Words of the description or place, or a number.")
    ] = None
    filed_from: date | None = None
    filed_to: Annotated[date | None, Field(description="Last day, whole.")] = None
    size: Annotated[int, Field(ge=1, le=200)] = 50
    after: Annotated[str | None, Field(max_length=200, description="`next` of the page before.")] = None


class QueueLine(BaseModel):
    """A case in the queue; the excerpt is masked."""

    number: str
    version: int
    status: Status
    type: DemandType
    category: str | None
    service_item: str | None
    urgency: str
    district: str | None
    subdistrict: str | None
    anonymous: bool
    excerpt: str
    unit: str | None
    filed_at: datetime
    expected_at: datetime
    overdue: bool
    supervision: int
    redos: int


class QueuePage(BaseModel):
    """A page of the queue; `counts` by status, whatever status was asked for, stand on the first page only."""

    cases: list[QueueLine]
    next: str | None
    counts: dict[Status, int] | None


class TimelineEntry(BaseModel):
    """One event of a case."""

    event: str
    at: datetime
    actor: str
    name: str | None
    status: str | None
    note: str | None
    reason: str | None


class CaseView(BaseModel):
    """A case as the role sees it: a field the role may not see is left out, personal data is masked until revealed."""

    number: str
    version: int
    status: Status
    type: DemandType
    urgency: str
    anonymous: bool
    category: str | None = None
    subcategory: str | None = None
    service_item: str | None = None
    agency: str | None = None
    agency_responsible: str | None = None
    description: str | None = None
    location: str | None = None
    district: str | None = None
    subdistrict: str | None = None
    occurred_at: str | None = None
    language: str | None = None
    source: str | None = None
    contact: Annotated[str | None, Field(description="Masked until revealed; none when anonymous.")] = None
    filed_at: datetime
    expected_at: datetime
    overdue: bool
    updated_at: datetime | None = None
    closed_at: datetime | None = None
    unit: str | None = None
    assisting: list[str] = []
    duty_line: str | None = None
    duty_version: str | None = None
    confidence: float | None = None
    contact_by: datetime | None = None
    paused_at: datetime | None = None
    extended: bool = False
    supervision: int = 0
    redos: int = 0
    reply: str | None = None
    merged_into: str | None = None
    external_id: str | None = None
    evidence: Annotated[int, Field(description="How many files it has.")] = 0
    timeline: list[TimelineEntry] = []
    handovers: list[dict[str, Any]] = []
    allowed: Annotated[list[Move], Field(description="What the role may do now.")] = []


class Reason(Strict):
    """Why personal data is looked at; stands in the audit log."""

    reason: Annotated[str, Field(min_length=2, max_length=500, examples=["电话回访"])]


class MoveRequest(Strict):
    """A change of a case. `version` (or the header If-Match) is that of the case as it was looked at."""

    move: Move
    version: Annotated[int | None, Field(ge=0)] = None
    note: Annotated[Note | None, Field(description="What the citizen reads beside it.")] = None
    reason: Annotated[Note | None, Field(description="Why; needed by reject, return, extend and others.")] = None
    reply: Annotated[Note | None, Field(description="The answer to the citizen.")] = None
    unit: Annotated[Unit | None, Field(description="For dispatch: the unit in the lead.")] = None
    assisting: Annotated[list[Unit], Field(max_length=10)] = []
    duty_line: Annotated[str | None, Field(max_length=60)] = None
    duty_version: Annotated[str | None, Field(max_length=40)] = None
    leader: Annotated[str | None, Field(max_length=20, description="For merge: the case that goes on.")] = None
    evidence: Annotated[list[int], Field(max_length=10, description="Ids of files that reply or close carries.")] = []


class EvidenceView(BaseModel):
    """A file of a case; `move` is the reply or closing that carried it."""

    id: int
    number: str
    name: str
    media_type: str
    size: int
    digest: Annotated[str, Field(description="SHA-256 of the content.")]
    actor: str
    at: datetime
    move: str | None


class EvidenceList(BaseModel):
    """The files of a case, the oldest first."""

    evidence: list[EvidenceView]
