"""While a person holds a conversation the assistant only writes down what the citizen says."""

from __future__ import annotations

from datetime import datetime

from bot.desk.talks import LAPSES, Talks
from bot.messages import BotMessage, UserMessage
from bot.nlu.parse import DANGER, Parse
from bot.tracker import Event, Mode, Tracker, fold
from bot.turn import Outcome, Turn


def silent(
    message: UserMessage, parse: Parse, tracker: Tracker, talks: Talks, now: datetime, most: int
) -> tuple[Turn, Tracker] | None:
    """The turn without words and the state after it, None where the bot is to answer. Danger flags the talk."""
    if tracker.mode is not Mode.MANUAL:
        return None
    talk = talks.open_of(tracker.sender)
    intent = parse.ordinary().intent
    events = (Event("user", now.timestamp(), name=intent, text=message.text[:most]),)
    if talk is not None and parse.in_danger(DANGER):
        talks.flag(talk.number)
    language = str(tracker.slot("language") or (talk.language if talk else "zh"))
    after = fold(tracker, events)
    turn = Turn(
        Outcome.HANDOFF, language, (BotMessage(""),), intent, parse.confidence, events,
        active_form=after.active_form, requested_slot=after.requested_slot,
    )  # fmt: skip
    return turn, after


def freed(tracker: Tracker, talks: Talks, now: datetime) -> tuple[Event, ...]:
    """The event that lets the bot speak again where it is silent for nobody, else none.

    A talk is left when its holder was not seen for a while; it goes back into the queue at its old place.
    """
    if tracker.mode is not Mode.MANUAL:
        return ()
    talk = talks.open_of(tracker.sender)
    if talk is not None and talk.claimed_by is not None:
        if talk.seen_at is None or now - talk.seen_at <= LAPSES:
            return ()
        talks.release(talk.number)
    return (Event("mode", now.timestamp(), value=Mode.AUTO),)
