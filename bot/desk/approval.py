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
        """Whether a person is to look at this answer first; a form under way is not interrupted."""
        plain = turn.outcome is Outcome.ANSWERED and turn.active_form is None and bool(turn.hits)
        return plain and turn.hits[0].score < self.below

    def asked(
        self,
        drafts: Drafts,
        message: UserMessage,
        turn: Turn,
        answer: Sequence[dict[str, Any]],
        domain: Domain,
        now: datetime,
    ) -> Turn:
        """Keep the answer as a draft; gives the turn that tells the citizen that a colleague checks."""
        due = now + timedelta(seconds=self.seconds)
        score = turn.hits[0].score
        drafts.keep(message.sender, turn.language, message.text, answer, score, now, due)
        bubble = domain.say("utter_being_checked", turn.language)
        events = tuple(event for event in turn.events if event.event != "bot")
        told = (*events, replace(events[0], event="bot", name=None, text=bubble.text))
        return replace(turn, outcome=Outcome.HANDOFF, messages=(bubble,), events=told, hits=(), sources=())
