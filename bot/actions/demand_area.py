"""The form's question which of several areas is meant, where the words told fit more than one."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.demand_form import FormState
from bot.cases.areas import Area, areas_of
from bot.language import detect
from bot.messages import BotMessage, Button
from bot.nlu.entities import find_entities
from bot.turn import TurnContext

AREA = "area"


def undecided(turn: TurnContext, state: FormState) -> tuple[Area, ...]:
    """The areas to choose from, none where one is clear or the citizen chose to leave it open."""
    if AREA in state.skipped:
        return ()
    for draft in state.drafts:
        told = draft.location or draft.description
        language = "en" if detect(told).language == "en" else "zh"
        areas = areas_of(find_entities(told, language, turn.analyst.city), told)
        if len(areas) > 1:
            return areas
    return ()


def area_question(turn: TurnContext, areas: tuple[Area, ...]) -> BotMessage:
    """Which of the areas it is, one button each."""
    *others, last = (_name(area) for area in areas)
    told = turn.text("utter_or", before=turn.text("utter_list_separator").join(others), last=last)
    buttons = tuple(Button(name, name) for name in (*others, last))
    return replace(turn.say("utter_ask_area", areas=told), buttons=buttons)


def take_area(turn: TurnContext, state: FormState) -> FormState:
    """The state with the area that the message names set in every demand; asked once, whatever the answer."""
    areas = undecided(turn, state)
    told = {entity.value for entity in turn.parse.all("subdistrict", "district")}
    chosen = next((area for area in areas if told & {area.subdistrict, area.district} - {None}), None)
    state = state.skip(AREA)
    if chosen is None:
        return state
    return state.each(lambda draft: replace(draft, district=chosen.district, subdistrict=chosen.subdistrict))


def _name(area: Area) -> str:
    return f"{area.district or ''}{area.subdistrict or ''}"
