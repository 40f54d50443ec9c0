"""Deciding on answers that wait: a person approves, edits or refuses one, or its time is over and it goes out."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.desk.drafts import Decision, Draft
from bot.desk.speaker import AGENT_SAID, ROLE, Speaker
from bot.domain import Domain
from bot.errors import DraftDecided
from bot.messages import BotMessage, MessageId
from bot.staff.accounts import Account
from bot.staff.audit import Action
from bot.store import Store, Work
from bot.tracker import Event, Mode

logger = logging.getLogger("chengda")


@dataclass(frozen=True)
class DraftDesk:
    """Drafts as one account may decide on them, in one transaction."""

    work: Work
    account: Account
    now: datetime
    address: str | None
    domain: Domain

    def decide(self, number: int, decision: Decision, text: str | None = None) -> None:
        """Decide once; raises UnknownDraft or DraftDecided. `text` is the answer when it was edited."""
        draft = self.work.drafts.by_number(number)
        self.work.hold(draft.sender)
        self.work.drafts.decide(number, decision, self.account.login, self.now)
        match decision:
            case Decision.EDITED:
                self._say(draft, BotMessage(text or "", custom=dict(ROLE)), AGENT_SAID)
            case Decision.REFUSED:
                self._say(draft, self.domain.say("utter_approval_refused", draft.language), "bot")
            case _:
                _bring(self.work, draft, self.now, [])
        self.work.audit.write(self.account, Action.DRAFT_DECIDED, self.address, None, [f"draft:{number}", decision])

    def _say(self, draft: Draft, bubble: BotMessage, event: str) -> None:
        speaker = Speaker(self.work, self.now)
        said = speaker.event(event, login=self.account.login if event == AGENT_SAID else None, text=bubble.text)
        tracker = self.work.tracker(draft.sender)
        speaker.say(tracker, draft.language, (bubble,), (said,), _key(draft))


def lapse(store: Store, domain: Domain, now: datetime) -> int:
    """Send what waited too long, with its hint; one transaction a draft, gives how many. Nothing waits for a failure.

    While a person holds the conversation nothing is sent: that person answers.
    """
    with store.read() as work:
        late = work.drafts.due(now)
    return sum(_lapsed(store, domain, draft, now) for draft in late)


def _lapsed(store: Store, domain: Domain, draft: Draft, now: datetime) -> bool:
    try:
        with store.work() as work:
            work.hold(draft.sender)
            work.drafts.decide(draft.number, Decision.LAPSED, None, now)
            if work.tracker(draft.sender).mode is not Mode.MANUAL:
                hint = domain.say("utter_approval_lapsed", draft.language)
                _bring(work, draft, now, [{"recipient_id": draft.sender, "text": hint.text}])
    except DraftDecided:
        return False
    except Exception as error:
        logger.error("reference %s: draft %s failed", secrets.token_hex(4), draft.number, exc_info=error)
        return False
    return True


def _bring(work: Work, draft: Draft, now: datetime, before: list[dict[str, Any]]) -> None:
    """The answer as the assistant made it, after other bubbles."""
    bubbles = [*before, *draft.answer]
    events = [Event("bot", now.timestamp(), text=bubble.get("text")) for bubble in bubbles]
    tracker = work.tracker(draft.sender)
    Speaker(work, now).bring(tracker, draft.language, bubbles, events, _key(draft))


def _key(draft: Draft) -> MessageId:
    return MessageId(f"draft:{draft.number}")
