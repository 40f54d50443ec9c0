"""End-to-end test cases in Rasa's grammar: fixtures, metadata, and cases of what is said and what must come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from bot.rasa.domain import UTTER
from bot.rasa.refusals import Source

CASES = "test_cases"
FILE_KEYS = {"version", "fixtures", "metadata", CASES}
CASE_KEYS = {"test_case", "fixtures", "metadata", "steps"}
USER_KEYS = {"user", "metadata", "assertions", "assertion_order_enabled"}
RESPONSE_NAME = f"{UTTER}name"
UTTERED_KEYS = {RESPONSE_NAME, "text_matches", "buttons"}
BUTTON_KEYS = {"title", "payload"}
_WITHOUT = re.compile(r"^(flow_|generative_|pattern_|stub_)")
NOT_HERE = "is of flows, language models or stubs and not supported 流程、大模型与桩不支持"


@dataclass(frozen=True)
class Said:
    """The assistant says (or, `absent`, does not say) something: a response, exact words, words that fit, buttons."""

    response: str | None = None
    text: str | None = None
    pattern: str | None = None
    buttons: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    absent: bool = False
    line: int = 0


@dataclass(frozen=True)
class Filled:
    """A slot is set (or, `absent`, is not) in the turn; without `given` to any value."""

    name: str
    value: Any = field(default=None, hash=False)
    given: bool = False
    absent: bool = False
    line: int = 0


@dataclass(frozen=True)
class Done:
    """An action runs in the turn."""

    action: str
    line: int = 0


Expectation: TypeAlias = Said | Filled | Done


@dataclass(frozen=True)
class CaseTurn:
    """A message and what must come of it; `ordered`: in this order."""

    text: str
    metadata: Mapping[str, Any] = field(hash=False)
    expected: tuple[Expectation, ...]
    ordered: bool
    line: int


@dataclass(frozen=True)
class Case:
    """A test case; `slots` are those of its fixtures."""

    name: str
    slots: Mapping[str, Any] = field(hash=False)
    turns: tuple[CaseTurn, ...]
    file: Path
    line: int


def read_cases(source: Source) -> tuple[Case, ...]:
    """The cases of one file; what is wrong or not supported is noted in its findings."""
    return _Reader(source).cases()


class _Reader:
    """One reading of a file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.fixtures: dict[str, dict[str, Any]] = {}
        self.metadata: dict[str, dict[str, Any]] = {}

    def cases(self) -> tuple[Case, ...]:
        body = self.source.content
        for key in body:
            if key not in FILE_KEYS:
                self._refuse_key(key, key)
        for name, slots in self._named("fixtures"):
            self.fixtures[name] = self._slots_of(slots, "fixtures")
        for name, told in self._named("metadata"):
            self.metadata[name] = self._metadata_of(told)
        found = (self._case(one, CASES, index) for index, one in enumerate(self._items(body.get(CASES), CASES)))
        return tuple(case for case in found if case is not None)

    def _items(self, value: object, *at: str | int) -> list[Any]:
        return self.source.items(value, *at)

    def _line(self, *at: str | int) -> int:
        return self.source.line(*at) or 0

    def _word(self, value: object, *at: str | int) -> str | None:
        """A word or sentence; numbers are read as such, nothing and lists are refused."""
        if isinstance(value, bool | None | list | dict):
            self.source.refuse(f"`{at[-1]}` needs words 须为文字", *at)
            return None
        return str(value).strip()

    def _refuse_key(self, key: str, *at: str | int) -> None:
        self.source.refuse(f"`{key}` {NOT_HERE if _WITHOUT.match(key) else 'is not supported 不支持'}", *at)

    def _checked(self, value: object, allowed: set[str], *at: str | int) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.source.refuse(f"{value!r} is no mapping 须为键值对", *at)
            return {}
        for key in value:
            if key not in allowed:
                self._refuse_key(str(key), *at, key)
        return {key: one for key, one in value.items() if key in allowed}

    def _named(self, key: str) -> list[tuple[str, Any]]:
        """The entries of a list of one-key mappings."""
        entries = []
        for index, entry in enumerate(self._items(self.source.content.get(key), key)):
            if isinstance(entry, dict):
                entries += [(str(name), value) for name, value in entry.items()]
            else:
                self.source.refuse(f"an entry of `{key}` is `name: …` 每项须为 `名称: …`", key, index)
        return entries

    def _metadata_of(self, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.source.refuse("metadata are a mapping 元数据须为键值对", "metadata")
            return {}
        return dict(value)

    def _slots_of(self, value: object, *at: str | int) -> dict[str, Any]:
        slots: dict[str, Any] = {}
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                slots |= entry
            else:
                self.source.refuse("a fixture is a list of `slot: value` 须为 `槽位: 值` 的列表", *at)
        return slots

    def _case(self, value: object, *at: str | int) -> Case | None:
        body = self._checked(value, CASE_KEYS, *at)
        name = body.get("test_case")
        if not isinstance(name, str) or not name:
            self.source.refuse("a `test_case` needs a name 须有名称", *at)
            return None
        slots: dict[str, Any] = {}
        for fixture in self._items(body.get("fixtures"), *at, "fixtures"):
            if fixture not in self.fixtures:
                self.source.refuse(f"no fixture is called `{fixture}` 没有此名的 fixture", *at, "fixtures")
            slots |= self.fixtures.get(fixture, {})
        turns: list[CaseTurn] = []
        told = self._metadata(body, *at)
        for index, step in enumerate(self._items(body.get("steps"), *at, "steps")):
            self._step(step, turns, told, *at, "steps", index)
        if not turns:
            self.source.refuse(f"case `{name}` has no `user` step 没有 `user` 步骤", *at)
        return Case(name, slots, tuple(turns), self.source.path, self._line(*at))

    def _metadata(self, body: Mapping[str, Any], *at: str | int) -> dict[str, Any]:
        name = body.get("metadata")
        if name is None:
            return {}
        if name not in self.metadata:
            self.source.refuse(f"no metadata are called `{name}` 没有此名的 metadata", *at, "metadata")
        return self.metadata.get(name, {})

    def _step(self, step: object, turns: list[CaseTurn], told: Mapping[str, Any], *at: str | int) -> None:
        """Add a turn, or what is expected of the last one."""
        if isinstance(step, dict) and "user" in step:
            body = self._checked(step, USER_KEYS, *at)
            expected = self._assertions(body.get("assertions"), *at, "assertions")
            metadata = {**told, **self._metadata(body, *at)}
            ordered = body.get("assertion_order_enabled") is True
            if (said := self._word(step["user"], *at, "user")) is not None:
                turns.append(CaseTurn(said, metadata, expected, ordered, self._line(*at)))
            return
        expected = self._expected(step, _STEPS, *at)
        if not turns:
            self.source.refuse("a case begins with a `user` step 须以 `user` 步骤开始", *at)
            return
        last = turns[-1]
        turns[-1] = CaseTurn(last.text, last.metadata, (*last.expected, *expected), last.ordered, last.line)

    def _assertions(self, value: object, *at: str | int) -> tuple[Expectation, ...]:
        entries = enumerate(self._items(value, *at))
        return tuple(one for index, entry in entries for one in self._expected(entry, _ASSERTIONS, *at, index))

    def _expected(self, entry: object, readers: Readers, *at: str | int) -> tuple[Expectation, ...]:
        body = self._checked(entry, set(readers), *at)
        return tuple(one for key, value in body.items() for one in readers[key](self, value, *at, key))

    def _utter(self, value: object, *at: str | int) -> list[Expectation]:
        return [Said(response=self._word(value, *at), line=self._line(*at))]

    def _bot(self, value: object, *at: str | int) -> list[Expectation]:
        return [Said(text=self._word(value, *at), line=self._line(*at))]

    def _action(self, value: object, *at: str | int) -> list[Expectation]:
        return [Done(self._word(value, *at) or "", self._line(*at))]

    def _set(self, value: object, *at: str | int) -> list[Expectation]:
        return self._slots(value, False, *at)

    def _not_set(self, value: object, *at: str | int) -> list[Expectation]:
        return self._slots(value, True, *at)

    def _slots(self, value: object, absent: bool, *at: str | int) -> list[Expectation]:
        """Slots of a step: a name, or `name: value`."""
        found: list[Expectation] = []
        for index, entry in enumerate(self._items(value, *at)):
            line = self._line(*at, index)
            if isinstance(entry, dict):
                found += [Filled(str(name), one, True, absent, line) for name, one in entry.items()]
            else:
                found.append(Filled(str(entry), None, False, absent, line))
        return found

    def _asserted(self, value: object, absent: bool, *at: str | int) -> list[Expectation]:
        """Slots of an assertion: `name`, and `value` beside it."""
        found: list[Expectation] = []
        for index, entry in enumerate(self._items(value, *at)):
            body = self._checked(entry, {"name", "value"}, *at, index)
            if "name" in body:
                given = "value" in body
                found.append(Filled(str(body["name"]), body.get("value"), given, absent, self._line(*at, index)))
            else:
                self.source.refuse("a slot needs a `name` 槽位须有 `name`", *at, index)
        return found

    def _asserted_set(self, value: object, *at: str | int) -> list[Expectation]:
        return self._asserted(value, False, *at)

    def _asserted_not_set(self, value: object, *at: str | int) -> list[Expectation]:
        return self._asserted(value, True, *at)

    def _uttered(self, value: object, *at: str | int) -> list[Expectation]:
        return self._words(value, False, *at)

    def _not_uttered(self, value: object, *at: str | int) -> list[Expectation]:
        return self._words(value, True, *at)

    def _words(self, value: object, absent: bool, *at: str | int) -> list[Expectation]:
        body = self._checked(value, UTTERED_KEYS, *at)
        if not body:
            self.source.refuse(f"`{at[-1]}` names one of 须写明其一: {', '.join(sorted(UTTERED_KEYS))}", *at)
            return []
        pattern = body.get("text_matches")
        try:
            re.compile(str(pattern))
        except re.error as error:
            self.source.refuse(f"`text_matches` {pattern!r} is broken 写法有误: {error}", *at, "text_matches")
            return []
        places = enumerate(self._items(body.get("buttons"), *at, "buttons"))
        buttons = tuple(self._checked(one, BUTTON_KEYS, *at, "buttons", index) for index, one in places)
        name = body.get(RESPONSE_NAME)
        written = None if pattern is None else str(pattern)
        return [Said(str(name) if name else None, None, written, buttons, absent, self._line(*at))]


Readers: TypeAlias = Mapping[str, Callable[..., list[Expectation]]]
_STEPS: Readers = {
    "utter": _Reader._utter,
    "bot": _Reader._bot,
    "slot_was_set": _Reader._set,
    "slot_was_not_set": _Reader._not_set,
}
_ASSERTIONS: Readers = {
    "action_executed": _Reader._action,
    "slot_was_set": _Reader._asserted_set,
    "slot_was_not_set": _Reader._asserted_not_set,
    "bot_uttered": _Reader._uttered,
    "bot_did_not_utter": _Reader._not_uttered,
}
