"""MemoizationPolicy and AugmentedMemoizationPolicy: what stories tell is done again when the same states come."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rasa.domain import LISTEN
from bot.rasa.events import ActionExecuted, Event
from bot.rasa.predictions import Prediction
from bot.rasa.states import RuleOnly, State, examples, key_of, story_states
from bot.rasa.tracker import Tracker
from bot.rasa.training_trackers import TrainingTracker


class Memoization:
    """Remembers the action after each row of at most `max_history` states (None: after the whole conversation)."""

    name = "MemoizationPolicy"

    def __init__(
        self,
        trackers: Sequence[TrainingTracker],
        max_history: int | None,
        priority: int,
        nlu_confidence: bool = False,
    ) -> None:
        self.max_history, self.priority, self.nlu_confidence = max_history, priority, nlu_confidence
        self.memory: dict[str, str] = {}
        ambiguous: set[str] = set()
        for told in trackers:
            if told.is_rule:
                continue
            for _, key, action in examples(told.tracker, most=max_history):
                if key in ambiguous:
                    continue
                if self.memory.setdefault(key, action) != action:
                    ambiguous.add(key)
                    del self.memory[key]

    def predict(self, tracker: Tracker, rule_only: RuleOnly) -> Prediction:
        """The remembered action, with confidence 1 (or that of the understanding)."""
        action = self._recall(tracker, rule_only)
        if action is None:
            return Prediction(self.name, self.priority, None, 0.0)
        return Prediction(self.name, self.priority, action, confidence_of(tracker) if self.nlu_confidence else 1.0)

    def _states(self, tracker: Tracker, rule_only: RuleOnly) -> list[State]:
        states = story_states(tracker, rule_only)
        return states[-self.max_history :] if self.max_history else states

    def _recall(self, tracker: Tracker, rule_only: RuleOnly) -> str | None:
        return self.memory.get(key_of(self._states(tracker, rule_only)))


class AugmentedMemoization(Memoization):
    """Also remembers when it forgets the beginning of the conversation, action by action."""

    name = "AugmentedMemoizationPolicy"

    def _recall(self, tracker: Tracker, rule_only: RuleOnly) -> str | None:
        states = self._states(tracker, rule_only)
        if (action := self.memory.get(key_of(states))) is not None:
            return action
        events: list[Event] | None = _from_action(self._trimmed(tracker), first=True)
        while events is not None:
            shorter = Tracker(tracker.sender_id, tracker.domain, events)
            newer = self._states(shorter, rule_only)
            if newer != states:
                if (action := self.memory.get(key_of(newer))) is not None:
                    return action
                states = newer
            events = _from_action(shorter.applied_events(), first=False)
        return None

    def _trimmed(self, tracker: Tracker) -> list[Event]:
        """The events of the last `max_history` actions, from a listening on."""
        events = tracker.applied_events()
        if not self.max_history:
            return events
        actions = 0
        for index in range(len(events) - 1, -1, -1):
            event = events[index]
            if isinstance(event, ActionExecuted):
                actions += 1
                if actions > self.max_history and event.name == LISTEN:
                    return Tracker(tracker.sender_id, tracker.domain, events[index:]).applied_events()
        return events


def _from_action(events: list[Event], first: bool) -> list[Event] | None:
    """The events from the first (or second) action on."""
    places = [index for index, event in enumerate(events) if isinstance(event, ActionExecuted)]
    wanted = 0 if first else 1
    return events[places[wanted] :] if len(places) > wanted else None


def confidence_of(tracker: Tracker) -> float:
    """How sure the understanding was of the last message."""
    if tracker.latest_message is None:
        return 1.0
    return float((tracker.latest_message.parse_data.get("intent") or {}).get("confidence", 1.0))
