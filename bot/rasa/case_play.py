"""Test cases held with an assistant: each message is said, and what came of it is compared with what must."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.rasa.case_reader import Case, CaseTurn, Done, Expectation, Filled, Said
from bot.rasa.domain import LISTEN, UTTER_ACTION
from bot.rasa.events import ActionExecuted, BotUttered, Event, SlotSet
from bot.rasa.processor import Processor


class Talker(Protocol):
    """An assistant that a case can be held with."""

    def begin(self, slots: Mapping[str, Any]) -> None:
        """A new conversation with these slots set."""
        ...

    def say(self, text: str, metadata: Mapping[str, Any]) -> tuple[Event, ...]:
        """Everything that happened for a message: actions, slots, words (a response's name in their metadata)."""
        ...

    def broken(self) -> tuple[str, ...]:
        """What should have run since the conversation began, and did not."""
        ...


class ProjectTalker:
    """A Rasa project that runs on our engine; its actions run."""

    def __init__(self, processor: Processor) -> None:
        self.processor = processor
        self._number = 0
        self._broken: list[str] = []
        processor.on_failure = lambda action, error: self._broken.append(f"action {action} failed: {error}")

    @property
    def _sender(self) -> str:
        return f"case-{self._number}"

    def begin(self, slots: Mapping[str, Any]) -> None:
        """A new conversation; its session is opened before the slots are set."""
        self._number += 1
        self._broken.clear()
        self.processor.begin(self._sender, slots)

    def say(self, text: str, metadata: Mapping[str, Any]) -> tuple[Event, ...]:
        """The events of the turn."""
        before = len(self.processor.conversations.events[self._sender])
        self.processor.handle(text, self._sender, metadata)
        return tuple(self.processor.conversations.events[self._sender][before:])

    def broken(self) -> tuple[str, ...]:
        """Actions that failed."""
        return tuple(self._broken)


@dataclass(frozen=True)
class Failure:
    """Something expected that did not come; both sides in words."""

    line: int
    said: str
    expected: str
    found: str


@dataclass(frozen=True)
class CaseResult:
    """A held case; it ends with the first turn that fails, `broken` are the actions that may have made it fail."""

    case: Case
    failures: tuple[Failure, ...]
    broken: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.failures


def hold(case: Case, talker: Talker) -> CaseResult:
    """Hold a case; after a turn that fails the rest would only fail with it."""
    talker.begin(case.slots)
    for turn in case.turns:
        failures = tuple(_failures(turn, talker.say(turn.text, turn.metadata)))
        if failures:
            return CaseResult(case, failures, talker.broken())
    return CaseResult(case, ())


def _failures(turn: CaseTurn, events: Sequence[Event]) -> list[Failure]:
    """What did not come; where the turn asks for it, each thing not before the one expected before it."""
    failures: list[Failure] = []
    begin, before = 0, ""
    for expected in turn.expected:
        absent = not isinstance(expected, Done) and expected.absent
        places = [place for place in range(0 if absent else begin, len(events)) if _meets(expected, events[place])]
        if bool(places) is absent:
            wanted = f"{described(expected)}{before if not absent else ''}"
            failures.append(Failure(expected.line, turn.text, wanted, _found(expected, events)))
        elif places and turn.ordered:
            begin, before = places[0], f", after 须在其后: {described(expected)}"
    return failures


def _meets(expected: Expectation, event: Event) -> bool:
    if isinstance(expected, Done):
        return isinstance(event, ActionExecuted) and event.name == expected.action
    if isinstance(expected, Filled):
        if not isinstance(event, SlotSet) or event.name != expected.name:
            return False
        return bool(event.value == expected.value) if expected.given else event.value is not None
    return isinstance(event, BotUttered) and all(check(expected, event) for check in _CHECKS)


def _response(expected: Said, event: BotUttered) -> bool:
    return expected.response in (None, event.metadata.get(UTTER_ACTION))


def _text(expected: Said, event: BotUttered) -> bool:
    return expected.text is None or expected.text == (event.text or "").strip()


def _pattern(expected: Said, event: BotUttered) -> bool:
    return expected.pattern is None or re.search(expected.pattern, event.text or "") is not None


def _buttons(expected: Said, event: BotUttered) -> bool:
    shown = event.data.get("buttons") or ()
    return all(any(wanted.items() <= dict(button).items() for button in shown) for wanted in expected.buttons)


_CHECKS: Sequence[Callable[[Said, BotUttered], bool]] = (_response, _text, _pattern, _buttons)


def described(expected: Expectation) -> str:
    """An expectation in the words of the grammar."""
    if isinstance(expected, Done):
        return f"action_executed: {expected.action}"
    if isinstance(expected, Filled):
        kind = "slot_was_not_set" if expected.absent else "slot_was_set"
        return f"{kind}: {expected.name}" + (f" = {expected.value!r}" if expected.given else "")
    told = {
        "utter": expected.response,
        "bot": expected.text,
        "text_matches": expected.pattern,
        "buttons": [dict(button) for button in expected.buttons],
    }
    words = ", ".join(f"{key}: {value}" for key, value in told.items() if value)
    return f"not {words}" if expected.absent else words


def _found(expected: Expectation, events: Sequence[Event]) -> str:
    """What came of the kind that was expected."""
    if isinstance(expected, Done):
        told = [event.name for event in events if isinstance(event, ActionExecuted) and event.name != LISTEN]
    elif isinstance(expected, Filled):
        told = [f"{event.name} = {event.value!r}" for event in events if isinstance(event, SlotSet)]
    else:
        told = [_uttered(event) for event in events if isinstance(event, BotUttered)]
    return " | ".join(told) or "nothing"


def _uttered(event: BotUttered) -> str:
    name = event.metadata.get(UTTER_ACTION)
    buttons = [str(button.get("title")) for button in event.data.get("buttons") or ()]
    return " ".join(part for part in (f"({name})" if name else "", event.text or "", str(buttons or "")) if part)
