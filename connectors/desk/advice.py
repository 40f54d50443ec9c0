"""Suggestions for a talk: its lines as a call, what the engine of suggestions makes of them, nothing where it fails."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from bot.assist.transcript import Segment, Speaker
from bot.assistant import Assistant
from connectors.assist_api import advice_json, assistance_of, duplicates_of, recent_calls
from connectors.desk.schemas import Line, Said

logger = logging.getLogger("chengda")
NOTHING: dict[str, Any] = {
    "suggestions": [], "case_draft": {}, "earlier_drafts": [], "summary": "", "next_question": None,
    "rendering": None, "duplicates": [],
}  # fmt: skip
# Only questions of the bot are heard, as those of an agent: they give the next words their meaning.
QUESTION_ENDS = ("?", "？")


def advice_for(assistant: Assistant, lines: Sequence[Line], language: str | None) -> dict[str, Any]:
    """Suggestions, the case form and a summary in a language, the citizen's by default; empty when that fails."""
    try:
        advice = assistance_of(assistant).advise(recent_calls(assistant).listen(_segments(lines)), language)
        return {**advice_json(advice), "duplicates": list(duplicates_of(assistant, advice.draft))}
    except Exception:
        logger.exception("reference %s: suggestions failed", secrets.token_hex(4))
        return dict(NOTHING)


def _segments(lines: Sequence[Line]) -> list[Segment]:
    heard = [line for line in lines if line.by is not Said.BOT or line.text.rstrip().endswith(QUESTION_ENDS)]
    return [
        Segment(str(at), Speaker.CALLER if line.by is Said.CITIZEN else Speaker.AGENT, line.text)
        for at, line in enumerate(heard)
    ]
