"""Our own product as test cases talk with it: its turns told as Rasa's events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.action_table import ACTIONS
from bot.actions.say import SAYS
from bot.domain import Domain
from bot.messages import SenderId, UserMessage
from bot.rasa.case_names import Names
from bot.rasa.domain import REQUESTED_SLOT, UTTER_ACTION
from bot.rasa.events import ActionExecuted, ActiveLoop, BotUttered, Event, SlotSet
from bot.store import Work
from bot.tracker import Event as OwnEvent
from bot.tracker import fold
from bot.turn import ActionResult, TurnContext
from connectors.rasa.comparison import Stage

_PLACEHOLDER = re.compile(r"\\\{\w+\\\}")
# What the answer itself tells of a turn can be asked for like slots.
TOLD = ("outcome",)
SERVICE, CASE = "service", "case_id"


def product_names(domain: Domain) -> Names:
    """What cases may name when they are held with this product."""
    actions = {*domain.actions, *domain.forms, *domain.responses, *ACTIONS, *SAYS}
    return Names(domain.responses, {*domain.slots, REQUESTED_SLOT, *TOLD, SERVICE, CASE}, actions)


class ProductTalker:
    """The assistant on a new database for every case."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._wordings = _Wordings(stage.assistant.domain)
        self._sender = SenderId("case")

    def begin(self, slots: Mapping[str, Any]) -> None:
        """A new conversation and a new database; the slots are set before the first message."""
        self._stage.clear()
        if not slots:
            return
        store = self._stage.assistant.store
        with store.work() as work:
            now = self._stage.assistant.clock()
            events = tuple(OwnEvent("slot", now.timestamp(), name, value) for name, value in slots.items())
            work.save(fold(work.tracker(self._sender), events), None, events, [], now)

    def say(self, text: str, metadata: Mapping[str, Any]) -> tuple[Event, ...]:
        """The turn's action, what it set, and what it said; metadata may name `language` and `channel`."""
        assistant, actions = self._stage.assistant, list[str]()

        def run(turn: TurnContext, work: Work) -> tuple[ActionResult, str]:
            actions.clear()
            return assistant.run(turn, work, lambda decision: actions.append(decision.action))

        before = len(self._events())
        language, channel = metadata.get("language"), str(metadata.get("channel", "rest"))
        bubbles = assistant.handle(UserMessage(self._sender, text, None, language, channel), run=run)
        told = [event for one in self._events()[before:] if (event := _set(one)) is not None]
        said = [self._uttered(bubble) for bubble in bubbles]
        return (*map(ActionExecuted, actions), *told, *_told(bubbles), *said)

    def broken(self) -> tuple[str, ...]:
        """Nothing: our own actions run in the same process."""
        return ()

    def _events(self) -> list[OwnEvent]:
        with self._stage.assistant.store.work() as work:
            return work.events(self._sender)

    def _uttered(self, bubble: Mapping[str, Any]) -> BotUttered:
        text = str(bubble.get("text", ""))
        name = self._wordings.of(text)
        data = {"buttons": bubble.get("buttons") or (), "image": bubble.get("image")}
        return BotUttered(text, data, metadata={UTTER_ACTION: name} if name else {})


class _Wordings:
    """Which response of the domain some words are: the one with the most words of its own that they begin with."""

    def __init__(self, domain: Domain) -> None:
        self._patterns: list[tuple[int, re.Pattern[str], str]] = []
        for name, wording in domain.responses.items():
            for one in wording.values():
                literal = _PLACEHOLDER.sub("", re.escape(one.text))
                pattern = _PLACEHOLDER.sub(lambda match: ".*?", re.escape(one.text))
                self._patterns.append((len(literal), re.compile(pattern, re.DOTALL), name))
        self._patterns.sort(key=lambda entry: -entry[0])

    def of(self, text: str) -> str | None:
        """The name; None where the words are no response's."""
        whole = (name for size, pattern, name in self._patterns if size and pattern.fullmatch(text))
        begun = (name for size, pattern, name in self._patterns if size and pattern.match(text))
        return next(whole, None) or next(begun, None)


def _set(event: OwnEvent) -> Event | None:
    if event.event == "slot":
        return SlotSet(str(event.name), event.value)
    return ActiveLoop(event.name) if event.event == "active_loop" else None


def _told(bubbles: list[dict[str, Any]]) -> Iterator[SlotSet]:
    """What the answer tells for machines."""
    turn = next((b["custom"]["turn"] for b in reversed(bubbles) if "turn" in b.get("custom", {})), None)
    if turn is None:
        return
    yield from (SlotSet(name, turn[name]) for name in TOLD)
    if turn["services"]:
        yield SlotSet(SERVICE, turn["services"][0]["code"])
    if turn["case"]:
        yield SlotSet(CASE, turn["case"]["case_id"])
