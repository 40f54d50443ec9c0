"""Whom a service is for, beside the person a message names."""

from __future__ import annotations

from bot.nlu.persons import audience_of
from bot.turn import TurnContext
from knowledge.catalogue import Audience, Kind, Service
from knowledge.retriever import Hit, Retrieval

RIVAL = 0.25


def fitting(found: Retrieval, audience: Audience | None) -> tuple[Hit, ...]:
    """The hits of a search, one for the audience first where the best is not for it and a rival is."""
    if audience is None or not found.hits or audience in found.best.service.audience:
        return found.hits
    rivals = [hit for hit in found.hits if audience in hit.service.audience]
    if not rivals or rivals[0].score < RIVAL * found.best.score:
        return found.hits
    return (rivals[0], *(hit for hit in found.hits if hit is not rivals[0]))


def settled_by(found: Retrieval, audience: Audience | None) -> Hit | None:
    """The one choice of an open search that is for the audience; None when none is, or several are."""
    fits = [hit for hit in found.choices() if audience is not None and audience in hit.service.audience]
    return fits[0] if len(fits) == 1 else None


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
