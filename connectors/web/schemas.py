"""What comes in and goes out of the web chat's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from bot.learning.queue import Rating
from connectors.schemas import Body, Text
from connectors.track_api import RatingBody

MessageKey = Annotated[str, Field(min_length=1, max_length=200)]
Language = Literal["auto", "zh", "en"]


class OpenBody(Body):
    """The page's language."""

    language: Annotated[str, Field(max_length=20)] = "zh"


class Notice(BaseModel):
    """What must be told before the first word: that a machine answers, and where the privacy notice is."""

    ai: str
    privacy_url: str


class Opened(BaseModel):
    """A session; the token is told this once."""

    session_id: str
    token: str
    expires_at: datetime
    notice: Notice


class MessageBody(Body):
    """Something said; the same `client_msg_id` again gets the same answer and does nothing twice."""

    client_msg_id: MessageKey
    type: Literal["text", "message"] = "text"
    text: Text
    lang: Language = "auto"


class Answered(BaseModel):
    """The messages of a turn and what a page needs to know after it."""

    turn_id: int
    messages: list[dict[str, Any]]
    state: dict[str, Any]


class HandoffBody(Body):
    """A person is asked for."""

    client_msg_id: MessageKey | None = None
    lang: Language = "auto"


class CaseRating(RatingBody):
    """The satisfaction form of a case of this conversation."""

    case_id: Annotated[str, Field(max_length=30)]


class AnswerRating(Body):
    """Whether an answer helped: that to `client_msg_id`, or the last one."""

    client_msg_id: MessageKey | None = None
    rating: Rating


class Ticket(BaseModel):
    """Opens one socket within some seconds."""

    ticket: str
    expires_in: int


def hint_of(language: str) -> str | None:
    """A language as the assistant takes it, None for what it shall find out."""
    lowered = language.lower()
    return next((known for known in ("zh", "en") if lowered.startswith(known)), None)
