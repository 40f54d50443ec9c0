"""Plain sentences: small talk, refusals, and what is not the city's matter."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import lru_cache

from bot.context import search
from bot.nlu.nowhere import nowhere
from bot.turn import ActionResult, Outcome, TurnContext
from knowledge.queries import NLU_DATA, OUTSIDE

# How far a place of no city is believed, which a rule and no model found.
RULED = 0.9
# Actions that say one response: actions on Rasa too, where a plain response would miss what only the engine knows.
SAYS = {
    "action_greet": "utter_greet",
    "action_thank": "utter_thank",
    "action_bot_challenge": "utter_bot_challenge",
    "action_capabilities": "utter_capabilities",
    "action_what_need": "utter_what_need",
    "action_tell_more": "utter_tell_more",
    "action_nothing_to_cancel": "utter_nothing_to_cancel",
}
# How a turn ended that said one of these; small talk where it is none of them.
OUTCOMES = {
    "utter_other_language": Outcome.CLARIFY,
    "utter_emergency_numbers": Outcome.EMERGENCY,
    "utter_tell_more": Outcome.CLARIFY,
    "utter_nothing_to_cancel": Outcome.CANCELLED,
}


def utter(turn: TurnContext, response: str, outcome: Outcome = Outcome.SMALLTALK) -> ActionResult:
    """Say one response of the domain."""
    return ActionResult(outcome, (turn.say(response),))


def what_need(turn: TurnContext) -> ActionResult:
    """Ask what the citizen wants to do."""
    return utter(turn, "utter_what_need", Outcome.CLARIFY)


def out_of_scope(turn: TurnContext) -> ActionResult:
    """Say that it is no city matter and name the right door where there is one."""
    door = turn.text(f"utter_door_{door_of(turn.parse.canonical, turn.analyst.city.names)}")
    ruled = RULED if nowhere(turn.parse.canonical) is not None else 0.0
    belief = max(ruled, turn.parse.probability("out_of_scope"), search(turn).kinds.get(OUTSIDE, 0.0))
    return ActionResult(Outcome.OUT_OF_SCOPE, (turn.say("utter_out_of_scope", door=door),), belief=belief)


@lru_cache(maxsize=1)
def _doors() -> tuple[tuple[re.Pattern[str], str], ...]:
    with (NLU_DATA / "lookups" / "other_doors.csv").open(encoding="utf-8") as rows:
        return tuple((re.compile(row["pattern"]), row["door"]) for row in csv.DictReader(rows))


def door_of(text: str, here: Iterable[str] = ()) -> str:
    """The key of the right place for a matter that is not the city's, `none` when there is none.

    `here` are the names of the city itself, which never lead elsewhere.
    """
    for name in here:
        text = text.replace(name, " ")
    return next((door for pattern, door in _doors() if pattern.search(text)), "none")
