"""Where notices go, as a citizen says: here, to another messenger the citizen is known in, or to one alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.cases.number import CaseNumber
from bot.channels.notices import Mailing
from bot.channels.places import Place, first_of
from bot.messages import BotMessage, Button, SenderId
from bot.nlu.place_wishes import PlaceKind, PlaceWish, place_wish_of
from bot.turn import ActionResult, Outcome, TurnContext

KINDS = frozenset(PlaceKind)


def keep_place(text: str, sender: SenderId, mailing: Mailing) -> tuple[PlaceWish, Place | None] | None:
    """Do what a message wishes; the place chosen, None where it is not known. None for what is no such wish."""
    wish = place_wish_of(text)
    if wish is None or wish.asks:
        return None if wish is None else (wish, None)
    chosen: Place | None = None
    for number in mailing.places.cases_of(sender):
        place = _meant(wish, mailing.places.of_case(number), sender)
        if place is not None:
            mailing.choose([number], place.sender, wish.only, sender)
            chosen = chosen or place
    return wish, chosen


def place_told(turn: TurnContext, mailing: Mailing) -> ActionResult:
    """Do it and say so, or say where notices go now and what else there is."""
    kept = keep_place(turn.message.text, turn.sender, mailing)
    assert kept is not None
    wish, chosen = kept
    if chosen is not None:
        said = "utter_notices_place_only" if wish.only else "utter_notices_place"
        return ActionResult(Outcome.ANSWERED, (turn.say(said, place=turn.text(f"utter_place_{chosen.kind}")),))
    numbers = mailing.places.cases_of(turn.sender)
    places = [place for number in numbers[:1] for place in mailing.places.of_case(number) if place.kind in KINDS]
    if not any(place.sender == turn.sender for place in places):
        said = "utter_notices_place_no_case" if not numbers else "utter_notices_not_here"
        return ActionResult(Outcome.ANSWERED, (turn.say(said),))
    if wish.kinds:
        shut = next((place.kind for kind in wish.kinds for place in places if place.kind == kind), None)
        said = "utter_notices_place_shut" if shut else "utter_notices_place_unknown"
        place = turn.text(f"utter_place_{shut or wish.kinds[0]}")
        return ActionResult(Outcome.ANSWERED, (turn.say(said, place=place),))
    return ActionResult(Outcome.ANSWERED, (_told(turn, places),))


def goes_elsewhere(sender: SenderId, mailing: Mailing) -> Place | None:
    """Where notices of a citizen's newest case go, where none of any case come here."""
    goes = [first_of(mailing.places.of_case(number)) for number in mailing.places.cases_of(sender)]
    known = [place for place in goes if place is not None and place.kind in KINDS]
    return None if any(place.sender == sender for place in known) else next(iter(known), None)


def place_offer(turn: TurnContext, number: CaseNumber) -> tuple[BotMessage, ...]:
    """That notices of a case filed elsewhere may come here, said once: when its code was shown here first."""
    if turn.places is None or not turn.places.shown(number, turn.sender, turn.now):
        return ()
    here = Button(turn.text("utter_notices_here"), turn.text("utter_notices_here"))
    return (BotMessage(turn.text("utter_notices_place_offer"), (here,)),)


def _told(turn: TurnContext, places: Sequence[Place]) -> BotMessage:
    now = first_of(places)
    usable = [place for place in places if _usable(place, turn.sender)]
    others = [place for place in _one_a_kind(usable) if now is None or place.sender != now.sender]
    titles = [
        turn.text("utter_notices_here" if place.sender == turn.sender else f"utter_notices_to_{place.kind}")
        for place in others
    ]
    if now is not None:
        titles.append(turn.text("utter_notices_stop_button"))
    buttons = tuple(Button(title, title) for title in titles)
    if now is None:
        return BotMessage(turn.text("utter_notices_place_none"), buttons)
    return BotMessage(turn.text("utter_notices_place_now", place=turn.text(f"utter_place_{now.kind}")), buttons)


def _one_a_kind(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple({place.kind: place for place in reversed(tuple(places))}.values())


def _usable(place: Place, sender: SenderId) -> bool:
    """Whether notices would come to a place; of one's own place the choice itself ends a stop."""
    return place.reachable and (place.notices or place.sender == sender)


def _meant(wish: PlaceWish, places: Sequence[Place], sender: SenderId) -> Place | None:
    known = [place for place in places if place.kind in KINDS and _usable(place, sender)]
    if wish.kinds is None:
        return next((place for place in known if place.sender == sender), None)
    fitting = [place for kind in wish.kinds for place in known if place.kind == kind]
    return next((place for place in fitting if place.sender == sender), fitting[0] if fitting else None)
