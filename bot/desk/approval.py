"""Answers the assistant is not sure of wait for a person, but never for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.desk.drafts import Drafts
from bot.domain import Domain
from bot.messages import UserMessage
from bot.turn import Outcome, Turn


@dataclass(frozen=True)
class Approval:
    """Below which confidence an answer waits (0: never), and for how many seconds."""

    below: float = 0.0
    seconds: float = 120.0

    def wanted(self, turn: Turn) -> bool:
        """Whether a person is to look at this answer first: the assistant's own judgement, and not believed enough."""
        return turn.belief is not None and turn.belief < self.below

    def held(self, turn: Turn) -> Turn:
        """The part of a turn that waits; what was done before it, or follows it as a form's question, does not."""
        return replace(turn, messages=turn.messages[turn.leads : len(turn.messages) - turn.follows])

    def asked(
        self,
        drafts: Drafts,
        message: UserMessage,
        turn: Turn,
        answer: Sequence[dict[str, Any]],
        domain: Domain,
        now: datetime,
    ) -> Turn:
        """Keep the answer, that of `held`, as a draft; gives the turn that tells that a colleague checks."""
        due = now + timedelta(seconds=self.seconds)
        drafts.keep(message.sender, turn.language, message.text, answer, turn.belief or 0.0, now, due)
        checked = domain.say("utter_being_checked", turn.language)
        messages = (*turn.messages[: turn.leads], checked, *turn.messages[len(turn.messages) - turn.follows :])
        events = tuple(event for event in turn.events if event.event != "bot")
        told = (replace(events[0], event="bot", name=None, text=bubble.text) for bubble in messages)
        return replace(
            turn, outcome=Outcome.HANDOFF, messages=messages, events=(*events, *told), hits=(), sources=(), belief=None
        )
