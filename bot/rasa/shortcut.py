"""Messages that name their intent: `/intent@0.9{"entity": "value"}`, as buttons send them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.rasa.domain import Domain

_SHORTCUT = re.compile(r"^/(?P<intent>[^{@]+)(?P<confidence>@[0-9.]+)?(?P<entities>{.+})?(?P<rest>.*)")
EXTRACTOR = "RegexMessageHandler"


def read_shortcut(text: str, domain: Domain) -> dict[str, Any] | None:
    """What such a message says, in Rasa's parse-data shape; None for another message or an unknown intent."""
    text = text.strip()
    match = _SHORTCUT.match(text)
    if match is None or (intent := match["intent"].strip()) not in domain.all_intents:
        return None
    said = {"name": intent, "confidence": _confidence(match["confidence"])}
    start, end = match.span("entities")
    marks = [
        {"entity": entity, "value": value, "start": start, "end": end, "extractor": EXTRACTOR}
        for entity, given in _entities(match["entities"]).items()
        if entity in domain.entities
        for value in (given if isinstance(given, list) else [given])
    ]
    return {"text": text, "intent": said, "intent_ranking": [dict(said)], "entities": marks}


def _confidence(text: str | None) -> float:
    if text is None:
        return 1.0
    try:
        return min(1.0, float(text[1:]))
    except ValueError:
        return 0.0


def _entities(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
