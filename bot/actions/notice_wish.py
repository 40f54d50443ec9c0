"""Notices stopped, started, or in another language, as a citizen says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.channels.notices import Mailing
from bot.messages import SenderId
from bot.nlu.notice_wishes import Wish, wish_of
from bot.turn import ActionResult, Outcome, TurnContext

KEPT: Mapping[Wish, Mapping[str, Any]] = {
    Wish.STOP: {"notices": False},
    Wish.START: {"notices": True},
    Wish.CHINESE: {"notices": True, "language": "zh"},
    Wish.ENGLISH: {"notices": True, "language": "en"},
}


def keep_wish(text: str, sender: SenderId, mailing: Mailing) -> tuple[Wish, bool] | None:
    """Do what a message wishes of notices; whether the channel sends any. None where it wishes nothing of them."""
    wish = wish_of(text)
    return None if wish is None else (wish, mailing.wish(sender, **KEPT[wish]))


def notice_wish(turn: TurnContext, mailing: Mailing) -> ActionResult:
    """Do it and say so; where nothing is ever sent of our own accord, say where progress is seen."""
    kept = keep_wish(turn.message.text, turn.sender, mailing)
    assert kept is not None
    wish, sends = kept
    said = turn.say(f"utter_notices_{wish}" if sends else "utter_notices_not_here")
    return ActionResult(Outcome.ANSWERED, (said,))
