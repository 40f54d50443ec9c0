"""Whether a message asks for live data of the city: the search, the words and the place taken together."""

from __future__ import annotations

from bot.nlu.elsewhere import elsewhere
from bot.nlu.live_words import kinds_named
from bot.nlu.parse import Parse
from bot.turn import TurnContext
from knowledge.live import LOOKED_UP, live_kinds
from knowledge.normal import normalise
from knowledge.retriever import Retrieval

SURE_SCORE = 0.8
SURE_SIMILARITY = 0.6


def asks_live(turn: TurnContext, found: Retrieval) -> bool:
    """Whether the best hit is surely a service with live data, of a kind the words name, and no other place is named.

    Other assistants tell the weather of any place, so by its sentence alone the question looks like one to them.
    """
    if not found.hits or found.best.score < SURE_SCORE or found.similarity < SURE_SIMILARITY:
        return False
    kinds = set(live_kinds().get(found.best.service.code, ())) & set(LOOKED_UP)
    named = bool(kinds & kinds_named(turn.parse.canonical))
    return named and turn.live.city is not None and elsewhere(turn.parse, turn.analyst.city.names) is None


def tells_only_time(parse: Parse) -> bool:
    """Whether a message names a day or an hour and no matter ("and tomorrow?")."""
    rest = parse.topic
    for entity in parse.all("time"):
        rest = rest.replace(normalise(entity.text).text, " ")
    return bool(parse.topic) and not rest.strip()
