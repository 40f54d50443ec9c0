"""Suggestions for a talk: its lines as a call, what the engine of suggestions makes of them, nothing where it fails."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.assist.transcript import Segment, Speaker
from bot.assistant import Assistant
from bot.cases.states import Role
from bot.desk.joining import Known, known_cases
from bot.desk.talks import Talk
from bot.staff.views import line_view
from connectors.assist_api import advice_json, assistance_of, found_for, recent_calls
from connectors.desk.schemas import Line, Said
from connectors.staff.schemas import QueueLine

logger = logging.getLogger("chengda")
NOTHING: dict[str, Any] = {
    "suggestions": [], "case_draft": {}, "earlier_drafts": [], "summary": "", "next_question": None,
    "rendering": None, "duplicates": [],
}  # fmt: skip
# Only questions of the bot are heard, as those of an agent: they give the next words their meaning.
QUESTION_ENDS = ("?", "？")


def advice_for(
    assistant: Assistant, lines: Sequence[Line], language: str | None, talk: Talk, role: Role
) -> dict[str, Any]:
    """Suggestions, the case form, cases on the same and a summary; empty when that fails.

    They are in a language, the citizen's by default. `way` is how a role can join the citizen to a case.
    """
    try:
        advice = assistance_of(assistant).advise(recent_calls(assistant).listen(_segments(lines)), language)
        with assistant.store.work() as work:
            known = known_cases(work, talk, role, found_for(assistant, work, advice.draft))
        now = assistant.clock()
        return {**advice_json(advice), "duplicates": [_known(one, now) for one in known]}
    except Exception:
        logger.exception("reference %s: suggestions failed", secrets.token_hex(4))
        return dict(NOTHING)


def _known(one: Known, now: datetime) -> dict[str, Any]:
    line = QueueLine(**line_view(one.case, now)).model_dump(mode="json")
    shown = ("status", "excerpt", "district", "subdistrict", "filed_at", "anonymous")
    told = {name: line[name] for name in shown}
    return {"case_id": one.case.number, "score": round(one.share, 4), "way": one.way, **told}


def _segments(lines: Sequence[Line]) -> list[Segment]:
    heard = [line for line in lines if line.by is not Said.BOT or line.text.rstrip().endswith(QUESTION_ENDS)]
    return [
        Segment(str(at), Speaker.CALLER if line.by is Said.CITIZEN else Speaker.AGENT, line.text, typed=True)
        for at, line in enumerate(heard)
    ]
