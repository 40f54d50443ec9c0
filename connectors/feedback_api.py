"""How citizens rate answers, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from pydantic import Field

from bot.learning.queue import Rating
from bot.messages import MessageId, SenderId
from connectors.rest import Engine, check_open
from connectors.schemas import Body

router = APIRouter()
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Feedback(Body):
    """A rating of one answer: that to `message_id`, or the last one to the sender when none is given."""

    sender: Name
    message_id: Name | None = None
    rating: Rating


@router.post("/feedback", responses={404: {"description": "No such turn."}})
def feedback(body: Feedback, assistant: Engine, request: Request) -> Feedback:
    """Rate an answer good or bad.

    The same rating again changes nothing, another one replaces it. A badly rated turn goes, masked and without its
    sender, to the queue that editors learn from.
    """
    check_open(body.sender, request)
    if not assistant.rate(SenderId(body.sender), MessageId(body.message_id) if body.message_id else None, body.rating):
        raise HTTPException(404)
    return body
