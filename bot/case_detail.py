"""What is told right after a demand was filed: a place or a time of it, set right or added."""

from __future__ import annotations

from bot.actions.place_correction import names_part
from bot.nlu.parse import Parse
from bot.nlu.said import commands_in, short_answer
from bot.policies import Decision
from bot.turn import TurnContext

TELLS = ("correct", "inform", "supplement_case")
SURELY, DENYING = 0.8, 0.6
DETAILS = ("location", "district", "subdistrict", "time")
OF_OTHERS = ("case_number", "phone", "id_card", "bank_card")


def case_detail(turn: TurnContext) -> Decision | None:
    """A detail of the case that was just filed goes to it."""
    filed = turn.tracker.slot("on_case") is not None and turn.tracker.active_form is None
    if not filed or turn.parse.payload is not None or short_answer(turn.message.text):
        return None
    return Decision("action_detail_case") if _is_detail(turn.parse) else None


def _is_detail(parse: Parse) -> bool:
    anew = commands_in(parse.text, "file_demand") and parse.probability("correct") < SURELY
    bar = DENYING if parse.asserted != parse.canonical else SURELY
    if anew or parse.asks() or parse.first(*OF_OTHERS) is not None or parse.probability(*TELLS) < bar:
        return False
    return parse.first(*DETAILS) is not None or names_part(parse.text)
