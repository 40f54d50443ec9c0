"""What a conversation was about so far: how it weighs on the next search, and going back to it."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from functools import lru_cache

from bot.live_need import asks_live
from bot.nlu.parse import Parse
from bot.tracker import Event, Tracker
from bot.turn import TurnContext
from knowledge.catalogue import Catalogue, Service
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA
from knowledge.retriever import Prior, Retrieval
from knowledge.verdict import Verdict

RETURNS_FILE = NLU_DATA / "lookups" / "returns.csv"
UNDER_DISCUSSION, LAST, RELATED, DISCUSSED = 8.0, 4.0, 2.0, 1.5
LAST_KEPT = 2
KEPT = 6
MAX_JOINED = 200
RETURN_SHARE = 0.5
SWITCH_SCORE, SWITCH_SIMILARITY = 0.75, 0.6
NAMED_SCORE, NAMED_SIMILARITY = 0.6, 0.78
NEAR_SCORE, NEAR_LIKE = 0.75, 0.6
TOLD_WORDS = 0.3


@lru_cache(maxsize=1)
def _returns() -> re.Pattern[str]:
    with RETURNS_FILE.open(encoding="utf-8") as rows:
        phrases = sorted((normalise(row["phrase"]).text for row in csv.DictReader(rows)), key=len, reverse=True)
    return re.compile("|".join(rf"\b{re.escape(one)}\b" if one.isascii() else re.escape(one) for one in phrases))


def prior_of(tracker: Tracker, catalogue: Catalogue) -> Prior:
    """How much likelier the services spoken of, and those related to the last, are to be meant again."""
    discussed = tracker.slot("discussed") or ()
    weights: dict[str, float] = dict.fromkeys(discussed, DISCUSSED)
    code = tracker.slot("service_code")
    if code is not None:
        weights |= dict.fromkeys(catalogue[code].related, RELATED) | dict.fromkeys(discussed[-LAST_KEPT:], LAST)
        weights[code] = UNDER_DISCUSSION
    return tuple(sorted(weights.items()))


def search(turn: TurnContext) -> Retrieval:
    """The catalogue searched with the message, in the light of the conversation.

    A message that alone leaves open what it wants is read together with the one it was asked back on.
    """
    prior = prior_of(turn.tracker, turn.catalogue)
    found = _confirmed(turn, turn.retriever.search(turn.parse.asserted, turn.parse.vector, prior=prior))
    asked = turn.tracker.slot("open_need")
    if not asked or found.verdict is Verdict.ANSWERED:
        return found
    joined = turn.understand(f"{asked} {turn.parse.asserted}"[:MAX_JOINED], turn.language)
    whole = turn.retriever.search(joined.asserted, joined.vector, prior=prior)
    return whole if whole.verdict in (Verdict.ANSWERED, Verdict.CLARIFY) else found


def search_alone(turn: TurnContext) -> Retrieval:
    """The catalogue searched with the message as if it were the first."""
    return _confirmed(turn, turn.retriever.search(turn.parse.asserted, turn.parse.vector))


def _confirmed(turn: TurnContext, found: Retrieval) -> Retrieval:
    """The same search, answered where live data is surely asked for."""
    return replace(found, verdict=Verdict.ANSWERED) if asks_live(turn, found) else found


def returns(parse: Parse) -> bool:
    """Whether a message says that it goes back to something."""
    return bool(_returns().search(parse.canonical))


def returned_to(turn: TurnContext) -> str | None:
    """The service spoken of before that a message goes back to, None when it does not."""
    discussed = turn.tracker.slot("discussed") or ()
    if not discussed or not returns(turn.parse):
        return None
    rest = turn.understand(_returns().sub(" ", turn.parse.asserted).strip() or turn.parse.asserted, turn.language)
    found = turn.retriever.search(rest.asserted, rest.vector, among=tuple(discussed))
    return str(found.best.service.code) if found.hits and found.best.score >= RETURN_SHARE else None


def spoken_of(turn: TurnContext, code: str) -> tuple[Event, ...]:
    """Events that make a service the one under discussion; the last few are kept, the newest last."""
    before = [one for one in turn.tracker.slot("discussed") or () if one != code]
    return (turn.slot("service_code", code), turn.slot("discussed", [*before, code][-KEPT:]))


def is_new_topic(turn: TurnContext, found: Retrieval) -> bool:
    """Whether a message names a service of its own instead of asking on about the one before."""
    parse, code = turn.parse, turn.tracker.slot("service_code")
    if found.verdict in (Verdict.NO_SERVICE, Verdict.VAGUE) or not found.hits:
        return False
    best = found.best
    if _is_near(turn, best.service.code) and best.score >= NEAR_SCORE and found.similarity >= NEAR_LIKE:
        return True
    if not parse.topic or _is_own_detail(turn):
        return False
    named = turn.retriever.search(parse.topic, parse.topic_vector)
    if named.similarity >= NAMED_SIMILARITY and code not in [hit.service.code for hit in named.choices()]:
        alone = search_alone(turn)
        known = alone.verdict is Verdict.CLARIFY or (
            alone.verdict is Verdict.ANSWERED and alone.best.score >= NAMED_SCORE
        )
        return known and alone.best.service.code != code
    if _told_by(turn, turn.catalogue[code]):
        return False
    if parse.probability("ask_service", "file_demand") > parse.probability("ask_detail"):
        sure = best.score >= SWITCH_SCORE and found.similarity >= SWITCH_SIMILARITY
        return sure and found.verdict is Verdict.ANSWERED
    return False


def _is_near(turn: TurnContext, code: str) -> bool:
    """Whether a service is a neighbour of the one under discussion, or was spoken of before."""
    current = turn.tracker.slot("service_code")
    near = {*turn.catalogue[current].related, *(turn.tracker.slot("discussed") or ())}
    return code != current and code in near


def _told_by(turn: TurnContext, service: Service) -> bool:
    """Whether a question's words stand in a fact of the service."""
    found = turn.facts.pointed(service, turn.language, turn.parse.asserted, turn.parse.vector)
    return bool(found) and turn.parse.asks() and max(one.words for one in found) >= TOLD_WORDS


def _is_own_detail(turn: TurnContext) -> bool:
    """Whether a short question's words all stand in the facts of the service under discussion."""
    words = turn.parse.topic.split()
    if turn.parse.intent != "ask_detail" or len(words) > 2:
        return False
    service = turn.catalogue[turn.tracker.slot("service_code")]
    told = " ".join(f"{item.zh} {item.en}".lower() for _, fact in service.facts() for item in fact.items)
    return all(word in told for word in words)
