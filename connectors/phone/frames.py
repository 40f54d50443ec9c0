"""The frames of `transcript.v1` that come in, checked at the edge."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.errors import BadFrame
from bot.phone.segment import Segment, Speaker
from connectors.phone.adapters import read_frame
from connectors.phone.tap import MOST_CHARS, MOST_MS, clean

SUBPROTOCOL = "transcript.v1"
MOST_SEQ = 10_000_000
Name = Annotated[str, Field(min_length=1, max_length=100)]
Seq = Annotated[int, Field(ge=1, le=MOST_SEQ)]
Moment = Annotated[int, Field(ge=0, lt=MOST_MS)]
Language = Annotated[str, Field(max_length=20)]


class Frame(BaseModel):
    """What every frame has: unknown fields are ignored, the call may be named and must be the one of the address."""

    model_config = ConfigDict(extra="ignore")
    call_id: Name | None = None


class Start(Frame):
    """A call begins; the same again goes on with it."""

    type: Literal["start"]
    call_id: Name
    version: Annotated[Literal["transcript.v1"], Field(alias="schema")] = "transcript.v1"
    direction: Literal["inbound", "outbound"] = "inbound"
    started_at: datetime | None = None
    langs: Annotated[list[Language], Field(max_length=8)] = []
    agent_id: Name | None = None
    caller_ref: Annotated[str, Field(max_length=100)] | None = None


class Said(Frame):
    """A segment in one of its revisions."""

    type: Literal["segment"]
    seq: Seq
    segment_id: Name
    rev: Annotated[int, Field(ge=0, le=MOST_SEQ)]
    speaker: Speaker
    text: Annotated[str, Field(max_length=MOST_CHARS)]
    final: bool
    start_ms: Moment | None = None
    end_ms: Moment | None = None
    lang: Language | None = None
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None

    def segment(self, call: str) -> Segment:
        """As the rest of the program knows it."""
        return Segment(
            call, self.segment_id, self.rev, self.speaker, self.text.strip(), self.final, self.start_ms, self.end_ms,
            self.lang, self.confidence,
        )  # fmt: skip


class Dtmf(Frame):
    """A key of the telephone."""

    type: Literal["dtmf"]
    seq: Seq
    digit: Annotated[str, Field(pattern=r"^[0-9A-D*#]$")]


class Feedback(Frame):
    """What the agent did with a suggestion."""

    type: Literal["feedback"]
    suggestion_id: Name
    action: Literal["accepted", "edited", "dismissed"]
    final_text: Annotated[str, Field(max_length=MOST_CHARS)] | None = None


class End(Frame):
    """The call is over."""

    type: Literal["end"]
    seq: Seq | None = None
    reason: Annotated[str, Field(max_length=40)] = "hangup"


class Resume(Frame):
    """The line was lost and is back; all frames up to `last_seq` were acknowledged."""

    type: Literal["resume"]
    last_seq: Annotated[int, Field(ge=0, le=MOST_SEQ)] = 0


AnyFrame = Start | Said | Dtmf | Feedback | End | Resume
_FRAMES: TypeAdapter[AnyFrame] = TypeAdapter(Annotated[AnyFrame, Field(discriminator="type")])


def native(text: str | bytes) -> AnyFrame:
    """A frame; raises BadFrame naming the field that is wrong, never its value."""
    frame = {name: clean(value) if isinstance(value, str) else value for name, value in read_frame(text).items()}
    try:
        return _FRAMES.validate_python(frame)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "type"
        raise BadFrame(f"{where}: {first['msg']}") from None
