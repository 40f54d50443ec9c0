"""Rasa's REST channel and parse endpoint in front of the assistant."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from bot.assistant import Assistant
from bot.messages import MessageId, SenderId, UserMessage
from bot.rasa.tokens import JIEBA, WHITESPACE, tokenize
from connectors import metrics
from connectors.channels.gateway import answered
from connectors.schemas import ParseRequest, RestMessage

router = APIRouter()


def assistant_of(request: Request) -> Assistant:
    """The running assistant."""
    assistant: Assistant = request.app.state.assistant
    return assistant


Engine = Annotated[Assistant, Depends(assistant_of)]


def check_open(sender: str, request: Request) -> None:
    """Refuse to speak as a citizen of a messenger, whose door alone knows who writes; raises HTTPException."""
    name, colon, _ = sender.partition(":")
    if colon and name in request.app.state.reserved:
        raise HTTPException(422)


@router.post(
    "/webhooks/rest/webhook",
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
def webhook(
    body: RestMessage,
    assistant: Engine,
    request: Request,
    stream: Annotated[str, Query(description="`true`: one JSON object a line, as Rasa streams them.")] = "false",
) -> Any:
    """One turn of conversation: a list of messages, the last with `custom.turn`."""
    answer = said(body, assistant, request)
    if stream.lower() != "true":
        return answer
    return Response("".join(json.dumps(bubble) + "\n" for bubble in answer), media_type="text/event-stream")


def said(body: RestMessage, assistant: Assistant, request: Request) -> list[dict[str, Any]]:
    """The answer to a message of the REST channel."""
    check_open(body.sender, request)
    if body.message is None:
        return []
    metadata = body.metadata
    hint = (metadata.language or "") if metadata else ""
    message = UserMessage(
        SenderId(body.sender),
        body.message,
        MessageId(metadata.message_id) if metadata and metadata.message_id else None,
        _language_hint(hint),
    )
    with metrics.turn_timer():
        answer = answered(assistant, message)
    metrics.count_turn(answer)
    return answer


def _language_hint(text: str) -> str | None:
    lowered = text.lower()
    return next((language for language in ("zh", "en") if lowered.startswith(language)), None)


@router.post("/model/parse")
def parse(body: ParseRequest, assistant: Engine) -> dict[str, Any]:
    """Rasa's parse data of a text, with its language."""
    found = assistant.understanding.parse(body.text)
    tokens = tokenize(body.text, JIEBA if found.detected.language == "zh" else WHITESPACE)
    ranking = [{"name": name, "confidence": share} for name, share in found.intents[:10]]
    return {
        "text": body.text,
        "language": found.detected.language,
        "intent": ranking[0],
        "intent_ranking": ranking,
        "entities": [
            {
                "entity": entity.label,
                "value": entity.value,
                "start": entity.start,
                "end": entity.end,
                "confidence_entity": 1.0,
                "extractor": "chengda",
            }
            for entity in found.entities
        ],
        "text_tokens": [(token.start, token.end) for token in tokens if token.text],
    }
