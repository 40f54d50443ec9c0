"""The same need for somebody else ("and for my wife?", "外国人呢"): the service that fits that person."""

from __future__ import annotations

from dataclasses import dataclass

from bot.nlu.persons import audience_of
from bot.turn import TurnContext
from knowledge.catalogue import Audience, Kind, Service
from knowledge.retriever import Hit, Retrieval

SWITCH_SHARE = 0.6
SWITCH_SIMILARITY = 0.5
RIVAL = 0.25


@dataclass(frozen=True)
class Variant:
    """The service for the person, and the hits it was chosen from."""

    service: Service
    hits: tuple[Hit, ...]


def variant_for(turn: TurnContext, code: str) -> Variant:
    """The service under discussion, or the neighbour of it that is for the person the message names.

    The need told before and the person are searched together, among the service and those related to it.
    """
    current = turn.catalogue[code]
    stay = Variant(current, (Hit(current, 1.0),))
    audience = audience_of(turn.parse.persons)
    if audience is not None and audience in current.audience:
        return stay
    need = turn.tracker.slot("need") or current.everyday_name.in_language(turn.language)
    joined = turn.understand(f"{need} {turn.parse.asserted}", turn.language)
    near = {code, *current.related, *(other for item in current.related for other in turn.catalogue[item].related)}
    among = [item for item in sorted(near) if turn.catalogue[item].kind is Kind.SERVICE]
    found = turn.retriever.search(joined.asserted, joined.vector, audience=audience, among=among)
    if not found.hits:
        return stay
    sure = found.best.score >= SWITCH_SHARE and found.similarity >= SWITCH_SIMILARITY
    return Variant(found.best.service, found.hits) if sure else stay


def fitting(found: Retrieval, audience: Audience | None) -> tuple[Hit, ...]:
    """The hits of a search, one for the audience first where the best is not for it and a rival is."""
    if audience is None or not found.hits or audience in found.best.service.audience:
        return found.hits
    rivals = [hit for hit in found.hits if audience in hit.service.audience]
    if not rivals or rivals[0].score < RIVAL * found.best.score:
        return found.hits
    return (rivals[0], *(hit for hit in found.hits if hit is not rivals[0]))


def audience_line(turn: TurnContext, service: Service) -> str | None:
    """Whether the catalogue lists the person's group among those a service is for; None when none was named."""
    audience = audience_of(turn.parse.persons)
    if audience is None or service.kind is Kind.DEMAND:
        return None
    name = turn.text(f"utter_audience_{audience}")
    if audience in service.audience:
        return turn.text("utter_audience_listed", audience=name)
    separator = turn.text("utter_item_separator")
    listed = separator.join(turn.text(f"utter_audience_{one}") for one in service.audience)
    where = turn.text("utter_where_to_confirm")
    return turn.text("utter_audience_not_listed", audience=name, listed=listed, where=where)
