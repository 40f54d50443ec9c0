"""The tracker: the state of one conversation, made only by applying events, as Rasa makes it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import takewhile
from typing import Any

from bot.rasa.domain import LISTEN, REQUESTED_SLOT, SESSION_START, Domain
from bot.rasa.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    EntitiesAdded,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserFeaturization,
    UserUtteranceReverted,
    UserUttered,
)
from bot.rasa.slots import SHOULD_NOT_BE_SET


class Verbosity(StrEnum):
    """Which events a dump tells: none, those that count, those after the last restart, all."""

    NONE = "NONE"
    APPLIED = "APPLIED"
    AFTER_RESTART = "AFTER_RESTART"
    ALL = "ALL"


@dataclass
class LoopState:
    """The form that runs."""

    name: str
    is_interrupted: bool = False
    rejected: bool = False
    trigger_message: Mapping[str, Any] | None = None


class Tracker:
    """One conversation; `stamp` is put into the metadata of every event."""

    def __init__(self, sender_id: str, domain: Domain, events: Iterable[Event] = ()) -> None:
        self.sender_id, self.domain = sender_id, domain
        self.events: list[Event] = []
        self.stamp: Mapping[str, Any] = {}
        self._reset()
        for event in events:
            self.update(event)

    def _reset(self) -> None:
        self._reset_slots()
        self.paused = False
        self.latest_action: str | None = None
        self.latest_message: UserUttered | None = None
        self.followup_action: str | None = LISTEN
        self.loop: LoopState | None = None

    def _reset_slots(self) -> None:
        self.slots: dict[str, Any] = {name: slot.initial_value for name, slot in self.domain.slots.items()}
        self.set_slots: set[str] = set()

    # ---- applying ----

    def update(self, event: Event) -> None:
        """Apply one event."""
        if self.stamp:
            event = replace(event, metadata={**self.stamp, **event.metadata})
        self._note(event)

    def _note(self, event: Event) -> None:
        self.events.append(event)
        self._apply(event)

    def update_all(self, events: Iterable[Event], now: float) -> None:
        """Apply events as happening now (seconds since 1970)."""
        for event in events:
            self._note(replace(event, timestamp=now, metadata={**self.stamp, **event.metadata}))

    def _apply(self, event: Event) -> None:
        if handler := _HANDLERS.get(type(event)):
            handler(self, event)

    def copy(self) -> Tracker:
        """A tracker of its own with the same state."""
        twin = copy.copy(self)
        twin.events, twin.slots, twin.set_slots = list(self.events), dict(self.slots), set(self.set_slots)
        twin.loop = replace(self.loop) if self.loop else None
        return twin

    def _set_slot(self, event: SlotSet) -> None:
        if slot := self.domain.slots.get(event.name):
            self.slots[event.name] = slot.stored(event.value)
            self.set_slots.add(event.name)

    def _ran(self, event: ActionExecuted) -> None:
        self.latest_action = event.name
        self.followup_action = None
        if self.loop:
            self.loop.is_interrupted = False
            if event.name == self.active_loop:
                self.loop.rejected = False

    def _said(self, event: UserUttered) -> None:
        self.latest_message = event
        self.followup_action = None

    def _loop(self, event: ActiveLoop) -> None:
        trigger = self.latest_message.parse_data if self.latest_message else None
        self.loop = LoopState(event.name, trigger_message=trigger) if event.name is not None else None

    def _interrupted(self, event: LoopInterrupted) -> None:
        if self.loop:
            self.loop.is_interrupted = event.is_interrupted

    def _rejected(self, event: ActionExecutionRejected) -> None:
        if self.loop and event.name == self.active_loop:
            self.loop.rejected = True

    def _more_entities(self, event: EntitiesAdded) -> None:
        if self.latest_action != LISTEN or not self.latest_message:
            return
        known = self.latest_message.entities
        added = [dict(entity) for entity in event.entities if dict(entity) not in known]
        parsed = {**self.latest_message.parse_data, "entities": known + added}
        self.latest_message = replace(self.latest_message, parse_data=parsed)

    def _restart(self, event: Restarted) -> None:
        self._reset()
        self.followup_action = SESSION_START

    def _replay(self, event: Event) -> None:
        applied = self.applied_events()
        self._reset()
        for past in applied:
            self._apply(past)

    # ---- reading ----

    @property
    def active_loop(self) -> str | None:
        """The name of the form that runs."""
        return None if self.loop is None or self.loop.name == SHOULD_NOT_BE_SET else self.loop.name

    @property
    def requested_slot(self) -> Any:
        """The slot that the form waits for."""
        return self.slots.get(REQUESTED_SLOT)

    def since_restart(self) -> list[Event]:
        """The events after the last restart."""
        for index in range(len(self.events) - 1, -1, -1):
            if isinstance(self.events[index], Restarted):
                return self.events[index + 1 :]
        return list(self.events)

    def applied_events(self) -> list[Event]:
        """The events that count: without what was taken back, and with a form's repeated turns folded away."""
        loops = {event.name for event in self.events if isinstance(event, ActiveLoop) and event.name}
        applied: list[Event] = []
        for event in self.events:
            if isinstance(event, Restarted | SessionStarted):
                applied = []
            elif isinstance(event, ActionReverted):
                _undo_to(ActionExecuted, applied)
            elif isinstance(event, UserUtteranceReverted):
                _undo_to(UserUttered, applied)
                _undo_to(ActionExecuted, applied)
            elif isinstance(event, ActionExecuted) and event.name in loops and _repeats(event.name, applied):
                _fold(event.name, applied)
            else:
                applied.append(event)
        return applied

    def prior(self) -> Iterator[tuple[Tracker, bool]]:
        """The state before each action that counts (one tracker, moved on), and whether that turn is hidden."""
        past = Tracker(self.sender_id, self.domain)
        for event in self.applied_events():
            if isinstance(event, ActionExecuted):
                yield past, event.hide_rule_turn
            past.update(event)
        yield past, False

    def entity_values(self, entity: str | None, role: str | None, group: str | None) -> list[Any]:
        """The values of one entity in the last message."""
        found = self.latest_message.entities if self.latest_message else []
        return [
            mark.get("value")
            for mark in found
            if mark.get("entity") == entity and mark.get("role") == role and mark.get("group") == group
        ]

    def until(self, moment: float) -> Tracker:
        """The conversation as it was at a moment (seconds since 1970)."""
        past = takewhile(lambda event: (event.timestamp or 0.0) <= moment, self.events)
        return Tracker(self.sender_id, self.domain, past)

    def current_state(self, verbosity: Verbosity = Verbosity.ALL) -> dict[str, Any]:
        """The tracker in Rasa's JSON; an action server is given it with all events."""
        channel = next((e.input_channel for e in reversed(self.events) if isinstance(e, UserUttered)), None)
        return {
            "sender_id": self.sender_id,
            "slots": dict(self.slots),
            "latest_message": dict(self.latest_message.parse_data) if self.latest_message else _NOTHING_SAID,
            "latest_event_time": self.events[-1].timestamp if self.events else None,
            "followup_action": self.followup_action,
            "paused": self.paused,
            "events": self._told(verbosity),
            "latest_input_channel": channel,
            "active_loop": asdict(self.loop) if self.loop else {},
            "latest_action": {"action_name": self.latest_action} if self.latest_action else {},
            "latest_action_name": self.latest_action,
        }

    def _told(self, verbosity: Verbosity) -> list[dict[str, Any]] | None:
        if verbosity == Verbosity.NONE:
            return None
        kept = {Verbosity.APPLIED: self.applied_events, Verbosity.AFTER_RESTART: self.since_restart}
        return [event.as_dict() for event in (kept[verbosity]() if verbosity in kept else self.events)]


_NOTHING_SAID: dict[str, Any] = {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}}


def _undo_to(kind: type[Event], applied: list[Event]) -> None:
    while applied:
        if isinstance(applied.pop(), kind):
            return


def _repeats(loop: str, applied: list[Event]) -> bool:
    """Whether a form's run only repeats its last one (no other turn lies between)."""
    following: str | None = None
    for event in reversed(applied):
        if isinstance(event, ActiveLoop) and event.name is None:
            return False
        if isinstance(event, ActionExecutionRejected) and event.name == loop:
            return False
        if isinstance(event, UserUttered) and following is not None and following != loop:
            return False
        if isinstance(event, ActionExecuted):
            if event.name == loop:
                return True
            following = event.name
    return False


def _fold(loop: str, applied: list[Event]) -> None:
    for index in range(len(applied) - 1, -1, -1):
        event = applied[index]
        if isinstance(event, ActionExecuted) and event.name == loop:
            return
        if isinstance(event, ActionExecuted | UserUttered | UserFeaturization):
            del applied[index]


def _paused(tracker: Tracker, event: Event) -> None:
    tracker.paused = isinstance(event, ConversationPaused)


def _followup(tracker: Tracker, event: FollowupAction) -> None:
    tracker.followup_action = event.name


_HANDLERS: Mapping[type[Event], Callable[[Tracker, Any], None]] = {
    SlotSet: Tracker._set_slot,
    ActionExecuted: Tracker._ran,
    UserUttered: Tracker._said,
    ActiveLoop: Tracker._loop,
    LoopInterrupted: Tracker._interrupted,
    ActionExecutionRejected: Tracker._rejected,
    EntitiesAdded: Tracker._more_entities,
    Restarted: Tracker._restart,
    SessionStarted: lambda tracker, event: tracker._reset(),
    UserUtteranceReverted: Tracker._replay,
    ActionReverted: Tracker._replay,
    AllSlotsReset: lambda tracker, event: tracker._reset_slots(),
    ConversationPaused: _paused,
    ConversationResumed: _paused,
    FollowupAction: _followup,
    BotUttered: lambda tracker, event: None,
}
