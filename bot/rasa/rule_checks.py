"""The checks Rasa makes of rules when it trains: too long, incomplete, or against each other or a story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from bot.rasa.domain import LISTEN, SNIPPET, Domain
from bot.rasa.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from bot.rasa.predictions import foretold
from bot.rasa.rule_policy import DEFAULTS_SOURCE, LOOPS_SOURCE, RulePolicy, handled_sources
from bot.rasa.slots import SHOULD_NOT_BE_SET
from bot.rasa.states import State, active_state, past_states, previous_action
from bot.rasa.tracker import Tracker
from bot.rasa.training_trackers import TrainingTracker

UNLIKE = "in other rules, not in this one 与其他规则不一致"


def check_rules(policy: RulePolicy, trackers: Sequence[TrainingTracker], domain: Domain) -> list[str]:
    """What Rasa would refuse to train, in words; also notes in the policy which rules no story tells."""
    rules = [told for told in trackers if told.is_rule]
    problems = []
    if policy.options.restrict_rules:
        problems += [
            f"rule `{told.name}` has more than one turn of the user 规则只能有一次用户发言"
            for told in rules
            if sum(isinstance(event, UserUttered) for event in told.tracker.events) > 1
        ]
    if policy.options.check_contradictions:
        problems += _incomplete(rules, domain)
        problems += _Contradictions(policy, domain).found(rules, trackers)
    return list(dict.fromkeys(problems))


def _incomplete(rules: Sequence[TrainingTracker], domain: Domain) -> Iterator[str]:
    """A rule leaves out a slot or form that the same action sets in another rule."""
    slots: dict[str, set[str]] = defaultdict(set)
    loops: dict[str, set[str | None]] = defaultdict(set)
    for told in rules:
        action: str | None = None
        for event in told.tracker.events:
            if isinstance(event, ActionExecuted):
                action = event.name
            elif isinstance(event, UserUttered):
                action = None
            elif action and isinstance(event, SlotSet) and _featurized(event.name, domain):
                slots[action].add(event.name)
            elif action and isinstance(event, ActiveLoop):
                loops[action].add(event.name)
    for told in rules:
        states = past_states(told.tracker)
        following = [previous_action(state) for state in states[1:]] + [LISTEN]
        for state, next_action in zip(states, following, strict=True):
            before = previous_action(state)
            if before is None or SNIPPET in (before, next_action):
                continue
            if missing := sorted(slots[before] - set(state.get("slots", {}))):
                yield f"rule `{told.name}`: `{before}` sets {', '.join(missing)} {UNLIKE}"
            expected = loops[before]
            if expected and state.get("active_loop", {}).get("name") not in expected:
                names = ", ".join(sorted("null" if n in (None, SHOULD_NOT_BE_SET) else str(n) for n in expected))
                yield f"rule `{told.name}`: `{before}` sets `active_loop: {names}` {UNLIKE}"


def _featurized(name: str, domain: Domain) -> bool:
    slot = domain.slots.get(name)
    return bool(slot and slot.features(slot.initial_value))


class _Contradictions:
    """Plays every rule and story and looks whether the rules foretell what it tells."""

    def __init__(self, policy: RulePolicy, domain: Domain) -> None:
        self.policy, self.domain = policy, domain
        self.sources: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
        self.used: set[str] = set()

    def found(self, rules: Sequence[TrainingTracker], trackers: Sequence[TrainingTracker]) -> list[str]:
        """The contradictions; the policy is told which predictions no story knows."""
        for told in rules:
            for _, action, expected, source in self._played(told):
                own = source.startswith((DEFAULTS_SOURCE, LOOPS_SOURCE))
                self.sources[source].add((source, action) if own else (told.name, expected))
        problems = []
        for told in trackers:
            for _, action, expected, source in self._played(told):
                if not told.is_rule and action == expected:
                    self.used.add(source)
                problems += self._against(told, action, expected, source)
        self.policy.hidden_sources = (set(self.sources) | handled_sources(self.domain)) - self.used
        return problems

    def _played(self, told: TrainingTracker) -> Iterator[tuple[Tracker, str | None, str, str]]:
        running = Tracker(told.name, self.domain)
        states: list[State] = []
        unpredictable = True
        for event in told.tracker.applied_events():
            if isinstance(event, ActionExecuted):
                states.append(active_state(running))
                if event.name == SNIPPET:
                    unpredictable = True
                elif unpredictable or event.unpredictable:
                    unpredictable = False
                else:
                    once = partial(self._once, states=states, is_rule=told.is_rule)
                    action, source = foretold(once, running, event.name)
                    yield running, action, event.name, source
            running.update(event)

    def _once(self, running: Tracker, states: Sequence[State], is_rule: bool) -> tuple[str | None, str]:
        prediction, source = self.policy.predict_with_source(running, states)
        nothing = (prediction.action, prediction.confidence) == self.policy.fallback
        return (None if nothing and not is_rule else prediction.chosen), source

    def _against(self, told: TrainingTracker, action: str | None, expected: str, source: str) -> list[str]:
        if not action or not source or action == expected:
            return []
        if self._only_a_stop(told, action, source):
            self.policy.rules.drop(source)
            return []
        names = sorted({name for name, meant in self.sources[source] if meant != expected})
        if not names:
            return []
        kind = "rule" if told.is_rule else "story"
        foretold_by = f"where rule(s) {', '.join(names)} foretell `{action}` 与规则矛盾"
        return [f"{kind} `{told.name}` has `{expected}` {foretold_by}"]

    def _only_a_stop(self, told: TrainingTracker, action: str, source: str) -> bool:
        """Whether a rule's listening after its only action stands against a story: then it is unlearnt."""
        if told.is_rule or source.count("prev_action") > 1 or action != LISTEN:
            return False
        return any(key.startswith(source[:-2]) and key != source for key in self.policy.rules.actions)
