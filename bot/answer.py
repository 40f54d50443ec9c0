"""A Turn as the JSON list of the REST channel, in the script the citizen writes."""

from __future__ import annotations

from typing import Any

import opencc

from bot.cases.case import Case
from bot.cases.units import Units
from bot.messages import BotMessage
from bot.turn import Turn
from knowledge.catalogue import Catalogue, Source

_TO_TRADITIONAL = opencc.OpenCC("s2hk")


def render(turn: Turn, sender: str, catalogue: Catalogue, units: Units) -> list[dict[str, Any]]:
    """The bubbles of a turn; the last one carries `custom.turn` of the contract."""
    bubbles = [_bubble(message, sender, turn.traditional) for message in turn.messages]
    bubbles[-1].setdefault("custom", {})["turn"] = turn_json(turn, catalogue, units)
    return bubbles


def turn_json(turn: Turn, catalogue: Catalogue, units: Units) -> dict[str, Any]:
    """The machine-readable side of a turn."""
    return _turn_json(turn, [case_json(one, catalogue, units, turn.language, turn.reveal_code) for one in turn.cases])


def unasked(turn: Turn, sender: str) -> list[dict[str, Any]]:
    """The bubbles of a turn that answers no message and tells of no case: what a person or a notice says."""
    bubbles = [_bubble(message, sender, turn.traditional) for message in turn.messages]
    bubbles[-1].setdefault("custom", {})["turn"] = _turn_json(turn, [])
    return bubbles


def _turn_json(turn: Turn, cases: list[dict[str, Any]]) -> dict[str, Any]:
    own = {
        "outcome": str(turn.outcome),
        "language": turn.language,
        "intent": {"name": turn.intent, "confidence": round(turn.confidence, 4)},
        "services": [
            {
                "code": hit.service.code,
                "name": hit.service.name.in_language(turn.language),
                "score": round(hit.score, 4),
            }
            for hit in turn.hits[:5]
        ],
        "sources": [_source_json(source, turn.language) for source in turn.sources],
        "case": cases[0] if cases else None,
        "cases": cases,
        "active_form": turn.active_form,
        "requested_slot": turn.requested_slot,
    }
    return {**own, **(turn.told or {})}


def _source_json(source: Source, language: str) -> dict[str, Any]:
    told = {"title": source.title.in_language(language), "url": source.url, "checked_on": source.checked_on}
    return {**told, "observed_at": source.observed_at} if source.observed_at else told


def agency_json(key: str | None, catalogue: Catalogue, language: str) -> str | None:
    """The unit responsible by name, null while 12345 is still to assign one."""
    return None if key in (None, "ANY") else catalogue.agencies[str(key)].in_language(language)


def responsible_json(case: Case, catalogue: Catalogue, units: Units, language: str) -> str | None:
    """The unit that has a case by name once it is dispatched, before that the one its item speaks for."""
    if case.handling.unit:
        return units.name(case.handling.unit).in_language(language)
    return agency_json(case.draft.agency, catalogue, language)


def case_json(
    case: Case, catalogue: Catalogue, units: Units, language: str, reveal_code: bool = False
) -> dict[str, Any]:
    """A case as a turn tells it; the query code only where it was just made."""
    told: dict[str, Any] = {
        "case_id": case.number,
        "status": str(case.status),
        "type": str(case.draft.type),
        "category": case.draft.category,
        "service_item": case.draft.service_item,
        "agency_responsible": responsible_json(case, catalogue, units, language),
        "expected_datetime": case.expected_at.isoformat(),
    }
    if reveal_code:
        told["query_code"] = case.query_code
    return told


def _bubble(message: BotMessage, sender: str, traditional: bool) -> dict[str, Any]:
    bubble: dict[str, Any] = {"recipient_id": sender}
    if message.text:
        bubble["text"] = _script(message.text, traditional)
    if message.custom:
        bubble["custom"] = dict(message.custom)
    if message.buttons:
        bubble["buttons"] = [
            {"title": _script(button.title, traditional), "payload": button.payload} for button in message.buttons
        ]
    if message.image:
        bubble["image"] = message.image
    return bubble


def _script(text: str, traditional: bool) -> str:
    return str(_TO_TRADITIONAL.convert(text)) if traditional else text
