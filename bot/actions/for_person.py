"""The same need for somebody else ("and for my wife?", "外国人呢"): the service that fits that person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.persons import audience_of, persons_of
from bot.turn import TurnContext
from knowledge.catalogue import Audience, Kind, Service
from knowledge.retriever import Hit, Retrieval

SWITCH_SHARE = 0.6
SWITCH_SIMILARITY = 0.65
RIVAL = 0.25
SPEAKS_OF_PERSON, UNDER_DISCUSSION = 30.0, 4.0
MAX_HITS = 5


@dataclass(frozen=True)
class Variant:
    """The service for the person, the hits it was chosen from, and the need it answers."""

    service: Service
    hits: tuple[Hit, ...]
    need: str


def variant_for(turn: TurnContext, code: str) -> Variant:
    """The service under discussion, or the neighbour of it that is for the person the message names.

    The need told before and the person are searched together, among the service and those related to it.
    """
    current = turn.catalogue[code]
    stay = Variant(current, (Hit(current, 1.0),), str(turn.tracker.slot("need") or ""))
    audience = audience_of(turn.parse.persons)
    if audience is not None and audience in current.audience:
        return stay
    told = turn.tracker.slot("need") or current.everyday_name.in_language(turn.language)
    joined = turn.understand(f"{told} {turn.parse.asserted}", turn.language)
    near = {code, *current.related, *(other for item in current.related for other in turn.catalogue[item].related)}
    among = [item for item in sorted(near) if turn.catalogue[item].kind is Kind.SERVICE]
    persons = () if audience else turn.parse.persons
    prior = [(item, SPEAKS_OF_PERSON) for item in among if _speaks_of(turn.catalogue[item], persons)]
    prior = [*prior, (code, UNDER_DISCUSSION)]
    whole, alone = (
        turn.retriever.search(parse.asserted, parse.vector, len(among), audience, among, prior)
        for parse in (joined, turn.parse)
    )
    hits = _both(whole.hits, alone.hits)
    if not hits or hits[0].score < SWITCH_SHARE or whole.similarity < SWITCH_SIMILARITY:
        return stay
    return Variant(hits[0].service, hits, joined.asserted)


def _both(one: Sequence[Hit], other: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits of two searches by the geometric mean of their shares, best first."""
    shares = {hit.service.code: hit.score for hit in other}
    means = [(hit.service, math.sqrt(hit.score * shares.get(hit.service.code, 0.0))) for hit in one]
    total = sum(mean for _, mean in means) or 1.0
    return tuple(Hit(service, mean / total) for service, mean in sorted(means, key=lambda pair: -pair[1]))[:MAX_HITS]


@lru_cache(maxsize=1024)
def _persons_in(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(person for text in texts for person in persons_of(text))


def _speaks_of(service: Service, persons: Sequence[str]) -> bool:
    """Whether a service's names or description speak of one of the persons."""
    names = (service.name, service.everyday_name, service.description)
    texts = tuple(text.lower() for name in names if name for text in (name.zh, name.en))
    return not _persons_in(texts).isdisjoint(persons)


def fitting(found: Retrieval, audience: Audience | None) -> tuple[Hit, ...]:
    """The hits of a search, one for the audience first where the best is not for it and a rival is."""
    if audience is None or not found.hits or audience in found.best.service.audience:
        return found.hits
    rivals = [hit for hit in found.hits if audience in hit.service.audience]
    if not rivals or rivals[0].score < RIVAL * found.best.score:
        return found.hits
    return (rivals[0], *(hit for hit in found.hits if hit is not rivals[0]))


def audience_line(turn: TurnContext, service: Service) -> str | None:
    """Whether the catalogue lists the person's group among those a service is for.

    None when none was named, and for an imported item whose list does not tell whom it is for.
    """
    audience = audience_of(turn.parse.persons)
    if audience is None or service.kind is Kind.DEMAND or not service.audience:
        return None
    name = turn.text(f"utter_audience_{audience}")
    if audience in service.audience:
        return turn.text("utter_audience_listed", audience=name)
    separator = turn.text("utter_item_separator")
    listed = separator.join(turn.text(f"utter_audience_{one}") for one in service.audience)
    where = turn.text("utter_where_to_confirm")
    return turn.text("utter_audience_not_listed", audience=name, listed=listed, where=where)
