"""Test stories played as Rasa's own test does: what a story tells is followed, actions are foretold and not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from bot.rasa.domain import LISTEN, UTTER_ACTION
from bot.rasa.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.rasa.predictions import Prediction, foretold
from bot.rasa.processor import Processor, too_many_actions
from bot.rasa.tracker import Tracker
from bot.rasa.training_data import FULL_INTENT
from bot.rasa.training_trackers import PLACE, TrainingTracker

# What stands for an action where a story has more of them in one turn than may run.
TRIPPED = "circuit breaker tripped"
_ENTITY_KEYS = ("start", "end", "entity", "value")


@dataclass(frozen=True)
class StepResult:
    """An action that the story tells, and the one that was foretold."""

    expected: str
    found: str
    policy: str | None
    confidence: float
    file: Path
    line: int

    @property
    def passed(self) -> bool:
        """Whether it was foretold as told."""
        return self.expected == self.found


@dataclass(frozen=True)
class TurnResult:
    """What a person says in the story, and how it was understood; entities as Rasa compares them."""

    text: str | None
    intent: str | None
    found: str | None
    entities: tuple[Mapping[str, Any], ...]
    found_entities: tuple[Mapping[str, Any], ...]
    told_entities: tuple[Mapping[str, Any], ...]
    file: Path
    line: int

    @property
    def passed(self) -> bool:
        """Whether intent and entities were understood as told."""
        return self.intent == self.found and self.entities_passed

    @property
    def entities_passed(self) -> bool:
        """Whether the entities were found as told, whatever the intent."""
        return _set(self.entities) == _set(self.found_entities)


Mark: TypeAlias = StepResult | TurnResult | Event


@dataclass(frozen=True)
class StoryResult:
    """A played story: everything it tells in its order, with what came of it."""

    name: str
    file: Path
    line: int
    marks: tuple[Mark, ...]

    @property
    def steps(self) -> tuple[StepResult, ...]:
        """The actions."""
        return tuple(mark for mark in self.marks if isinstance(mark, StepResult))

    @property
    def turns(self) -> tuple[TurnResult, ...]:
        """The turns of the person that were understood anew."""
        return tuple(mark for mark in self.marks if isinstance(mark, TurnResult))

    @property
    def passed(self) -> bool:
        """Whether every action was foretold and every turn understood; entities count once for the whole story."""
        marks = [mark for turn in self.turns for mark in turn.entities]
        found = [mark for turn in self.turns for mark in turn.found_entities]
        intents = all(turn.intent == turn.found for turn in self.turns)
        return intents and all(step.passed for step in self.steps) and _set(marks) == _set(found)


def play(told: TrainingTracker, processor: Processor, e2e: bool = True) -> StoryResult:
    """Play one conversation; with `e2e` its words are understood anew, without it the story's reading stands."""
    return _Play(told, processor, e2e).result()


class _Play:
    """One story being played."""

    def __init__(self, told: TrainingTracker, processor: Processor, e2e: bool) -> None:
        self.told, self.processor, self.e2e = told, processor, e2e
        told_at = [event.metadata[PLACE] for event in told.tracker.events if PLACE in event.metadata]
        self.places: list[tuple[Path, int]] = told_at or [(Path(), 0)]
        # What stands first, mostly the waiting before the first turn, is never foretold.
        first = told.tracker.events[:1]
        self.tracker = Tracker(told.name, processor.domain, first)
        self.marks: list[Mark] = [event for event in first if _is_told(event)]

    def result(self) -> StoryResult:
        for event in self.told.tracker.events[1:]:
            if isinstance(event, ActionExecuted):
                self._action(event)
            elif isinstance(event, UserUttered) and self.e2e:
                self._turn(event)
            else:
                self.tracker.update(event)
                if _is_told(event):
                    self.marks.append(event)
        (_, line), (file, _) = self.places[0], self.places[-1]
        return StoryResult(self.told.name, file, line, tuple(self.marks))

    def _action(self, event: ActionExecuted) -> None:
        found, prediction = TRIPPED, Prediction(None, 1, None, 0.0)
        if not too_many_actions(self.tracker):
            once = partial(self._once, expected=event.name)
            name, prediction = foretold(once, self.tracker, event.name) if self._form_runs() else once(self.tracker)
            found = name or LISTEN
        file, line = self._place(event)
        self.marks.append(StepResult(event.name, found, prediction.policy, prediction.confidence, file, line))
        self.tracker.update(ActionExecuted(event.name, prediction.policy, prediction.confidence))

    def _form_runs(self) -> bool:
        return self.tracker.active_loop in self.processor.domain.forms

    def _once(self, tracker: Tracker, expected: str) -> tuple[str | None, Prediction]:
        prediction = self.processor.policies.following(tracker)
        name = prediction.chosen
        if name == expected or not self.processor.domain.is_retrieval_action(name):
            return name, prediction
        return _full_action(name, tracker.latest_message) or name, prediction

    def _turn(self, event: UserUttered) -> None:
        intent = event.parse_data["intent"]
        gold = intent.get(FULL_INTENT) or intent["name"]
        parsed = self.processor.parse(event.text) if event.text else event.parse_data
        found = (parsed.get("intent") or {}).get("name")
        if found != gold:
            found = _full_intent(parsed)
        entities = tuple(_compared(mark, event.text) for mark in event.entities)
        found_entities = tuple(_compared(mark, event.text) for mark in parsed.get("entities") or ())
        file, line = self._place(event)
        result = TurnResult(event.text, gold, found, entities, found_entities, tuple(event.entities), file, line)
        self.marks.append(result)
        if result.passed:
            kept = {key: parsed[key] for key in ("response_selector",) if key in parsed}
            self.tracker.update(UserUttered(event.text, {**event.parse_data, **kept}))
        else:
            # As Rasa has it, the rest of the story goes by the reading that was told, response key and all.
            self.tracker.update(UserUttered(event.text, {"intent": {"name": gold}, "entities": list(entities)}))

    def _place(self, event: Event) -> tuple[Path, int]:
        """Where the step stands; a waiting has no step of its own and is told by the one before."""
        if PLACE in event.metadata:
            file, line = event.metadata[PLACE]
            return file, line
        before = next((mark for mark in reversed(self.marks) if isinstance(mark, StepResult | TurnResult)), None)
        return (before.file, before.line) if before else self.places[0]


def _is_told(event: Event) -> bool:
    """Whether the event is written in a story (the waiting between turns is not)."""
    if isinstance(event, ActionExecuted):
        return event.name != LISTEN
    return isinstance(event, UserUttered | SlotSet | ActiveLoop)


def _compared(mark: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """What counts of an entity; a value that was found counts as a string."""
    kept = {"text": text, **{key: mark[key] for key in _ENTITY_KEYS if key in mark}}
    if "extractor" in mark and "value" in kept:
        kept["value"] = str(kept["value"])
    return kept


def _set(marks: tuple[Mapping[str, Any], ...] | list[Mapping[str, Any]]) -> set[str]:
    return {repr(sorted(mark.items())) for mark in marks}


def _full_intent(parsed: Mapping[str, Any]) -> str | None:
    """The intent with its response key, where it is a retrieval intent."""
    name: str | None = (parsed.get("intent") or {}).get("name")
    selector = parsed.get("response_selector") or {}
    if name not in selector.get("all_retrieval_intents", ()):
        return name
    chosen = selector.get("default") or selector.get(name) or {}
    return chosen.get("response", {}).get("intent_response_key") or name


def _full_action(name: str, said: UserUttered | None) -> str | None:
    """The response that the last message's key asks for."""
    selector = (said.parse_data.get("response_selector") if said else None) or {}
    chosen = selector.get(name.removeprefix("utter_")) or selector.get("default") or {}
    full = chosen.get("response", {}).get(UTTER_ACTION)
    return str(full) if full else None
