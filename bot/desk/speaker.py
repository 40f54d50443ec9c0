"""Words to a citizen that answer no message: a turn of the conversation, and a parcel where the channel sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.answer import unasked
from bot.channels.parcel import Kind
from bot.messages import BotMessage, MessageId
from bot.store import Work
from bot.tracker import Event, Tracker, fold
from bot.turn import Outcome, Turn

AGENT_SAID = "agent"
ROLE = {"role": AGENT_SAID}


@dataclass(frozen=True)
class Speaker:
    """Speaks in one transaction; who uses it holds the sender."""

    work: Work
    now: datetime

    def say(
        self,
        tracker: Tracker,
        language: str,
        messages: Sequence[BotMessage],
        events: Sequence[Event] = (),
        key: MessageId | None = None,
        push: bool = True,
    ) -> Tracker:
        """Say something and apply events; gives the state after. `push` is whether a messenger brings it, too."""
        after = fold(tracker, events)
        turn = Turn(
            Outcome.HANDOFF, language, tuple(messages), "none", 0.0,
            active_form=after.active_form, requested_slot=after.requested_slot,
        )  # fmt: skip
        self.bring(after, language, unasked(turn, tracker.sender), events, key, push)
        return after

    def bring(
        self,
        after: Tracker,
        language: str,
        bubbles: list[dict[str, Any]],
        events: Sequence[Event],
        key: MessageId | None = None,
        push: bool = True,
    ) -> int:
        """Store bubbles as a turn and post them; gives the turn's number."""
        number = self.work.save(after, key, events, bubbles, self.now)
        contact = self.work.contacts.of(after.sender) if push else None
        if contact is not None:
            self.work.outbox.post(
                f"agent:{number}", after.sender, contact.channel, Kind.AGENT, language, bubbles, self.now
            )
        return number

    def event(self, name: str, value: object = None, login: str | None = None, text: str | None = None) -> Event:
        """An event of now."""
        return Event(name, self.now.timestamp(), login, value, text)
