"""Help for the agent over HTTP: a transcript in, suggestions, a case draft and a summary out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from bot.assist.assistance import Advice, Assistance
from bot.assist.draft import Draft
from bot.assist.recent import RecentCalls
from bot.assist.suggestions import Suggestion
from bot.assist.transcript import Segment, Speaker
from bot.assistant import Assistant
from bot.cases.case import CaseDraft
from bot.cases.duplicate_finder import Found
from bot.store import Work
from connectors.rest import Engine
from connectors.schemas import Body

router = APIRouter(prefix="/assist")
MAX_SEGMENTS = 400
MAX_SEGMENT_CHARS = 2000


class TranscriptLine(Body):
    """One finished stretch of speech."""

    speaker: Speaker
    text: Annotated[str, Field(max_length=MAX_SEGMENT_CHARS)]
    started_at: datetime | float | None = None


class SuggestRequest(Body):
    """A call so far; `language` is the one the suggestions are wanted in, the caller's by default."""

    transcript: Annotated[list[TranscriptLine], Field(max_length=MAX_SEGMENTS)]
    language: Annotated[str, Field(pattern="^(zh|en)$")] | None = None


@router.post("/suggest")
def suggest(body: SuggestRequest, assistant: Engine) -> dict[str, Any]:
    """Suggestions, the case form and a summary for a call."""
    segments = [Segment(str(at), line.speaker, line.text) for at, line in enumerate(body.transcript)]
    advice = assistance_of(assistant).advise(recent_calls(assistant).listen(segments), body.language)
    return {**advice_json(advice), "duplicates": duplicates_of(assistant, advice.draft)}


@lru_cache(maxsize=1)
def recent_calls(assistant: Assistant) -> RecentCalls:
    """The calls heard lately by an assistant; those of one before it are forgotten."""
    return RecentCalls(assistance_of(assistant))


def assistance_of(assistant: Assistant) -> Assistance:
    """The engine of suggestions that goes with an assistant."""
    return Assistance(
        assistant.domain,
        assistant.catalogue,
        assistant.understanding,
        assistant.retriever,
        assistant.analyst,
        assistant.facts,
    )


def advice_json(advice: Advice) -> dict[str, Any]:
    """Advice as the contract has it, with the earlier matters of the call and the Chinese rendering."""
    question = advice.next_question
    return {
        "language": advice.language,
        "suggestions": [suggestion_json(one) for one in advice.suggestions],
        "case_draft": draft_json(advice.draft),
        "earlier_drafts": [draft_json(draft) for draft in advice.drafts[:-1]],
        "summary": advice.summary,
        "next_question": question.text if question else None,
        "next_slot": question.slot if question else None,
        "rendering": {"language": "zh", "text": advice.rendering.text, "original": advice.rendering.original}
        if advice.rendering
        else None,
    }


def suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    """One suggestion; `code` and `name` are those of the service it is about, `slot` the field it tells or asks."""
    told: dict[str, Any] = {
        "kind": str(suggestion.kind),
        "text": suggestion.text,
        "confidence": suggestion.confidence,
        "source": vars(suggestion.source),
    }
    more = {"code": suggestion.code, "name": suggestion.name, "slot": suggestion.slot}
    return told | {name: value for name, value in more.items() if value is not None}


def draft_json(draft: Draft) -> dict[str, Any]:
    """The form; `evidence` are the words a value came from, `segment` the place of their segment in the call."""
    return {
        name: {
            "value": field.value,
            "confidence": round(min(1.0, field.confidence), 3),
            "evidence": field.words,
            "segment": field.at,
        }
        for name, field in draft.fields.items()
    }


def duplicates_of(assistant: Assistant, draft: Draft) -> Sequence[dict[str, Any]]:
    """Open cases that tell of the same, the likeliest first; none while there is nothing to file."""
    if draft.item is None:
        return []
    with assistant.store.read() as work:
        found = found_for(assistant, work, draft.as_case())
    return [{"case_id": one.case.number, "score": round(one.share, 4)} for one in found]


def found_for(assistant: Assistant, work: Work, draft: CaseDraft) -> tuple[Found, ...]:
    """Open cases that a draft may repeat, inside a transaction; none before its kind and its place are known."""
    if assistant.duplicates is None or draft.location is None or not (draft.service_item or draft.category):
        return ()
    return assistant.duplicates.find(work.connection, work.cases, draft, assistant.clock())
