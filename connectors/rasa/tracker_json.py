"""A conversation of ours as Rasa's tracker dump, with personal data masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain import Domain
from bot.privacy import redact
from bot.rasa.tracker import Verbosity
from bot.tracker import Event, Mode, Tracker

LISTEN = "action_listen"
# Eight of the characters of query codes, in capitals or with a digit among them.
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-HJKMNP-Z2-9]{8}|(?=[a-z]*[2-9])(?=[2-9]*[a-z])[a-hjkmnp-z2-9]{8})(?![A-Za-z0-9])"
)
# Slots that hold what a citizen told of themselves, or what an agent noted; a dump has none of them.
PERSONAL_SLOTS = frozenset({
    "contact", "agent_note", "told", "opening", "open_need", "need", "known_case", "demands", "supplement", "new_facts",
    "rating_reason", "call_back_asked",
})  # fmt: skip
NO_DATA = dict.fromkeys(("elements", "quick_replies", "buttons", "attachment", "image", "custom"))


def tracker_json(
    conversation: str,
    tracker: Tracker,
    events: Iterable[Event],
    domain: Domain,
    verbosity: Verbosity = Verbosity.AFTER_RESTART,
) -> dict[str, Any]:
    """The dump Rasa gives; every session's events with ALL, else those since the last one began, none with NONE."""
    told = [one for event in events for one in _events(event)]
    users = [event for event in told if event["event"] == "user"]
    slots = {**domain.slots, **tracker.slots, "requested_slot": tracker.requested_slot}
    slots = {name: value for name, value in slots.items() if name not in PERSONAL_SLOTS}
    if verbosity != Verbosity.ALL:
        begins = max((place for place, one in enumerate(told) if one["event"] == "session_started"), default=0)
        told = told[begins:]
    return {
        "sender_id": conversation,
        "slots": masked(slots),
        "latest_message": users[-1]["parse_data"] if users else None,
        "latest_event_time": tracker.last_at or None,
        "followup_action": None,
        "paused": tracker.mode is Mode.MANUAL,
        "events": None if verbosity == Verbosity.NONE else told,
        "latest_input_channel": users[-1]["input_channel"] if users else None,
        "active_loop": {"name": tracker.active_form} if tracker.active_form else {},
        "latest_action": {"action_name": LISTEN},
        "latest_action_name": LISTEN,
    }


def masked(value: Any) -> Any:
    """A value with the personal data and the query codes in all its texts masked."""
    if isinstance(value, str):
        return _CODE.sub("[code]", redact(value).text)
    if isinstance(value, Mapping):
        return {masked(key): masked(one) for key, one in value.items()}
    if isinstance(value, int) and not isinstance(value, bool):
        told = masked(str(value))
        return value if told == str(value) else told
    return [masked(one) for one in value] if isinstance(value, list | tuple) else value


def _events(event: Event) -> list[dict[str, Any]]:
    """An event as Rasa has it; what only we know is left out."""
    base: dict[str, Any] = {"event": event.event, "timestamp": event.timestamp, "metadata": {}}
    match event.event:
        case "user":
            text = masked(event.text or "")
            intent = {"name": event.name, "confidence": None}
            parse = {"intent": intent, "entities": [], "text": text, "message_id": None, "metadata": {}}
            listened = {**base, "event": "action", "name": LISTEN, "policy": None, "confidence": None}
            said = {**base, "text": text, "parse_data": parse, "input_channel": "rest", "message_id": None}
            return [{**listened, "action_text": None, "hide_rule_turn": False}, said]
        case "bot":
            return [{**base, "text": masked(event.text or ""), "data": NO_DATA}]
        case "slot" if event.name not in PERSONAL_SLOTS:
            return [{**base, "name": event.name, "value": masked(event.value)}]
        case "active_loop":
            return [{**base, "name": event.name}]
        case "session_started":
            return [base]
        case "mode":
            return [{**base, "event": "pause" if event.value == Mode.MANUAL else "resume"}]
    return []
