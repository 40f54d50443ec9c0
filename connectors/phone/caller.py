"""Who calls, as the assistant and the desk know them: turns, the queue, and whether something can still be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.channels.plain import chosen
from bot.desk.talks import Reason
from bot.messages import MessageId, SenderId, UserMessage
from bot.phone.callers import PHONE
from bot.phone.heard import note_heard
from connectors import metrics
from connectors.channels.gateway import Gateway, answered

Answer = list[dict[str, Any]]


@dataclass(frozen=True)
class Caller:
    """One call's citizen; `number` is where the call comes from, None where that is withheld."""

    gateway: Gateway
    channel: str
    sender: SenderId
    number: str | None

    def turn(self, text: str, message: MessageId, language: str) -> Answer:
        """The answer to what was said, or to the key of a choice."""
        assistant = self.gateway.assistant
        with assistant.store.read() as work:
            named = chosen(work.last_answer(self.sender), text)
        said = text if named is None else named
        asked = UserMessage(self.sender, said, message, language, self.channel, calls_from=self.number)
        with metrics.turn_timer():
            answer = answered(assistant, asked)
        metrics.count_turn(answer)
        return answer

    def choices(self) -> int:
        """How many choices the last answer has."""
        with self.gateway.assistant.store.read() as work:
            last = work.last_answer(self.sender) or []
        return sum(len(bubble.get("buttons", ())) for bubble in last)

    def heard(self, message: MessageId, text: str) -> None:
        """Keep no more of an answer than was heard."""
        with self.gateway.assistant.store.work() as work:
            note_heard(work, self.sender, message, text)

    def waits(self) -> bool:
        """Whether a person takes over now: asked for, and the desk is open; else the caller is called back."""
        assistant = self.gateway.assistant
        with assistant.store.read() as work:
            waits = work.talks.open_of(self.sender) is not None
        return waits and assistant.hours.opens_after(assistant.clock()) is None

    @property
    def stays(self) -> str:
        """The words for who waits on the line: a call-back is promised only where there is a number."""
        return "utter_phone_stay_or_called" if self.number else "utter_phone_stay"

    def came(self, language: str) -> None:
        """Something can be said to the caller from now on."""
        assistant = self.gateway.assistant
        with assistant.store.work() as work:
            work.contacts.wrote(self.sender, self.channel, language, assistant.clock(), None, PHONE)

    def left(self, handed_on: bool) -> None:
        """Nothing can be said any more; who asked for a person and was not handed on to one is called back."""
        with self.gateway.assistant.store.work() as work:
            work.contacts.reach(self.sender, False)
            talk = work.talks.open_of(self.sender) if self.number and not handed_on else None
            if talk is not None and talk.reason is Reason.ASKED and talk.call_back_to is None:
                work.handoffs.call_back(self.sender, self.number)
