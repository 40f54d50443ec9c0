"""Rules and stories of a Rasa project (and its test stories) as steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from bot.rasa.refusals import Source
from bot.rasa.training_data import Annotation, Example, read_annotations, split_intent

STORY_KEYS = {"story", "steps", "metadata"}
RULE_KEYS = {"rule", "steps", "condition", "conversation_start", "wait_for_user_input", "metadata"}
# Looked for in this order, as Rasa does.
NOT_SUPPORTED = "is not supported 不支持端到端训练"
STEP_KINDS = ("intent", "user", "or", "action", "bot", "checkpoint", "slot_was_set", "active_loop", "metadata")


@dataclass(frozen=True)
class EntityMark:
    """An entity beside an intent; a value of "" stands for any (only the name counts)."""

    entity: str
    value: Any = field(default="", hash=False)
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class UserStep:
    """The person says something of an intent; `text` only in test stories, `response` for retrieval intents there."""

    intent: str
    entities: tuple[EntityMark, ...] = ()
    text: str | None = None
    response: str | None = None
    annotations: tuple[Annotation, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class ActionStep:
    """The assistant does something."""

    name: str
    line: int = 0


@dataclass(frozen=True)
class BotStep:
    """The assistant says these words (only in test stories)."""

    text: str
    line: int = 0


@dataclass(frozen=True)
class SlotStep:
    """Slots are set; `given` False where only the name stands (then Rasa's stand-in value is used)."""

    name: str
    value: Any = field(default=None, hash=False)
    given: bool = True
    line: int = 0


@dataclass(frozen=True)
class LoopStep:
    """A form starts (or, None, ends)."""

    name: str | None
    line: int = 0


@dataclass(frozen=True)
class OrStep:
    """One of several."""

    options: tuple[UserStep | SlotStep, ...]
    line: int = 0


@dataclass(frozen=True)
class CheckpointStep:
    """A named joint between stories, passed only where the slots have these values."""

    name: str
    slots: tuple[SlotStep, ...] = ()
    line: int = 0


Step: TypeAlias = UserStep | ActionStep | BotStep | SlotStep | LoopStep | OrStep | CheckpointStep


@dataclass(frozen=True)
class Story:
    """A story, or a test story."""

    name: str
    steps: tuple[Step, ...]
    file: Path
    line: int
    metadata: Any = field(default=None, hash=False, compare=False)


@dataclass(frozen=True)
class Rule:
    """A rule: in which state, after which turn, what is done."""

    name: str
    steps: tuple[Step, ...]
    file: Path
    line: int
    conditions: tuple[Step, ...] = ()
    conversation_start: bool = False
    wait_for_user_input: bool = True


class StoryReader:
    """Reads the stories and rules of one file; in tests words of both sides are allowed.

    Words beside an intent are `examples` of it when it is no test, as Rasa learns them.
    """

    def __init__(self, source: Source, tests: bool = False) -> None:
        self.source, self.tests = source, tests
        self.examples: list[Example] = []

    def stories(self) -> tuple[Story, ...]:
        """The `stories:` of the file."""
        found = []
        for index, entry in enumerate(self.source.items(self.source.content.get("stories"), "stories")):
            at = ("stories", index)
            body = self.source.mapping(entry, STORY_KEYS, *at)
            if name := self._name(body, "story", *at):
                if not (steps := self._steps(body.get("steps"), *at, "steps")):
                    continue
                found.append(Story(name, steps, self.source.path, self._line(*at), body.get("metadata")))
        return tuple(found)

    def rules(self) -> tuple[Rule, ...]:
        """The `rules:` of the file."""
        found = []
        for index, entry in enumerate(self.source.items(self.source.content.get("rules"), "rules")):
            at = ("rules", index)
            body = self.source.mapping(entry, RULE_KEYS, *at)
            if not (name := self._name(body, "rule", *at)):
                continue
            if not (steps := self._steps(body.get("steps"), *at, "steps")):
                continue
            conditions = self._steps(body.get("condition", []), *at, "condition") if body.get("condition") else ()
            for condition in conditions:
                if not isinstance(condition, SlotStep | LoopStep):
                    self.source.refuse("a condition is 条件须为 `slot_was_set` or 或 `active_loop`", *at, "condition")
            start, wait = body.get("conversation_start") is True, body.get("wait_for_user_input") is not False
            found.append(Rule(name, steps, self.source.path, self._line(*at), conditions, start, wait))
        return tuple(found)

    def _line(self, *at: str | int) -> int:
        return self.source.line(*at) or 0

    def _name(self, body: dict[str, Any], key: str, *at: str | int) -> str | None:
        name = body.get(key)
        if name is None or name == "":
            self.source.refuse(f"a `{key}` needs a name 须有名称", *at)
            return None
        return str(name)

    def _steps(self, value: object, *at: str | int) -> tuple[Step, ...]:
        steps: list[Step] = []
        items = self.source.items(value, *at)
        if not items:
            self.source.tell("has no steps, so Rasa leaves it out 没有步骤，Rasa 忽略", *at)
        for index, entry in enumerate(items):
            steps.extend(self._step(entry, *at, index))
        return tuple(steps)

    def _step(self, entry: object, *at: str | int) -> list[Step]:
        if not isinstance(entry, dict):
            self.source.refuse(f"step {entry!r} is no mapping 步骤须为键值对", *at)
            return []
        kind = next((kind for kind in STEP_KINDS if kind in entry), None)
        if kind is None:
            self.source.refuse(f"step `{next(iter(entry), '')}` is not supported 不支持此步骤", *at)
            return []
        readers: dict[str, Callable[..., list[Step]]] = {
            "intent": self._user,
            "user": self._user,
            "or": self._or,
            "action": self._action,
            "bot": self._bot,
            "checkpoint": self._checkpoint,
            "slot_was_set": lambda entry, *at: list(self._slots(entry, *at)),
            "active_loop": self._loop,
            "metadata": lambda entry, *at: [],
        }
        return readers[kind](entry, *at)

    def _user(self, entry: dict[str, Any], *at: str | int) -> list[Step]:
        body = self.source.mapping(entry, {"intent", "user", "entities", "metadata"}, *at)
        if "user" in body and not self.tests and not body.get("intent"):
            self.source.refuse(f"end-to-end training (`user:` without `intent:`) {NOT_SUPPORTED}", *at, "user")
            return []
        name = body.get("intent")
        if name is not None and not isinstance(name, str):
            self.source.refuse("`intent` is a name 须为名称", *at, "intent")
            return []
        intent, response = split_intent((name or "").strip().removeprefix("/"))
        if response and not self.tests:
            self.source.tell(f"only the intent `{intent}` of `{name}` counts in a story 故事里只看意图", *at, "intent")
        if "user" in body:
            text, marks = read_annotations(str(body["user"]).strip(), lambda problem: self.source.refuse(problem, *at))
            entities = tuple(EntityMark(mark.entity, mark.value, mark.role, mark.group) for mark in marks)
            if not self.tests:
                response = None
                if text and not text.startswith("/"):
                    self.examples.append(Example(text, intent, None, marks, None, self.source.path, self._line(*at)))
            return [UserStep(intent, entities, text, response, marks, self._line(*at))]
        if not intent:
            self.source.refuse("a turn needs an `intent` 缺少意图", *at)
            return []
        entities = self._entities(body.get("entities"), *at, "entities")
        return [UserStep(intent, entities, None, response, (), self._line(*at))]

    def _entities(self, value: object, *at: str | int) -> tuple[EntityMark, ...]:
        marks = []
        for index, entry in enumerate(self.source.items(value, *at)):
            if isinstance(entry, str):
                marks.append(EntityMark(entry))
                continue
            body = self.source.mapping(entry, None, *at, index)
            names = [key for key in body if key not in ("role", "group")]
            if len(names) != 1:
                self.source.refuse("an entity is 实体须为 `name: value`, with `role` and `group` beside it", *at, index)
                continue
            role, group = (self.source.text(body.get(key), *at, index, key) for key in ("role", "group"))
            marks.append(EntityMark(names[0], body[names[0]], role, group))
        return tuple(marks)

    def _action(self, entry: dict[str, Any], *at: str | int) -> list[Step]:
        body = self.source.mapping(entry, {"action", "metadata"}, *at)
        if not isinstance(body["action"], str) or not body["action"]:
            self.source.refuse("`action` needs a name 须有名称", *at)
            return []
        return [ActionStep(body["action"], self._line(*at))]

    def _bot(self, entry: dict[str, Any], *at: str | int) -> list[Step]:
        if not self.tests:
            self.source.refuse(f"end-to-end training (`bot:` in a story) {NOT_SUPPORTED}", *at, "bot")
            return []
        return [BotStep(str(entry["bot"]).strip(), self._line(*at))]

    def _loop(self, entry: dict[str, Any], *at: str | int) -> list[Step]:
        name = self.source.mapping(entry, {"active_loop", "metadata"}, *at)["active_loop"]
        if name is not None and not isinstance(name, str):
            self.source.refuse("`active_loop` is a form's name or null 须为表单名或 null", *at)
            return []
        return [LoopStep(name, self._line(*at))]

    def _slots(self, entry: dict[str, Any], *at: str | int) -> tuple[SlotStep, ...]:
        steps = []
        for index, slot in enumerate(self.source.items(entry.get("slot_was_set"), *at, "slot_was_set")):
            place = (*at, "slot_was_set", index)
            if isinstance(slot, str):
                steps.append(SlotStep(slot, None, False, self._line(*place)))
                continue
            for name, value in self.source.mapping(slot, None, *place).items():
                steps.append(SlotStep(name, value, True, self._line(*place)))
        return tuple(steps)

    def _checkpoint(self, entry: dict[str, Any], *at: str | int) -> list[Step]:
        body = self.source.mapping(entry, {"checkpoint", "slot_was_set", "metadata"}, *at)
        slots = self._slots(body, *at) if "slot_was_set" in body else ()
        if any(not slot.given for slot in slots):
            self.source.refuse("a slot of a checkpoint needs a value 检查点的槽位须有值", *at, "slot_was_set")
            return []
        if not isinstance(name := body["checkpoint"], str | int | float) or name == "":
            self.source.refuse("a `checkpoint` needs a name 须有名称", *at, "checkpoint")
            return []
        return [CheckpointStep(str(name), slots, self._line(*at))]

    def _or(self, entry: dict[str, Any], *at: str | int) -> list[Step]:
        options: list[UserStep | SlotStep] = []
        for index, option in enumerate(self.source.items(entry.get("or"), *at, "or")):
            place = (*at, "or", index)
            found = self._step(option, *place)
            if any(not isinstance(step, UserStep | SlotStep) for step in found):
                self.source.refuse("`or` takes 只能含 `intent` and 与 `slot_was_set`", *place)
                continue
            options.extend(step for step in found if isinstance(step, UserStep | SlotStep))
        if not entry.get("or"):
            self.source.refuse("`or` needs something to choose from 没有可选项", *at, "or")
        return [OrStep(tuple(options), self._line(*at))] if options else []
