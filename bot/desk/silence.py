"""While a person holds a conversation the assistant only writes down what the citizen says, but for danger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.desk.talks import LAPSES, Talks
from bot.domain import Domain
from bot.messages import BotMessage, SenderId, UserMessage
from bot.nlu.parse import DANGER, DANGER_MID_FORM, Parse
from bot.nlu.said import short_answer
from bot.store import Work
from bot.tracker import Event, Mode, Tracker, fold
from bot.turn import ALARMS, Outcome, Turn

# How many turns back the last word of danger is looked for.
RECENT = 40


def silent(
    message: UserMessage, parse: Parse, tracker: Tracker, work: Work, now: datetime, most: int, domain: Domain
) -> tuple[Turn, Tracker] | None:
    """The turn and the state after it, without words but the number to call in danger; None where the bot answers.

    Danger flags the talk; it is answered where the bot itself would, or would be in doubt, and the same one not twice
    in a row, as the person may be talking of it.
    """
    if tracker.mode is not Mode.MANUAL:
        return None
    talk = work.talks.open_of(tracker.sender)
    in_danger = parse.payload is None and parse.in_danger(DANGER)
    if talk is not None and in_danger:
        work.talks.flag(talk.number)
    language = str(tracker.slot("language") or (talk.language if talk else "zh"))
    intent, outcome, said = parse.ordinary().intent, Outcome.HANDOFF, BotMessage("")
    events: tuple[Event, ...] = (Event("user", now.timestamp(), name=intent, text=message.text[:most]),)
    spoken = in_danger and parse.in_danger(_bar(parse, tracker)) and not short_answer(message.text)
    if spoken and not _told(parse.danger.kind, tracker.sender, work, now):
        intent = parse.danger.kind
        outcome = Outcome.CRISIS if intent.startswith("crisis") else Outcome.EMERGENCY
        said = domain.say(f"utter_{intent}", language)
        events = (
            replace(events[0], name=intent),
            Event("slot", now.timestamp(), name="alarmed", value=True),
            Event("bot", now.timestamp(), text=said.text),
        )
    after = fold(tracker, events)
    turn = Turn(
        outcome, language, (said,), intent, parse.confidence, events,
        active_form=after.active_form, requested_slot=after.requested_slot,
    )  # fmt: skip
    return turn, after


def _bar(parse: Parse, tracker: Tracker) -> float:
    """How sure of danger one must be to speak: more so while a form runs or a service is asked on about."""
    talking = tracker.slot("service_code") is not None and (parse.asks() or bool(parse.persons))
    return DANGER_MID_FORM if talking or tracker.active_form is not None else DANGER


def _told(danger: str, sender: SenderId, work: Work, now: datetime) -> bool:
    """Whether the number for a danger was said just now."""
    turns = (one for one in work.transcript.after(sender, most=RECENT) if one.answer and now - one.at < LAPSES)
    said = ((one.answer[-1].get("custom") or {}).get("turn") or {} for one in turns)
    return any(turn.get("outcome") in ALARMS and turn.get("intent", {}).get("name") == danger for turn in said)


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
