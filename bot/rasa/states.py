"""What a policy sees: the states of a conversation before each of its actions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from bot.rasa.domain import LABEL_MARK, LISTEN, UNLIKELY_INTENT, Domain
from bot.rasa.events import ActionExecuted, UserUttered
from bot.rasa.slots import SHOULD_NOT_BE_SET
from bot.rasa.tracker import Tracker

# {"user": {"intent", "entities"}, "slots": {…}, "prev_action": {"action_name"}, "active_loop": {"name"}}; empty parts
# are left out.
State: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class RuleOnly:
    """Slots and forms that only rules speak of; a policy of stories does not see them."""

    slots: frozenset[str] = frozenset()
    loops: frozenset[str] = frozenset()


def previous_action(state: State) -> str | None:
    """The action before this state; None at the beginning of a conversation."""
    name = state.get("prev_action", {}).get("action_name")
    return str(name) if name is not None else None


def loop_of(state: State) -> str | None:
    """The form that runs in this state."""
    name = state.get("active_loop", {}).get("name")
    return None if name is None or name == SHOULD_NOT_BE_SET else str(name)


def key_of(states: Sequence[State]) -> str:
    """The states as one string; of two rules that fit, Rasa takes the longer string."""
    return _joined(list(map(_written, states)))


def _written(state: State) -> str:
    return json.dumps(state, sort_keys=True)


def _joined(written: Sequence[str]) -> str:
    return f"[{', '.join(written)}]"


class Example(NamedTuple):
    """The states of a conversation, their string, and the action that follows."""

    states: list[State]
    key: str
    action: str


def _user(domain: Domain, message: UserUttered | None) -> dict[str, Any]:
    if message is None:
        return {}
    names: set[str] = set()
    for mark in message.entities:
        entity = str(mark.get("entity"))
        names.add(entity)
        names |= {f"{entity}{LABEL_MARK}{mark[kind]}" for kind in ("role", "group") if kind in mark}
    used = domain.used_entities(message.intent)
    seen = tuple(sorted(names if used is None else names & used))
    parts = {"intent": message.intent, "entities": seen}
    return {key: value for key, value in parts.items() if value}


def _slots(tracker: Tracker, omit_unset: bool) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, slot in tracker.domain.slots.items():
        value = tracker.slots.get(name)
        features = slot.features(value)
        if not features or (omit_unset and name not in tracker.set_slots):
            continue
        if value == SHOULD_NOT_BE_SET:
            seen[name] = SHOULD_NOT_BE_SET
        elif any(features):
            seen[name] = features
    return seen


def active_state(tracker: Tracker, omit_unset: bool = False, user: Mapping[str, Any] | None = None) -> State:
    """The state a tracker is in; `user` is what its last message shows, where that is known."""
    state = {
        "user": _user(tracker.domain, tracker.latest_message) if user is None else dict(user),
        "slots": _slots(tracker, omit_unset),
        "prev_action": {"action_name": tracker.latest_action} if tracker.latest_action else {},
        "active_loop": {"name": tracker.loop.name} if tracker.loop else {},
    }
    return {part: body for part, body in state.items() if body}


def past_states(tracker: Tracker, omit_unset: bool = False) -> list[State]:
    """The states before each action that counts, and the present one; as rules see them."""
    states: list[State] = []
    said: UserUttered | None = None
    user: dict[str, Any] = {}
    for past, _ in tracker.prior():
        if past.latest_message is not said:
            said = past.latest_message
            user = _user(past.domain, said)
        states.append(active_state(past, omit_unset, user))
    return states


def story_states(tracker: Tracker, rule_only: RuleOnly) -> list[State]:
    """The states as policies of stories see them: turns that belong to rules alone are left out."""
    states: list[State] = []
    last_action: str | None = None
    hidden = False
    for past, hide in tracker.prior():
        if not hidden:
            last_action = past.latest_action
        if not past.followup_action and past.latest_action != past.active_loop:
            hidden = hide
        if hidden:
            continue
        state = active_state(past)
        slots = {name: value for name, value in state.get("slots", {}).items() if name not in rule_only.slots}
        state["slots"] = slots
        if loop_of(state) in rule_only.loops:
            del state["active_loop"]
        if states and previous_action(state) != LISTEN:
            state["user"] = states[-1].get("user", {}) if "user" in state or "user" in states[-1] else {}
        if last_action:
            state["prev_action"] = {"action_name": last_action}
        states.append({part: body for part, body in state.items() if body})
    return [state for state in states if previous_action(state) != UNLIKELY_INTENT]


def examples(
    tracker: Tracker, omit_unset: bool = False, most: int | None = None, without_unlikely: bool = False
) -> list[Example]:
    """What is learnt of one story or rule: the states (the last `most` of them) and the action that follows."""
    states = past_states(tracker, omit_unset)
    written = list(map(_written, states))
    found = []
    place = 0
    for event in tracker.applied_events():
        if not isinstance(event, ActionExecuted) or (without_unlikely and event.name == UNLIKELY_INTENT):
            continue
        place += 1
        if not event.unpredictable:
            first = max(0, place - most) if most else 0
            found.append(Example(states[first:place], _joined(written[first:place]), event.name))
    return found
