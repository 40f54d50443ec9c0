"""The tracker: what happened in a conversation, and the state that follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from typing import Any

from bot.messages import SenderId


class Mode(StrEnum):
    """Who answers: the bot, the agent with the bot's suggestions, or the agent alone."""

    AUTO = "auto"
    ASSIST = "assist"
    MANUAL = "manual"


@dataclass(frozen=True)
class Event:
    """One thing that happened; `event` is Rasa's name of its kind."""

    event: str
    timestamp: float
    name: str | None = None
    value: Any = None
    text: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The event without its empty fields."""
        return {key: value for key, value in vars(self).items() if value is not None or key == "value"}


@dataclass(frozen=True)
class Tracker:
    """State of one conversation; made only by applying events."""

    sender: SenderId
    slots: dict[str, Any] = field(default_factory=dict)
    active_form: str | None = None
    requested_slot: str | None = None
    mode: Mode = Mode.AUTO
    turns: int = 0
    last_at: float = 0.0

    def apply(self, event: Event) -> Tracker:
        """The state after one more event; an unknown kind changes nothing but the clock."""
        state = replace(self, last_at=event.timestamp)
        match event.event:
            case "session_started":
                kept = {key: self.slots[key] for key in ("language",) if key in self.slots}
                return Tracker(self.sender, kept, last_at=event.timestamp)
            case "user":
                return replace(state, turns=self.turns + 1)
            case "slot":
                slots = {**self.slots, str(event.name): event.value}
                if event.value is None:
                    slots.pop(str(event.name))
                requested = event.value if event.name == "requested_slot" else self.requested_slot
                return replace(state, slots=slots, requested_slot=requested)
            case "active_loop":
                return replace(state, active_form=event.name)
            case "mode":
                return replace(state, mode=Mode(event.value))
            case _:
                return state

    def slot(self, name: str) -> Any:
        """The value of a slot, None when not set."""
        return self.slots.get(name)

    def as_json(self) -> dict[str, Any]:
        """The state as stored; `from_json` gives it back."""
        return dict(vars(self))


def fold(tracker: Tracker, events: Iterable[Event]) -> Tracker:
    """The state after several events."""
    return reduce(Tracker.apply, events, tracker)


def from_json(state: dict[str, Any]) -> Tracker:
    """A stored state."""
    return Tracker(**{**state, "mode": Mode(state["mode"])})
