"""What a conversation was about so far: how it weighs on what the next message speaks of, and on its search."""

from __future__ import annotations

from dataclasses import replace

from bot.live_need import asks_live
from bot.subject import Subject
from bot.subject_signs import Situation
from bot.tracker import Event, Tracker
from bot.turn import TurnContext
from knowledge.narrowing import plain_first
from knowledge.retriever import Retrieval
from knowledge.verdict import Verdict

KEPT = 6
MAX_JOINED = 200
CHOICE_SERVICE = "service"
CHOICE_STEP = "path_step"


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
    return next((code for code, _ in subject.services() if not lost or brought_up(turn, code)), None)


def search(turn: TurnContext) -> Retrieval:
    """The catalogue searched with the message.

    A message that alone leaves open what it wants is read together with the one it was asked back on.
    """
    found = search_alone(turn)
    asked = turn.tracker.slot("open_need")
    if not asked or found.verdict is Verdict.ANSWERED:
        return found
    joined = turn.understand(f"{asked} {turn.parse.asserted}"[:MAX_JOINED], turn.language)
    whole = turn.retriever.search(joined.asserted, joined.vector)
    return whole if whole.verdict in (Verdict.ANSWERED, Verdict.CLARIFY) else found


def search_alone(turn: TurnContext) -> Retrieval:
    """The catalogue searched with the message as if it were the first."""
    found = turn.retriever.search(turn.parse.asserted, turn.parse.vector)
    found = plain_first(found, turn.parse.topic, turn.parse.asserted)
    return replace(found, verdict=Verdict.ANSWERED) if asks_live(turn, found) else found


def spoken_of(turn: TurnContext, code: str) -> tuple[Event, ...]:
    """Events that make a service the one under discussion; the last few are kept, the newest last."""
    before = [one for one in turn.tracker.slot("discussed") or () if one != code]
    return (turn.slot("service_code", code), turn.slot("discussed", [*before, code][-KEPT:]))
