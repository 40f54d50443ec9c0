"""A case as it travels in a file: its columns, its events, hand-overs, ratings and marks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType, SimpleNamespace
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import String

from bot.cases.case import CaseEvent, DemandType
from bot.cases.clocks import rings_of
from bot.cases.handover import State
from bot.cases.number import is_case_number, query_code
from bot.cases.rows import case_of
from bot.cases.states import ENDED, WITH_UNIT, Role, Status
from bot.cases.tables import cases
from bot.privacy import redact

NUMBER = re.compile(r"[A-Z]{2}\d{6}-\d{6}-\d")
# No database keeps a NUL in a text, no file in UTF-8 a lone half of a character.
UNKEPT = re.compile("[\x00\ud800-\udfff]")
IMPORTED = "imported"
PERSONAL = frozenset({"query_code", "sender", "contact", "request_key"})
TEXTS = ("description", "location", "reply")
# The names of the open data of Pingshan district, as far as they mean the same.
OPEN_DATA: Mapping[str, str] = MappingProxyType(
    {
        "REPORT_NUM": "number",
        "CREATE_TIME": "filed_at",
        "OCCUR_TIME": "occurred_at",
        "ADDRESS": "location",
        "OCCUR_PLACE": "location",
        "DISTRICT": "district",
        "STREET": "subdistrict",
        "MAIN_TYPE": "category",
        "SUB_TYPE": "subcategory",
        "EVENT_PROPERTY": "type",
        "EVENT_SRC": "source",
        "EVENT_GRADE": "urgency",
        "DISPOSE_UNIT": "unit",
        "ARCHIVE_TIME": "closed_at",
    }
)


def _kept(text: str) -> str:
    if UNKEPT.search(text):
        raise PydanticCustomError("unkept", "a character that cannot be kept")
    return text


def _numbered(text: str) -> str:
    try:
        datetime.strptime(text[2:8], "%y%m%d")
    except ValueError:
        text = ""
    if not NUMBER.fullmatch(text) or not is_case_number(text):
        raise PydanticCustomError("case_number", "not a case number")
    return text


def _zoned(moment: datetime, info: ValidationInfo) -> datetime:
    """A moment without a zone is one of the city."""
    zone = (info.context or {}).get("zone", UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


Told = Annotated[str, AfterValidator(_kept)]
Number = Annotated[str, AfterValidator(_numbered)]
Moment = Annotated[datetime, AfterValidator(_zoned)]
Count = Annotated[int, Field(ge=0, lt=2**31)]


class Part(BaseModel):
    """What every part of a record has: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class EventRecord(Part):
    """One line of the timeline."""

    kind: Annotated[Told, Field(max_length=30)]
    at: Moment
    actor: Role
    name: Annotated[Told, Field(max_length=80)] | None = None
    status: Status | None = None
    reason: Told | None = None
    note: Told | None = None


class HandoverRecord(Part):
    """One hand-over to a unit."""

    unit: Annotated[Told, Field(max_length=60)]
    part: Literal["lead", "assist"]
    state: State
    attempts: Count = 0
    next_try_at: Moment | None = None
    error: Told | None = None
    created_at: Moment
    changed_at: Moment
    external_id: Annotated[Told, Field(max_length=80)] | None = None


class RatingRecord(Part):
    """One rating, of a round of handling."""

    round: Count
    speed: Count | None = None
    effect: Count | None = None
    service: Count | None = None
    feedback: Count | None = None
    satisfied: bool
    reason: Told | None = None
    at: Moment


class MarkRecord(Part):
    """What was done once for a case, so that it is not done again."""

    mark: Annotated[Told, Field(max_length=60)]
    at: Moment


class CaseRecord(Part):
    """A case; the fields are the columns of a file, in their order."""

    number: Number
    query_code: Told = Field(default_factory=query_code, min_length=8)
    sender: Told = IMPORTED
    language: Literal["zh", "en"] = "zh"
    source: Told = IMPORTED
    type: DemandType
    category: Told | None = None
    subcategory: Told | None = None
    service_item: Told | None = None
    urgency: Literal["normal", "urgent", "emergency"] = "normal"
    description: Told
    location: Told | None = None
    district: Told | None = None
    subdistrict: Told | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    occurred_at: Told | None = None
    contact: Told | None = None
    anonymous: bool = False
    request_key: Told | None = None
    status: Status
    filed_at: Moment
    expected_at: Moment
    updated_at: Moment | None = None
    closed_at: Moment | None = None
    agency: Told | None = None
    unit: Told | None = None
    assisting: list[Told] | None = None
    duty_line: Told | None = None
    duty_version: Told | None = None
    confidence: float | None = None
    contact_by: Moment | None = None
    paused_at: Moment | None = None
    extended: bool = False
    supervision: Count = 0
    redos: Count = 0
    reply: Told | None = None
    merged_into: Number | None = None
    external_id: Told | None = None
    events: list[EventRecord] = []
    handovers: list[HandoverRecord] = []
    ratings: list[RatingRecord] = []
    marks: list[MarkRecord] = []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Texts fit their columns, and the parts of a case fit each other; what a table alone cannot tell is made."""
        for name, length in LENGTHS.items():
            if len(getattr(self, name) or "") > length:
                raise PydanticCustomError(
                    "too_long", "{field} is longer than {limit}", {"field": name, "limit": length}
                )
        if self.status in WITH_UNIT and not self.unit:
            raise PydanticCustomError("no_unit", "a case in this status has a unit")
        if (self.status is Status.MERGED) != bool(self.merged_into) or self.merged_into == self.number:
            raise PydanticCustomError("leader", "a merged case, and no other, has another that leads it")
        told = [event.status for event in self.events if event.status]
        if told and told[-1] is not self.status:
            raise PydanticCustomError("last_event", "the status is not that of the last event")
        if not self.events:
            self.events = list(self._timeline())
        if not self.handovers and self.status in WITH_UNIT:
            self.handovers = [self._handover()]
        return self

    def masked(self) -> CaseRecord:
        """The case without personal fields, and with personal data in its texts masked."""
        texts = {name: _masked(getattr(self, name)) for name in TEXTS}
        events = [
            event.model_copy(
                update={
                    "note": _masked(event.note),
                    "reason": _masked(event.reason),
                    # Names of units are told, those of persons are not.
                    "name": event.name if event.actor is Role.UNIT or event.kind == "dispatched" else None,
                }
            )
            for event in self.events
        ]
        ratings = [rating.model_copy(update={"reason": _masked(rating.reason)}) for rating in self.ratings]
        return self.model_copy(update={**texts, "events": events, "ratings": ratings, "contact": None})

    def row(self, zone: tzinfo | None) -> dict[str, Any]:
        """The row of the table of cases, with the moment at which the clock must look at it."""
        values = {name: _stored(getattr(self, name)) for name in COLUMNS}
        return {**values, "check_at": None if self.status in ENDED else self._check_at(values, zone)}

    def _check_at(self, values: dict[str, Any], zone: tzinfo | None) -> datetime | None:
        timeline = tuple(
            CaseEvent(one.kind, one.at, one.actor, one.note, one.name, one.status, one.reason) for one in self.events
        )
        done = {one.mark for one in self.marks}
        rings = rings_of(case_of(SimpleNamespace(**values), timeline, zone))
        return next((ring.at.astimezone(UTC) for ring in rings if ring.mark not in done), None)

    def _timeline(self) -> tuple[EventRecord, ...]:
        first = EventRecord(kind="filed", at=self.filed_at, actor=Role.CITIZEN, status=Status.SUBMITTED)
        if self.status is Status.SUBMITTED:
            return (first,)
        at = self.closed_at or self.updated_at or self.filed_at
        return first, EventRecord(kind="noted", at=at, actor=Role.SYSTEM, status=self.status)

    def _handover(self) -> HandoverRecord:
        """The unit has the case from where it was imported; it is not handed over again."""
        state = State.SENT if self.status is Status.DISPATCHED else State.ACKNOWLEDGED
        at = self.updated_at or self.filed_at
        return HandoverRecord(unit=str(self.unit), part="lead", state=state, created_at=at, changed_at=at)


PARTS = ("events", "handovers", "ratings", "marks")
COLUMNS = tuple(name for name in CaseRecord.model_fields if name not in PARTS)
_TYPES = {name: kind for name in COLUMNS if isinstance(kind := cases.c[name].type, String)}
TEXT_COLUMNS = frozenset(_TYPES)
LENGTHS = {name: kind.length for name, kind in _TYPES.items() if kind.length}


def _stored(value: object) -> object:
    """As the database takes it: moments in UTC, enums as texts."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return str(value) if isinstance(value, str) else value


def _masked(text: str | None) -> str | None:
    return redact(text).text if text else text
