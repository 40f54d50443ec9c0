"""What goes out about a call, as frames."""

from __future__ import annotations

from typing import Any

from bot.assist.assistance import Advice
from bot.phone.help import CallHelp, Offer, kind_of
from bot.phone.segment import Segment
from bot.phone.written import written
from bot.privacy import redact

Frame = dict[str, Any]


def suggestion_frame(call_id: str, offer: Offer, language: str, based_on: tuple[str, ...], latency_ms: int) -> Frame:
    """A suggestion with its source."""
    one = offer.suggestion
    source = {
        "doc_id": one.source.code or one.source.field,
        "title": one.source.title,
        "url": one.source.url,
        "as_of": one.source.checked_on,
        "field": one.source.field,
        "confirmed": one.source.confirmed,
    }
    told: Frame = {
        "type": "suggestion", "id": offer.id, "call_id": call_id, "based_on": list(based_on), "kind": kind_of(one),
        "lang": language, "title": one.name or one.source.title, "text": one.text, "sources": [source],
        "confidence": one.confidence, "latency_ms": latency_ms,
    }  # fmt: skip
    more = {"service_code": one.code, "slot": one.slot}
    return told | {name: value for name, value in more.items() if value is not None}


def slots_frame(call_id: str, helper: CallHelp, advice: Advice) -> Frame:
    """The fields told so far, each with the segment it came from."""
    slots = {
        name: {
            "value": field.value,
            "confidence": round(min(1.0, field.confidence), 3),
            "evidence": [name for name in [helper.evidence(field.at)] if name],
            "words": field.words,
        }
        for name, field in advice.draft.fields.items()
    }
    return {"type": "slots", "call_id": call_id, "slots": slots}


def draft_frame(call_id: str, advice: Advice) -> Frame:
    """The case as it would be filed; `missing` is what is asked next."""
    draft, question = advice.draft, advice.next_question
    told: Frame = {
        "type": "draft_case",
        "call_id": call_id,
        "service_code": str(draft.item.code) if draft.item else None,
        "fields": {name: field.value for name, field in draft.fields.items()},
        "missing": [question.slot] if question and question.slot else [],
    }
    if advice.rendering is not None:
        told["rendering"] = {"language": "zh", "text": advice.rendering.text, "original": advice.rendering.original}
    return told


def line(segment: Segment, masked: bool = False) -> Frame:
    """A segment as a listener sees it; digits that were read out beside it where there are any."""
    text = redact(segment.text).text if masked else segment.text
    digits = written(segment.text)
    told: Frame = {
        "segment_id": segment.id, "rev": segment.rev, "speaker": segment.speaker, "text": text, "final": segment.final,
        "start_ms": segment.start_ms, "end_ms": segment.end_ms, "lang": segment.language,
        "confidence": segment.confidence,
    }  # fmt: skip
    if digits != segment.text:
        told["written"] = redact(digits).text if masked else digits
        told["text"] = told["written"] if masked else text
    return told
