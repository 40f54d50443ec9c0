"""Suggestions for a talk: its lines as a call, what the engine of suggestions makes of them, nothing where it fails."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.assist.draft import Draft
from bot.assist.transcript import Segment, Speaker
from bot.assistant import Assistant
from bot.desk.joining import Known, guest_of, known_cases
from bot.desk.talks import Talk
from connectors.assist_api import advice_json, assistance_of, found_for, recent_calls
from connectors.desk.known import KnownSearch, known_view
from connectors.desk.schemas import Line, Said
from connectors.staff.caller import Caller

logger = logging.getLogger("chengda")
NOTHING: dict[str, Any] = {
    "suggestions": [], "case_draft": {}, "earlier_drafts": [], "summary": "", "next_question": None,
    "rendering": None, "duplicates": [],
}  # fmt: skip
# Only questions of the bot are heard, as those of an agent: they give the next words their meaning.
QUESTION_ENDS = ("?", "？")


def advice_for(
    assistant: Assistant, lines: Sequence[Line], language: str | None, talk: Talk, caller: Caller, search: KnownSearch
) -> dict[str, Any]:
    """Suggestions, the case form, cases on the same and a summary; empty when that fails.

    They are in a language, the citizen's by default. `way` is how the caller can join the citizen to a case.
    """
    try:
        advice = assistance_of(assistant).advise(recent_calls(assistant).listen(_segments(lines)), language)
        now = assistant.clock()
        known = _known(assistant, advice.draft, talk, caller, now)
        search.note(caller, f"talk:{talk.number}", [one.case.number for one in known])
        told = [known_view(one, caller, now).model_dump(mode="json") for one in known]
        return {**advice_json(advice), "duplicates": told}
    except Exception:
        logger.exception("reference %s: suggestions failed", secrets.token_hex(4))
        return dict(NOTHING)


def _known(assistant: Assistant, draft: Draft, talk: Talk, caller: Caller, now: datetime) -> Sequence[Known]:
    if draft.item is None:
        return ()
    case = draft.as_case()
    with assistant.store.read() as work:
        found = found_for(assistant, work, case)
        return known_cases(work, guest_of(talk), caller.account.role, case, now, found)


def _segments(lines: Sequence[Line]) -> list[Segment]:
    heard = [line for line in lines if line.by is not Said.BOT or line.text.rstrip().endswith(QUESTION_ENDS)]
    return [
        Segment(str(at), Speaker.CALLER if line.by is Said.CITIZEN else Speaker.AGENT, line.text, typed=True)
        for at, line in enumerate(heard)
    ]
