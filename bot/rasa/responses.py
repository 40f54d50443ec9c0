"""Responses: which wording is said, filled with the slots, and what a channel is given of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from bot.rasa.domain import ResponseCondition, Variation
from bot.rasa.events import BotUttered
from bot.rasa.tracker import Tracker

FILLED = ("text", "image", "custom", "buttons", "attachment", "quick_replies")
DATA = ("elements", "quick_replies", "buttons", "attachment", "image", "custom")
# A brace written twice stands for itself; a single one that is no placeholder is a fault of the wording.
_MARKS = re.compile(r"(?P<brace>{{|}})|{(?P<name>[^\n{}]+)}|[{}]")


def fitting(variations: Sequence[Variation], channel: str, slots: Mapping[str, Any]) -> list[Variation]:
    """The wordings that may be said: for the channel before the others, with a condition before those without."""
    conditional = [v for v in variations if v.conditions and all(_holds(c, slots) for c in v.conditions)]
    plain = [v for v in variations if v.content.get("condition") is None]
    for group, wanted in ((conditional, channel), (plain, channel), (conditional, None)):
        if found := [variation for variation in group if variation.channel == wanted]:
            return found
    return [variation for variation in plain if variation.channel is None]


def _holds(condition: ResponseCondition, slots: Mapping[str, Any]) -> bool:
    value = slots.get(condition.slot)
    if isinstance(value, str) and isinstance(condition.value, str):
        return value.casefold() == condition.value.casefold()
    return bool(value == condition.value)


def say(name: str, tracker: Tracker, channel: str, values: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """A response filled, as a draft of Rasa's message; None where nothing fits.

    Of several wordings Rasa takes one by chance; here it is always the same for the same conversation and place.
    """
    variations = fitting(tracker.domain.responses.get(name, ()), channel, tracker.slots)
    if not variations:
        return None
    said = sum(isinstance(event, BotUttered) for event in tracker.events)
    seed = sha256(f"{tracker.sender_id}\n{said}\n{name}".encode()).digest()
    content = variations[int.from_bytes(seed[:4], "big") % len(variations)].content
    filling = {**tracker.slots, **(values or {})}
    return {
        key: _filled(copy.deepcopy(value), filling) if key in FILLED else copy.deepcopy(value)
        for key, value in content.items()
    }


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [_filled(part, values) for part in value]
    if isinstance(value, dict):
        return {key: _filled(part, values) for key, part in value.items()}
    return value


def fill(text: str, values: Mapping[str, Any]) -> str:
    """The text with its `{slot}` filled; one with an unknown name stays as it is, as in Rasa.

    So does one with a single brace, over which Rasa raises inside and says nothing.
    """
    marks = [match for match in _MARKS.finditer(text) if not match["brace"]]
    if any(match["name"] not in values for match in marks):
        return text
    return _MARKS.sub(lambda match: match["brace"][0] if match["brace"] else str(values[match["name"]]), text)


def bot_uttered(draft: Mapping[str, Any]) -> BotUttered:
    """The event of a draft: known parts as data, the rest as metadata."""
    data = {key: draft.get(key) for key in DATA}
    data["attachment"] = data["attachment"] or data["image"]
    rest = {key: value for key, value in draft.items() if key not in DATA and key != "text"}
    return BotUttered(draft.get("text"), data, metadata=rest)


def channel_messages(event: BotUttered, recipient: str) -> Iterator[dict[str, Any]]:
    """What Rasa's REST channel sends for an utterance: text (split at blank lines), custom, image, attachment."""
    for message in _messages(event.text, event.data):
        yield {"recipient_id": recipient, **{key: value for key, value in message.items() if value is not None}}


def _messages(text: str | None, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if buttons := data.get("quick_replies") or data.get("buttons"):
        yield {"text": text, "buttons": buttons}
    elif text:
        yield from ({"text": part} for part in text.strip().split("\n\n"))
    if data.get("custom"):
        yield {"custom": data["custom"]}
    if data.get("image"):
        yield {"image": data["image"]}
    if data.get("attachment") and data["attachment"] != data.get("image"):
        yield {"attachment": data["attachment"]}
    for element in data.get("elements") or ():
        title = f"{element.get('title', '')} : {element.get('subtitle', '')}"
        yield {"text": title, "buttons": list(element.get("buttons", ()))}
