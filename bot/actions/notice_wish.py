"""Notices stopped, started, in another language or sent elsewhere, as a citizen says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.actions.notice_place import goes_elsewhere, keep_place, place_told
from bot.channels.notices import Mailing
from bot.channels.places import Places
from bot.messages import SenderId
from bot.nlu.notice_wishes import Wish, wish_of
from bot.nlu.place_wishes import place_wish_of
from bot.turn import ActionResult, Outcome, TurnContext

KEPT: Mapping[Wish, Mapping[str, Any]] = {
    Wish.STOP: {"notices": False},
    Wish.START: {"notices": True},
    Wish.CHINESE: {"notices": True, "language": "zh"},
    Wish.ENGLISH: {"notices": True, "language": "en"},
}


def wished(text: str, sender: SenderId, places: Places | None, in_form: bool, now: datetime) -> Wish | None:
    """The wish that a message is; one that only a notice gives its meaning answers no form."""
    wish = wish_of(text)
    if wish is not None or in_form or places is None:
        return wish
    bare = wish_of(text, told=True)
    return bare if bare is not None and places.told(sender, now) else None


def keep_wish(text: str, sender: SenderId, mailing: Mailing) -> None:
    """Do what a message to a person clearly wishes of notices, and say nothing of it; "only here" may answer them."""
    wish = wish_of(text)
    if wish is not None:
        mailing.wish(sender, **KEPT[wish])
    elif place_wish_of(text, place_asked=True) is not None:
        keep_place(text, sender, mailing)


def notice_wish(turn: TurnContext, mailing: Mailing) -> ActionResult:
    """Do it and say so; where nothing is ever sent of our own accord, say where progress is seen."""
    in_form = turn.tracker.active_form is not None
    wish = wished(turn.message.text, turn.sender, mailing.places, in_form, turn.now)
    if wish is None:
        return place_told(turn, mailing)
    sends = mailing.wish(turn.sender, **KEPT[wish])
    said = turn.say(f"utter_notices_{wish}" if sends else "utter_notices_not_here")
    elsewhere = goes_elsewhere(turn.sender, mailing) if sends and wish is Wish.START else None
    if elsewhere is not None:
        said = turn.say("utter_notices_start_elsewhere", place=turn.text(f"utter_place_{elsewhere.kind}"))
    return ActionResult(Outcome.ANSWERED, (said,))
