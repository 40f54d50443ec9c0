"""Notices stopped, started, in another language or sent elsewhere, as a citizen says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.actions.notice_place import goes_elsewhere, keep_place, place_told
from bot.channels.notices import Mailing
from bot.messages import SenderId
from bot.nlu.notice_wishes import Heard, Wish, wish_of
from bot.nlu.place_wishes import place_wish_of
from bot.turn import ActionResult, Outcome, TurnContext

KEPT: Mapping[Wish, Mapping[str, Any]] = {
    Wish.STOP: {"notices": False},
    Wish.START: {"notices": True},
    Wish.CHINESE: {"notices": True, "language": "zh"},
    Wish.ENGLISH: {"notices": True, "language": "en"},
}

# Slots of a question that waits for its answer outside a form.
ASKED = ("requested_slot", "choices", "case_number_asked")


def wished(turn: TurnContext) -> Wish | None:
    """The wish that a message is; one that only a notice gives its meaning answers no form and no question after it."""
    text, tracker = turn.message.text, turn.tracker
    wish = wish_of(text)
    if wish is not None or tracker.active_form is not None or turn.places is None:
        return wish
    bare = wish_of(text, Heard.LAST)
    if bare is None or turn.places.told_last(turn.sender, turn.message.kept_as, turn.now):
        return bare
    asked = any(map(tracker.slot, ASKED)) or tracker.slot("call_back_asked") == tracker.turns
    lately = None if asked else wish_of(text, Heard.LATELY)
    return lately if lately is not None and turn.places.told(turn.sender, turn.now) else None


def only_stops(turn: TurnContext) -> bool:
    """Whether a message is a bare word that stops notices from somebody told of late: of what else is asked, a no."""
    places = turn.places
    return (
        wish_of(turn.message.text, Heard.LAST) is Wish.STOP
        and places is not None
        and places.told(turn.sender, turn.now)
    )


def keep_wish(text: str, sender: SenderId, mailing: Mailing) -> None:
    """Do what a message to a person clearly wishes of notices, and say nothing of it; "only here" may answer them."""
    wish = wish_of(text)
    if wish is not None:
        mailing.wish(sender, **KEPT[wish])
    elif place_wish_of(text, place_asked=True) is not None:
        keep_place(text, sender, mailing)


def notice_wish(turn: TurnContext, mailing: Mailing) -> ActionResult:
    """Do it and say so; where nothing is ever sent of our own accord, say where progress is seen."""
    wish = wished(turn)
    if wish is None:
        return place_told(turn, mailing)
    sends = mailing.wish(turn.sender, **KEPT[wish])
    said = turn.say(f"utter_notices_{wish}" if sends else "utter_notices_not_here")
    elsewhere = goes_elsewhere(turn.sender, mailing) if sends and wish is Wish.START else None
    if elsewhere is not None:
        said = turn.say("utter_notices_start_elsewhere", place=turn.text(f"utter_place_{elsewhere.kind}"))
    return ActionResult(Outcome.ANSWERED, (said,))
