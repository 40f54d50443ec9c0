"""Asking which service is meant, by the field that parts the candidates."""

from __future__ import annotations

from collections.abc import Sequence

from bot.turn import TurnContext
from knowledge.catalogue import Service
from knowledge.difference import Values, difference_of
from knowledge.retriever import Retrieval
from knowledge.verdict import Verdict

MAX_TITLE = 40


def question(turn: TurnContext, found: Retrieval) -> tuple[str, tuple[str, ...]]:
    """The question, with a numbered list and a title for each of the choices there are."""
    choices = found.choices()
    services = [hit.service for hit in choices]
    names = tuple(service.everyday_name.in_language(turn.language) for service in services)
    listed = "\n".join(
        turn.text("utter_choice", number=number, name=name) for number, name in enumerate(names, start=1)
    )
    if found.verdict is Verdict.VAGUE:
        return turn.text("utter_vague" if choices else "utter_vague_openly", choices=listed), names
    difference = difference_of(services, [hit.score for hit in choices])
    if difference is None:
        return turn.text("utter_clarify", choices=listed), names
    told = [_told(turn, difference.field, values) for values in difference.values]
    titles = tuple(_titled(turn, value, name) for value, name in zip(told, names, strict=True))
    options = list(dict.fromkeys(told))
    other = turn.text("utter_difference_other")
    options = [option for option in options if option != other] + [option for option in options if option == other]
    asked = turn.text("utter_or", before=turn.text("utter_list_separator").join(options[:-1]), last=options[-1])
    lead = turn.text(f"utter_ask_{difference.field}", options=asked)
    return turn.text("utter_clarify_by", question=lead, choices=listed), titles


def told_values(turn: TurnContext, services: Sequence[Service]) -> dict[str, tuple[str, ...]]:
    """The words of the question that part each of the services, by code; empty when no field does."""
    difference = difference_of(services, [1.0] * len(services))
    if difference is None:
        return {}
    return {
        str(service.code): tuple(_value(turn, difference.field, value).lower() for value in values)
        for service, values in zip(services, difference.values, strict=True)
    }


def _told(turn: TurnContext, field: str, values: Values) -> str:
    if not values:
        return turn.text("utter_difference_other")
    return turn.text("utter_list_separator").join(_value(turn, field, value) for value in sorted(values))


def _value(turn: TurnContext, field: str, value: str) -> str:
    if field == "life_event":
        return turn.catalogue.life_events[value].in_language(turn.language)
    if field == "agency":
        return turn.catalogue.agencies[value].in_language(turn.language)
    return turn.text(f"utter_{field}_{value}")


def _titled(turn: TurnContext, value: str, name: str) -> str:
    """The name with what parts it before it, unless the name says so or the title would be long."""
    title = turn.text("utter_choice_title", value=value, name=name)
    other = turn.text("utter_difference_other")
    return name if value == other or value.lower() in name.lower() or len(title) > MAX_TITLE else title
