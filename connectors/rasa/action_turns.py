"""Action calls as turns of our engine: whose message it is, what is said, and which events the other tracker gets.

Every action of ours means the same: answer the latest message. The first call for a message carries the answer; a later
one in the same turn (a form's validation, then its question) says nothing more and only tells the state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain import LANGUAGES, Domain
from bot.language import detect
from bot.messages import MessageId, UserMessage, behind, named
from bot.rasa.action_call import ActionCall
from bot.said import kept_text
from bot.tracker import Tracker
from connectors.rasa.seal import PASS, Seal, is_ours

FOREIGN = CHANNEL = "rasa"
VALIDATES, ASKS = "validate_", "action_ask_"
EXTERNAL = "EXTERNAL: "
REQUESTED_SLOT, LANGUAGE = "requested_slot", "language"
MAX_MESSAGE_ID = 200
SCALAR = (str, bool, int, float)


def message_of(call: ActionCall, seal: Seal) -> UserMessage | None:
    """The citizen's message that a call is about, None where nobody said anything or a pass of ours is not good."""
    latest = call.tracker.get("latest_message")
    latest = latest if isinstance(latest, Mapping) else {}
    text = _text(latest)
    if text is None:
        return None
    metadata = latest.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    told_id = metadata.get("message_id") or latest.get("message_id")
    message_id = None
    if isinstance(told_id, str) and 0 < len(told_id) <= MAX_MESSAGE_ID:
        message_id = MessageId(kept_text(told_id))
    citizen = seal.read(call.sender, metadata.get(PASS), message_id)
    if citizen is None and is_ours(call.sender):
        return None
    conversation = behind(citizen) if citizen else named(FOREIGN, call.sender)
    return UserMessage(citizen or conversation, kept_text(text), message_id, _language(metadata), CHANNEL, conversation)


def language_of(call: ActionCall, message: UserMessage) -> str:
    """The language to speak in where the turn itself failed: the one asked for, of the talk so far, or of the words."""
    told = any(event.get("event") == "slot" and event.get("name") == LANGUAGE for event in call.events)
    found = (message.language_hint, call.slots.get(LANGUAGE) if told else None, detect(message.text).language)
    return next((language for language in found if language in LANGUAGES), "zh")


def said_before(call: ActionCall) -> bool:
    """Whether the answer to the latest message stands in the other tracker already."""
    for event in reversed(call.events):
        if event.get("event") == "user":
            return False
        if event.get("event") == "bot" and _turn_in(event):
            return True
    return False


def responses_of(answer: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The bubbles of an answer as responses of an action server."""
    return [{key: value for key, value in bubble.items() if key != "recipient_id" and value} for bubble in answer]


def events_of(tracker: Tracker, call: ActionCall, domain: Domain) -> list[dict[str, Any]]:
    """What the other tracker has to know of our state: slots that it has, too, and which form runs."""
    slots = _slots_of(call)
    loop = call.tracker.get("active_loop")
    running = str(loop.get("name") or "") if isinstance(loop, Mapping) else ""
    inside = call.action.startswith((VALIDATES, ASKS))
    ours = inside or running in domain.forms
    found = (tracker.slot(LANGUAGE), slots.get(LANGUAGE))
    language = next((one for one in found if one in LANGUAGES), "zh")
    events = [_slot(LANGUAGE, language)] if LANGUAGE in slots else []
    for name, before in slots.items():
        value = tracker.slot(name)
        if name in (LANGUAGE, REQUESTED_SLOT) or name not in domain.slots or value == before:
            continue
        # What we do not know we only take back while a form of ours runs there.
        if isinstance(value, SCALAR) or (value is None and ours):
            events.append(_slot(name, value))
    form = tracker.active_form if tracker.active_form in _forms_of(call, domain) else None
    if not inside and (form or "") != running and (form or running in domain.forms):
        events.append({"event": "active_loop", "timestamp": None, "name": form})
    if REQUESTED_SLOT in slots and (ours or form):
        goes_on = tracker.active_form is not None and (not inside or call.action.startswith(_calls(tracker)))
        events.append(_slot(REQUESTED_SLOT, tracker.requested_slot if goes_on else None))
    return events


def knows_slots(call: ActionCall) -> bool:
    """Whether a call tells which slots the other domain has; newer engines send them only when asked for."""
    return "slots" in call.tracker or call.domain is not None


def _calls(tracker: Tracker) -> tuple[str, ...]:
    return f"{VALIDATES}{tracker.active_form}", f"{ASKS}{tracker.active_form}_", f"{ASKS}{tracker.requested_slot}"


def _slots_of(call: ActionCall) -> Mapping[str, Any]:
    if call.slots or call.domain is None:
        return call.slots
    slots = call.domain.get("slots")
    return dict.fromkeys(slots) if isinstance(slots, Mapping) else {}


def _forms_of(call: ActionCall, domain: Domain) -> set[str]:
    """The forms of ours that the other domain has; without its domain, those all of whose slots it has."""
    if call.domain is not None:
        forms = call.domain.get("forms")
        return set(domain.forms) & set(forms) if isinstance(forms, Mapping) else set()
    return {name for name, form in domain.forms.items() if set(form.required_slots) <= set(call.slots)}


def _text(latest: Mapping[str, Any]) -> str | None:
    """The words of a message; an intent that somebody triggered from outside becomes a payload."""
    text, intent = latest.get("text"), latest.get("intent")
    name = intent.get("name") if isinstance(intent, Mapping) else None
    if isinstance(text, str) and text and not text.startswith(EXTERNAL):
        return text
    if not isinstance(name, str) or not name:
        return None
    entities = [one for one in latest.get("entities") or () if isinstance(one, Mapping)]
    values = {str(one.get("entity")): one.get("value") for one in entities}
    return f"/{name}{json.dumps(values, ensure_ascii=False)}" if values else f"/{name}"


def _language(metadata: Mapping[str, Any]) -> str | None:
    told = str(metadata.get("language") or metadata.get("lang") or "").lower()
    return next((language for language in ("zh", "en") if told.startswith(language)), None)


def _turn_in(event: Mapping[str, Any]) -> bool:
    data = event.get("data")
    custom = data.get("custom") if isinstance(data, Mapping) else None
    return isinstance(custom, Mapping) and "turn" in custom


def _slot(name: str, value: object) -> dict[str, Any]:
    return {"event": "slot", "timestamp": None, "name": name, "value": value}
