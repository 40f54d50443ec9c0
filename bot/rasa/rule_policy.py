"""RulePolicy: rules are followed wherever their states fit; forms run before them, defaults before all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.rasa.domain import DEFAULT_FALLBACK, LISTEN, RESTART, SESSION_START, SNIPPET, Domain
from bot.rasa.memoization import confidence_of
from bot.rasa.predictions import Prediction, interrupted
from bot.rasa.slots import SHOULD_NOT_BE_SET
from bot.rasa.states import Example, RuleOnly, State, examples, key_of, loop_of, past_states, previous_action
from bot.rasa.tracker import Tracker
from bot.rasa.training_trackers import TrainingTracker

DEFAULT_INTENT_ACTIONS: Mapping[str, str] = {
    "restart": RESTART,
    "back": "action_back",
    "session_start": SESSION_START,
}
DEFAULTS_SOURCE = "default "
LOOPS_SOURCE = "loop "
INTERRUPTED = "interrupted"
NOT_THE_LOOP = "not the loop"


@dataclass(frozen=True)
class RuleOptions:
    """What config.yml says of the policy."""

    priority: int = 4
    fallback_threshold: float = 0.3
    fallback_action: str = DEFAULT_FALLBACK
    enable_fallback: bool = True
    restrict_rules: bool = True
    check_contradictions: bool = True
    nlu_confidence: bool = False


@dataclass
class _Learnt:
    """States and what follows, by their string; `_ends` finds them by the action and intent of their last state."""

    actions: dict[str, str] = field(default_factory=dict)
    states: dict[str, list[State]] = field(default_factory=dict)
    _ends: dict[tuple[str | None, str | None], set[str]] = field(default_factory=dict)

    def add(self, states: list[State], action: str) -> None:
        key = key_of(states)
        self.actions[key], self.states[key] = action, states
        self._ends.setdefault(_end(states[-1]), set()).add(key)

    def drop(self, key: str) -> None:
        self.actions.pop(key, None)
        if states := self.states.pop(key, None):
            self._ends[_end(states[-1])].discard(key)

    def fitting(self, states: Sequence[State]) -> list[str]:
        """The keys whose states fit the end of the conversation, in a fixed order."""
        action, intent = _end(states[-1])
        keys = {key for end in ((action, intent), (action, None)) for key in self._ends.get(end, ())}
        return sorted(key for key in keys if _fits(self.states[key], states))


def _end(state: State) -> tuple[str | None, str | None]:
    """The action before a state and its intent, where it has one: a rule with another one cannot fit."""
    action = previous_action(state)
    # At the beginning of a conversation every beginning fits.
    return (None, None) if action is None else (action, state.get("user", {}).get("intent") or None)


class RulePolicy:
    """The rules learnt from rule trackers, and what stories teach about forms that are interrupted."""

    name = "RulePolicy"

    def __init__(self, trackers: Sequence[TrainingTracker], domain: Domain, options: RuleOptions) -> None:
        self.domain, self.options = domain, options
        self.rules, self.unhappy = _Learnt(), _Learnt()
        self.hidden_sources: set[str] = set()
        self.rule_only = RuleOnly()
        ruled = [told for told in trackers if told.is_rule]
        told_stories = [told for told in trackers if not told.is_rule]
        rule_examples = _unique(examples(told.tracker, omit_unset=True) for told in ruled)
        story_examples = _unique(examples(told.tracker) for told in told_stories)
        self._learn(rule_examples)
        if options.check_contradictions:
            self.rule_only = _rule_only(rule_examples, story_examples)
        for states, _, action in (*rule_examples, *story_examples):
            self._learn_unhappy(states, action)

    def _learn(self, found: Iterable[Example]) -> None:
        ambiguous: set[str] = set()
        for states, _, action in found:
            if not (states := _after_snippet(states)):
                continue
            key = key_of(states)
            if key in ambiguous:
                continue
            if self.rules.actions.get(key, action) != action:
                ambiguous.add(key)
                self.rules.drop(key)
                continue
            self.rules.add(states, action)
        for key in [key for key, action in self.rules.actions.items() if action == SNIPPET]:
            self.rules.drop(key)

    def _learn_unhappy(self, states: list[State], action: str) -> None:
        loop = loop_of(states[-1])
        if loop is None:
            return
        if len(states) > 1 and "prev_action" in states[-2]:
            states = [{"prev_action": states[-2]["prev_action"]}, states[-1]]
        else:
            states = [states[-1]]
        if not (states := _after_snippet(states)):
            return
        after_listen = previous_action(states[-1]) == LISTEN
        if after_listen and action == loop:
            self.unhappy.add(states, INTERRUPTED)
        elif not after_listen and action != loop:
            self.unhappy.add(states, NOT_THE_LOOP)

    # ---- predicting ----

    def predict(self, tracker: Tracker, rule_only: RuleOnly) -> Prediction:
        """The next action: a default one, the form's, a rule's, or the fallback."""
        return self.predict_with_source(tracker)[0]

    def predict_with_source(self, tracker: Tracker, states: Sequence[State] | None = None) -> tuple[Prediction, str]:
        """The next action and the rule (its states as a string) that it comes from; `states` where they are known."""
        intent = tracker.latest_message.intent if tracker.latest_message else None
        if tracker.latest_action == LISTEN and intent is not None and intent in DEFAULT_INTENT_ACTIONS:
            source = f"{DEFAULTS_SOURCE}{intent}"
            return self._prediction(DEFAULT_INTENT_ACTIONS[intent], source, tracker), source
        if found := _loop_turn(tracker):
            action, source = found
            return self._prediction(action, source, tracker, no_user=True), source
        found_action, source, returning = self._by_rules(tracker, past_states(tracker) if states is None else states)
        if found_action:
            return self._prediction(found_action, source, tracker, returning), source
        return self._prediction(None, source, tracker, returning), source

    @property
    def fallback(self) -> tuple[str | None, float]:
        """What is done where no rule fits, and how surely."""
        if not self.options.enable_fallback:
            return None, 0.0
        return self.options.fallback_action, self.options.fallback_threshold

    def _prediction(
        self, action: str | None, source: str, tracker: Tracker, returning: bool = False, no_user: bool = False
    ) -> Prediction:
        confidence = confidence_of(tracker) if self.options.nlu_confidence else 1.0
        first, second = (action, confidence if action else 0.0), self.fallback
        if action is None or _surer(second, first, self.domain):
            first, second = second, first
        events = interrupted() if returning else ()
        hidden = source in self.hidden_sources
        return Prediction(self.name, self.options.priority, *first, events, no_user, hidden, second)

    def _by_rules(self, tracker: Tracker, states: Sequence[State]) -> tuple[str | None, str, bool]:
        best = max(self.rules.fitting(states), key=len, default="")
        action = self.rules.actions.get(best)
        returning = False
        if (loop := tracker.active_loop) is not None:
            conditions = {self.unhappy.actions[key] for key in self.unhappy.fitting(states)}
            if action == LISTEN and loop_of(self.rules.states[best][-1]) is None:
                # A rule that knows nothing of the form ends: back to the form, where stories do not forbid it.
                if NOT_THE_LOOP not in conditions:
                    return loop, best, False
                action = None
            returning = INTERRUPTED in conditions
        return action, best or key_of(_after_snippet(states)), returning


def _surer(one: tuple[str | None, float], other: tuple[str | None, float], domain: Domain) -> bool:
    """Whether one prediction comes before another: by confidence, then by the place of the action in the domain."""
    if one[0] is None or one[0] == other[0]:
        return False
    places = domain.action_places
    return (one[1], -places.get(one[0], 0)) > (other[1], -places.get(other[0] or "", 0))


def _loop_turn(tracker: Tracker) -> tuple[str, str] | None:
    """A form's own turn: it runs, or listens after it ran."""
    loop = tracker.active_loop
    if loop is None or (tracker.loop and tracker.loop.rejected):
        return None
    if tracker.latest_action == loop:
        return LISTEN, f"{LOOPS_SOURCE}{loop} {LISTEN}"
    return (loop, f"{LOOPS_SOURCE}{loop}") if tracker.latest_action else None


def handled_sources(domain: Domain) -> set[str]:
    """The sources of predictions that no rule is written for."""
    loops = {f"{LOOPS_SOURCE}{form}{end}" for form in domain.forms for end in ("", f" {LISTEN}")}
    return loops | {f"{DEFAULTS_SOURCE}{intent}" for intent in DEFAULT_INTENT_ACTIONS}


def _unique(found: Iterable[Sequence[Example]]) -> list[Example]:
    seen: dict[tuple[str, str], Example] = {}
    for rows in found:
        for row in rows:
            seen.setdefault((row.key, row.action), row)
    return list(seen.values())


def _after_snippet(states: Sequence[State]) -> list[State]:
    """The states after the last mark of an unknown past."""
    for index in range(len(states) - 1, -1, -1):
        if previous_action(states[index]) == SNIPPET:
            return list(states[index + 1 :])
    return list(states)


def _rule_only(rule_examples: Iterable[Example], story_examples: Iterable[Example]) -> RuleOnly:
    rule_slots, rule_loops = _seen(rule_examples)
    story_slots, story_loops = _seen(story_examples)
    unset = {SHOULD_NOT_BE_SET}
    return RuleOnly(frozenset(rule_slots - story_slots - unset), frozenset(rule_loops - story_loops - unset))


def _seen(found: Iterable[Example]) -> tuple[set[str], set[str]]:
    slots: set[str] = set()
    loops: set[str] = set()
    # The examples of one conversation share their states.
    states = {id(state): state for example in found for state in example.states}
    for state in states.values():
        slots |= set(state.get("slots", {}))
        if name := state.get("active_loop", {}).get("name"):
            loops.add(name)
    return slots, loops


def _fits(rule: Sequence[State], states: Sequence[State]) -> bool:
    """Whether the rule's states are the end of the conversation."""
    return all(_state_fits(*pair) for pair in zip(reversed(rule), reversed(states), strict=False))


def _state_fits(rule: State, state: State) -> bool:
    if "prev_action" not in rule and "prev_action" not in state:
        return True
    if "prev_action" not in rule or "prev_action" not in state:
        return False
    for part, wanted in rule.items():
        present = state.get(part, {})
        for key, value in wanted.items():
            if not _value_fits(value, present.get(key)):
                return False
    return True


def _value_fits(wanted: Any, present: Any) -> bool:
    if wanted == SHOULD_NOT_BE_SET:
        return not present or present == SHOULD_NOT_BE_SET
    return not wanted or wanted == present
