"""Stories and rules as conversations to learn from: checkpoints joined, `or` spread out, turns made complete."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.errors import ChengdaError
from bot.rasa.domain import LISTEN, SNIPPET, Domain
from bot.rasa.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.rasa.shortcut import read_shortcut
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
from bot.rasa.training_data import FULL_INTENT, RESPONSE_MARK

START = "STORY_START"
# Under this name the metadata of an event tell where its step stands: (file, line).
PLACE = "place"
# How often one block may stand in one conversation (checkpoints may run in a circle), and how many are made at most.
MOST_VISITS = 3
MOST_PATHS = 20_000
# A way that comes round to a checkpoint again is another one only where so many of its last events differ.
LAST_EVENTS = 9
_STAND_IN = {SlotType.TEXT: "filled", SlotType.LIST: ["filled"]}


class TooManyWays(ChengdaError):
    """The stories tell more conversations than are learnt; the text names the story or checkpoint."""


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

    @cached_property
    def told(self) -> tuple[str, ...]:
        """The events in words, which are compared faster than the events."""
        return tuple(map(_words, self.events))


@dataclass
class _Path:
    """A conversation on its way through the blocks, its joints and its state."""

    tracker: Tracker
    names: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    told: tuple[str, ...] = ()
    joints: frozenset[str] = frozenset()
    visits: dict[int, int] = field(default_factory=dict)

    def through(self, place: int, block: _Block, joint: str) -> _Path:
        """The way on through a block."""
        tracker = self.tracker.copy()
        for event in block.events:
            tracker.update(event)
        names = self.names if block.name in self.names else (*self.names, block.name)
        visits = {**self.visits, place: self.visits.get(place, 0) + 1}
        joints = self.joints | {joint}
        return _Path(tracker, names, self.events + block.events, self.told + block.told, joints, visits)

    @property
    def mark(self) -> str:
        """What of the past still counts for what follows a checkpoint that is passed again."""
        return repr((sorted(self.tracker.slots.items()), self.tracker.active_loop, self.told[-LAST_EVENTS:]))


def training_trackers(stories: Sequence[Story], rules: Sequence[Rule], domain: Domain) -> list[TrainingTracker]:
    """Every conversation that stories and rules tell, the stories' first; test stories keep their words.

    Raises TooManyWays.
    """
    blocks = [block for story in stories for block in _blocks(story.name, story.steps, story.file, domain)]
    ruled = [block for rule in rules for block in _blocks(rule.name, _rule_steps(rule), rule.file, domain)]
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


def _blocks(name: str, steps: Iterable[Step], file: Path, domain: Domain) -> list[_Block]:
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
        if len(done) + len(current) * len(options) > MOST_PATHS:
            raise TooManyWays(f"story `{name}`: its `or` make more than {MOST_PATHS:,} conversations 展开的对话过多")
        current = [
            replace(block, events=(*block.events, *_placed(_events(option, block.events, domain), (file, option.line))))
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


def _placed(events: Iterable[Event], place: tuple[Path, int]) -> list[Event]:
    return [event if _is_listen(event) else replace(event, metadata={PLACE: place}) for event in events]


def _events(step: Step, before: tuple[Event, ...], domain: Domain) -> list[Event]:
    if isinstance(step, ActionStep):
        return [ActionExecuted(step.name)]
    if isinstance(step, LoopStep):
        return [ActiveLoop(step.name)]
    if isinstance(step, SlotStep):
        return [SlotSet(step.name, step.value if step.given else _stand_in(step.name, domain))]
    if isinstance(step, UserStep):
        said = _said(step, domain)
        listen = [] if before and _is_listen(before[-1]) else [ActionExecuted(LISTEN)]
        return [*listen, said, *slots_of_entities(said.entities, domain)]
    return []


def _stand_in(name: str, domain: Domain) -> Any:
    slot = domain.slots.get(name)
    return _STAND_IN.get(slot.type) if slot else None


def _words(event: Event) -> str:
    """An event in words; the key of a retrieval intent is not among them, as conversations do not differ by it."""
    if isinstance(event, UserUttered) and FULL_INTENT in event.parse_data["intent"]:
        intent = {key: value for key, value in event.parse_data["intent"].items() if key != FULL_INTENT}
        event = replace(event, parse_data={**event.parse_data, "intent": intent})
    return repr(event)


def _said(step: UserStep, domain: Domain) -> UserUttered:
    intent = {"name": step.intent or None, "confidence": 1.0}
    if step.response:
        intent[FULL_INTENT] = f"{step.intent}{RESPONSE_MARK}{step.response}"
    return UserUttered(step.text, {"intent": intent, "entities": _marks(step, domain)})


def _marks(step: UserStep, domain: Domain) -> list[dict[str, Any]]:
    """The entities of a turn: annotated in its words, named in its shortcut, or told beside the intent."""
    shortcut = read_shortcut(step.text, domain) if step.text else None
    if shortcut is not None:
        return [{key: value for key, value in mark.items() if key != "extractor"} for mark in shortcut["entities"]]
    told = step.entities if step.text is None else step.annotations
    return [{key: value for key, value in vars(mark).items() if value is not None} for mark in told]


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
    seen: set[tuple[str, ...]] = set()
    arrived: set[tuple[str, str]] = set()
    arrivals: Counter[str] = Counter()
    waiting: deque[tuple[str, _Path]] = deque([(START, _Path(Tracker("", domain)))])
    while waiting:
        joint, path = waiting.popleft()
        went_on = False
        for place, block in enumerate(blocks):
            if path.visits.get(place, 0) >= MOST_VISITS or not _passes(block, joint, path):
                continue
            went_on = True
            further = path.through(place, block, joint)
            for end in block.ends:
                if end in further.joints:
                    if (mark := (end, further.mark)) in arrived:
                        continue
                    arrived.add(mark)
                waiting.append((end, further))
                arrivals[end] += 1
            if not block.ends and further.told not in seen:
                seen.add(further.told)
                finished.append(further)
            if len(finished) + len(waiting) > MOST_PATHS:
                busiest = f"checkpoint `{max(arrivals, key=arrivals.__getitem__)}`: " if arrivals else ""
                raise TooManyWays(f"{busiest}the stories tell more than {MOST_PATHS:,} conversations 展开的对话过多")
        if not went_on and path.told and path.told not in seen:
            seen.add(path.told)
            finished.append(path)
    return finished


def _passes(block: _Block, joint: str, path: _Path) -> bool:
    slots = path.tracker.slots
    return any(
        start.name == joint and all(slots.get(slot.name) == slot.value for slot in start.slots)
        for start in block.starts
    )
