"""What follows when a citizen picks one of the choices offered."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.answer_service import MAX_NEED, tell
from bot.actions.case_status import report
from bot.actions.change_case import apply
from bot.actions.life_path import CHOICE_PATH, tell_path, tell_step
from bot.actions.rate_case import RATE, ask_rating
from bot.cases.number import CaseNumber
from bot.cases.states import Move
from bot.context import CHOICE_SERVICE, CHOICE_STEP
from bot.turn import ActionResult, TurnContext
from knowledge.paths import PathKey
from knowledge.retriever import Hit


def choose(turn: TurnContext, picked: str) -> ActionResult:
    """Go on with the picked service, path, step of a path, or case."""
    purpose = turn.tracker.slot("choice_purpose")
    if purpose == CHOICE_SERVICE:
        service = turn.catalogue[picked]
        told = tell(turn, service, (Hit(service, 1.0),), asked=tuple(turn.tracker.slot("aspects") or ()))
        need = f"{service.everyday_name.in_language(turn.language).lower()} {turn.parse.asserted}"
        return replace(told, events=(*told.events, turn.slot("need", need[:MAX_NEED])))
    if purpose == CHOICE_PATH:
        return tell_path(turn, PathKey(picked))
    if purpose == CHOICE_STEP:
        key = PathKey(str(turn.tracker.slot("path")))
        return tell_step(turn, key, turn.paths.paths[key].codes.index(picked) + 1)
    case = turn.cases.by_number(CaseNumber(picked))
    if purpose == RATE:
        return ask_rating(turn, case)
    if purpose in set(Move):
        return apply(turn, case, Move(purpose), None)
    return report(turn, case)
