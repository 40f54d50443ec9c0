"""Rasa's REST channel and parse endpoint in front of the assistant."""

from __future__ import annotations

import logging
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from bot.answer import render
from bot.assistant import Assistant
from bot.cases.units import units_of
from bot.messages import BotMessage, MessageId, SenderId, UserMessage
from bot.turn import Outcome, Turn
from connectors import metrics
from connectors.schemas import ParseRequest, RestMessage

router = APIRouter()
logger = logging.getLogger("chengda")


def assistant_of(request: Request) -> Assistant:
    """The running assistant."""
    assistant: Assistant = request.app.state.assistant
    return assistant


Engine = Annotated[Assistant, Depends(assistant_of)]


@router.post("/webhooks/rest/webhook")
def webhook(body: RestMessage, assistant: Engine) -> list[dict[str, Any]]:
    """One turn of conversation."""
    metadata = body.metadata
    hint = (metadata.language or "") if metadata else ""
    message = UserMessage(
        SenderId(body.sender),
        body.message,
        MessageId(metadata.message_id) if metadata and metadata.message_id else None,
        _language_hint(hint),
    )
    with metrics.turn_timer():
        answer = _handle(assistant, message)
    metrics.count_turn(answer)
    return answer


def _handle(assistant: Assistant, message: UserMessage) -> list[dict[str, Any]]:
    """The answer; a failure becomes an apology with a reference, the transaction is rolled back."""
    try:
        return assistant.handle(message)
    except Exception:
        reference = secrets.token_hex(4)
        logger.exception("reference %s: a turn failed", reference)
        language = message.language_hint or "zh"
        apology: BotMessage = assistant.domain.say("utter_error", language, reference=reference)
        turn = Turn(Outcome.ERROR, language, (apology,), "none", 0.0)
        return render(turn, message.sender, assistant.catalogue, units_of(assistant.analyst.city))


def _language_hint(text: str) -> str | None:
    lowered = text.lower()
    return next((language for language in ("zh", "en") if lowered.startswith(language)), None)


@router.post("/model/parse")
def parse(body: ParseRequest, assistant: Engine) -> dict[str, Any]:
    """Rasa's parse data of a text, with its language."""
    found = assistant.understanding.parse(body.text)
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
                "extractor": "chengda",
            }
            for entity in found.entities
        ],
    }
