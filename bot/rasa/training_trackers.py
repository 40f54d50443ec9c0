"""Stories and rules as conversations to learn from: checkpoints joined, `or` spread out, turns made complete."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.rasa.domain import LISTEN, SNIPPET, Domain
from bot.rasa.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.rasa.slots import SHOULD_NOT_BE_SET, MappingType, SlotType
from bot.rasa.stories import (
    ActionStep,
    CheckpointStep,
    LoopStep,
    OrStep,
    Rule,
    SlotStep,
    Step,
    Story,
    UserStep,
)
from bot.rasa.tracker import Tracker

START = "STORY_START"
# How often one block may stand in one conversation (checkpoints may run in a circle), and how many are made at most.
MOST_VISITS = 3
MOST_PATHS = 20_000
_STAND_IN = {SlotType.TEXT: "filled", SlotType.LIST: ["filled"]}


@dataclass(frozen=True)
class TrainingTracker:
    """A conversation to learn from."""

    name: str
    tracker: Tracker
    is_rule: bool


@dataclass(frozen=True)
class _Block:
    """What stands between two checkpoints."""

    name: str
    starts: tuple[CheckpointStep, ...]
    events: tuple[Event, ...] = ()
    ends: tuple[str, ...] = ()


@dataclass
class _Path:
    """A conversation on its way through the blocks."""

    names: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    visits: dict[int, int] = field(default_factory=dict)


def training_trackers(stories: Sequence[Story], rules: Sequence[Rule], domain: Domain) -> list[TrainingTracker]:
    """Every conversation that stories and rules tell, the stories' first."""
    blocks = [block for story in stories for block in _blocks(story.name, story.steps, domain)]
    ruled = [block for rule in rules for block in _blocks(rule.name, _rule_steps(rule), domain)]
    made = [TrainingTracker(" > ".join(p.names), _tracker(p, domain), False) for p in _paths(blocks, domain)]
    for path in _paths(ruled, domain):
        path.events = tuple(_never_set(event) for event in path.events)
        made.append(TrainingTracker(" > ".join(path.names), _tracker(path, domain), True))
    return made


def _tracker(path: _Path, domain: Domain) -> Tracker:
    return Tracker(" > ".join(path.names), domain, path.events)


def _rule_steps(rule: Rule) -> tuple[Step, ...]:
    """The steps with the mark of an unknown past before them and, where the rule goes on, after them."""
    before = () if rule.conversation_start else (ActionStep(SNIPPET),)
    after = () if rule.wait_for_user_input else (ActionStep(SNIPPET),)
    return (*rule.conditions, *before, *rule.steps, *after)


def _never_set(event: Event) -> Event:
    """A null in a rule says that something must not be set."""
    if isinstance(event, ActiveLoop) and event.name is None:
        return replace(event, name=SHOULD_NOT_BE_SET)
    if isinstance(event, SlotSet) and event.value is None:
        return replace(event, value=SHOULD_NOT_BE_SET)
    return event


def _blocks(name: str, steps: Iterable[Step], domain: Domain) -> list[_Block]:
    done: list[_Block] = []
    starts: list[CheckpointStep] = []
    current: list[_Block] = []
    for step in steps:
        if isinstance(step, CheckpointStep):
            if not current:
                starts.append(step)
                continue
            current = [replace(block, ends=(*block.ends, step.name)) for block in current]
            continue
        if not current:
            current = [_Block(name, tuple(starts) or (CheckpointStep(START),))]
        elif current[0].ends:
            done.extend(current)
            joints = dict.fromkeys(end for block in current for end in block.ends)
            current = [_Block(name, tuple(CheckpointStep(joint) for joint in joints))]
        options: Sequence[Step] = step.options if isinstance(step, OrStep) else (step,)
        current = [
            replace(block, events=(*block.events, *_events(option, block.events, domain)))
            for block in current
            for option in options
        ]
    return [_complete(block) for block in (*done, *current)]


def _complete(block: _Block) -> _Block:
    """The block with its last wait, and with its first action marked as not to be learnt where nothing is before."""
    events = list(block.events)
    if not block.ends and not (events and _is_listen(events[-1])):
        events.append(ActionExecuted(LISTEN))
    if any(start.name == START for start in block.starts):
        for index, event in enumerate(events):
            if isinstance(event, UserUttered):
                break
            if isinstance(event, ActionExecuted) and event.name != LISTEN:
                events[index] = replace(event, unpredictable=True)
                break
    return replace(block, events=tuple(events))


def _is_listen(event: Event) -> bool:
    return isinstance(event, ActionExecuted) and event.name == LISTEN


def _events(step: Step, before: tuple[Event, ...], domain: Domain) -> list[Event]:
    if isinstance(step, ActionStep):
        return [ActionExecuted(step.name)]
    if isinstance(step, LoopStep):
        return [ActiveLoop(step.name)]
    if isinstance(step, SlotStep):
        return [SlotSet(step.name, step.value if step.given else _stand_in(step.name, domain))]
    if isinstance(step, UserStep):
        said = _said(step)
        listen = [] if before and _is_listen(before[-1]) else [ActionExecuted(LISTEN)]
        return [*listen, said, *slots_of_entities(said.entities, domain)]
    return []


def _stand_in(name: str, domain: Domain) -> Any:
    slot = domain.slots.get(name)
    return _STAND_IN.get(slot.type) if slot else None


def _said(step: UserStep) -> UserUttered:
    marks = [
        {key: value for key, value in vars(mark).items() if value is not None}
        for mark in step.entities  # entity, value, role, group
    ]
    return UserUttered(None, {"intent": {"name": step.intent or None, "confidence": 1.0}, "entities": marks})


def slots_of_entities(entities: Iterable[dict[str, Any]], domain: Domain) -> list[SlotSet]:
    """What entities told in a story fill by their mappings."""
    events = []
    for slot in domain.slots.values():
        values = [
            mark.get("value")
            for mapping in slot.mappings
            if mapping.type == MappingType.FROM_ENTITY
            and not (mapping.conditions and mapping.conditions[0].active_loop is not None)
            for mark in entities
            if (mark.get("entity"), mark.get("role"), mark.get("group"))
            == (mapping.entity, mapping.role, mapping.group)
        ]
        if values:
            events.append(SlotSet(slot.name, values if slot.type == SlotType.LIST else values[-1]))
    return events


def _paths(blocks: Sequence[_Block], domain: Domain) -> list[_Path]:
    """Every way from the start through the blocks; one that ends at a joint without continuation counts as well."""
    finished: list[_Path] = []
    seen: set[tuple[Event, ...]] = set()
    waiting: deque[tuple[str, _Path]] = deque([(START, _Path())])
    while waiting and len(finished) < MOST_PATHS:
        joint, path = waiting.popleft()
        went_on = False
        for place, block in enumerate(blocks):
            if path.visits.get(place, 0) >= MOST_VISITS or not _passes(block, joint, path, domain):
                continue
            went_on = True
            names = path.names if block.name in path.names else (*path.names, block.name)
            visits = {**path.visits, place: path.visits.get(place, 0) + 1}
            further = _Path(names, path.events + block.events, visits)
            waiting.extend((end, further) for end in block.ends)
            if not block.ends and further.events not in seen:
                seen.add(further.events)
                finished.append(further)
        if not went_on and path.events and path.events not in seen:
            seen.add(path.events)
            finished.append(path)
    return finished


def _passes(block: _Block, joint: str, path: _Path, domain: Domain) -> bool:
    for start in block.starts:
        if start.name != joint:
            continue
        if not start.slots:
            return True
        slots = Tracker("", domain, path.events).slots
        if all(slots.get(slot.name) == slot.value for slot in start.slots):
            return True
    return False
