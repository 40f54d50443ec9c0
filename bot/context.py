"""What a conversation was about so far: how it weighs on what the next message speaks of, and on its search."""

from __future__ import annotations

from dataclasses import replace

from bot.live_need import asks_live
from bot.subject import Subject
from bot.subject_signs import Situation
from bot.tracker import Event, Tracker
from bot.turn import TurnContext
from knowledge.difference import TOLD_IN_NAMES, told_in
from knowledge.narrowing import plain_first
from knowledge.retriever import Retrieval
from knowledge.verdict import Verdict

KEPT = 6
MAX_JOINED = 200
CHOICE_SERVICE = "service"
CHOICE_STEP = "path_step"
PICKED = 0.5
# How likely a service brought up must be to be told of where the words alone find nothing.
LEAST_BROUGHT_UP = 0.1
# How much less two messages read as one are like anything known than each by itself, for them to be of two matters.
UNLIKE = 0.02
ASKS_ON = 0.5


def situation_of(tracker: Tracker) -> Situation:
    """What was spoken of and offered so far."""
    offers = tracker.slot("choice_purpose") in (CHOICE_SERVICE, CHOICE_STEP)
    offered = tuple(tracker.slot("choices") or ()) if offers else ()
    current, discussed = tracker.slot("service_code"), tuple(tracker.slot("discussed") or ())
    need = str(tracker.slot("need") or "")
    if offered and current not in offered:
        current = None
    return Situation(current, discussed, offered, need)


def subject_of(turn: TurnContext) -> Subject | None:
    """What the message speaks of, None while nothing was spoken of."""
    situation = situation_of(turn.tracker)
    if turns_away(turn):
        situation = replace(situation, current=turn.tracker.slot("service_code"), offered=(), need="")
    if not situation.known or turn.parse.payload is not None:
        return None
    return turn.subjects.find(situation, turn.parse, turn.language)


def brought_up(turn: TurnContext, code: str) -> bool:
    """Whether a service was spoken of, offered, or is a neighbour of one that was."""
    situation = situation_of(turn.tracker)
    near = {other for one in situation.known for other in turn.catalogue[one].related}
    return code in near or code in situation.known


def told_about(turn: TurnContext, subject: Subject) -> str | None:
    """The service to answer with: the likeliest, or the likeliest brought up where the words alone find none."""
    lost = search(turn).verdict in (Verdict.NO_SERVICE, Verdict.VAGUE)
    meant = (
        code for code, share in subject.services() if not lost or (share >= LEAST_BROUGHT_UP and brought_up(turn, code))
    )
    return next(meant, None)


def search(turn: TurnContext) -> Retrieval:
    """The catalogue searched with the message, together with the one that was asked back on if it goes on with that."""
    found = search_alone(turn)
    if not goes_on(turn):
        return found
    whole = _together(turn, turn.tracker.slot("open_need"))
    return whole if whole.verdict in (Verdict.ANSWERED, Verdict.CLARIFY) else found


def goes_on(turn: TurnContext) -> bool:
    """Whether a message that alone leaves open what it wants adds to the one that was asked back on."""
    asked = bool(turn.tracker.slot("open_need")) and search_alone(turn).verdict is not Verdict.ANSWERED
    return asked and not turns_away(turn)


def turns_away(turn: TurnContext) -> bool:
    """Whether a message leaves the one it was asked back on for another matter that it does not tell clearly either.

    It names something, it picks none of the services offered, and the two read as one are less like anything known
    than each by itself.
    """
    asked, parse = turn.tracker.slot("open_need"), turn.parse
    if not asked or parse.payload is not None or not parse.topic:
        return False
    alone = search_alone(turn)
    if alone.verdict is Verdict.ANSWERED or _picks(turn):
        return False
    before = _searched(turn, asked)
    return _together(turn, asked).similarity < (before.similarity + alone.similarity) / 2 - UNLIKE


def asks_of_offered(turn: TurnContext) -> bool:
    """Whether a message asks a detail of the services it was asked back on and says nothing of which it means."""
    offered = turn.tracker.slot("choice_purpose") == CHOICE_SERVICE and turn.tracker.slot("choices")
    parse = turn.parse
    if (
        not offered
        or turn.tracker.slot("open_need") is None
        or parse.payload is not None
        or not parse.aspects
        or parse.topic
        or parse.persons
    ):
        return False
    asks = parse.asks() or parse.probability("ask_detail") >= ASKS_ON
    return asks and not any(told_in(field, parse.asserted) for field in TOLD_IN_NAMES)


def _picks(turn: TurnContext) -> bool:
    situation = situation_of(turn.tracker)
    if not situation.offered:
        return False
    subject = turn.subjects.find(situation, turn.parse, turn.language)
    return subject.code in situation.offered and subject.share >= PICKED


def _together(turn: TurnContext, asked: str) -> Retrieval:
    """The catalogue searched with a message before and this one as one text."""
    return _searched(turn, f"{asked} {turn.parse.asserted}"[:MAX_JOINED])


def _searched(turn: TurnContext, text: str) -> Retrieval:
    parse = turn.understand(text, turn.language)
    return turn.retriever.search(parse.asserted, parse.vector)


def search_alone(turn: TurnContext) -> Retrieval:
    """The catalogue searched with the message as if it were the first."""
    found = turn.retriever.search(turn.parse.asserted, turn.parse.vector)
    found = plain_first(found, turn.parse.topic, turn.parse.asserted)
    return replace(found, verdict=Verdict.ANSWERED) if asks_live(turn, found) else found


def spoken_of(turn: TurnContext, code: str) -> tuple[Event, ...]:
    """Events that make a service the one under discussion; the last few are kept, the newest last."""
    before = [one for one in turn.tracker.slot("discussed") or () if one != code]
    return (turn.slot("service_code", code), turn.slot("discussed", [*before, code][-KEPT:]))
