"""Intents that nobody said: triggered over HTTP or by a reminder."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from bot.rasa.events import Event, ReminderScheduled, UserUttered
from bot.rasa.tracker import Tracker


def new_id() -> str:
    """An id for a message."""
    return uuid.uuid4().hex


def marks_of(entities: object) -> list[dict[str, Any]]:
    """Entities told as Rasa's list or as name and value; anything else is none."""
    if isinstance(entities, Mapping):
        return [{"entity": name, "value": value} for name, value in entities.items()]
    return [dict(mark) for mark in entities if isinstance(mark, Mapping)] if isinstance(entities, list) else []


def external(intent: str, entities: Sequence[Mapping[str, Any]], tracker: Tracker) -> UserUttered:
    """An intent as if it had been said where the person spoke last."""
    text = f"EXTERNAL: {intent}"
    parsed = {"intent": {"name": intent}, "entities": [dict(mark) for mark in entities], "text": text}
    spoken = next((e.input_channel for e in reversed(tracker.events) if isinstance(e, UserUttered)), None)
    return UserUttered(text, parsed, spoken, new_id(), metadata={"is_external": True})


def still_counts(reminder: ReminderScheduled, tracker: Tracker) -> bool:
    """Whether the conversation did not begin anew and, where that would end it, nobody spoke since."""

    def is_it(event: Event) -> bool:
        return isinstance(event, ReminderScheduled) and event.name == reminder.name

    if not any(is_it(event) for event in tracker.applied_events()):
        return False
    since = takewhile(lambda event: not is_it(event), reversed(tracker.events))
    return not (reminder.kill_on_user_msg and any(isinstance(e, UserUttered) and e.text for e in since))
