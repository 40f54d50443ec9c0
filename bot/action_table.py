"""Which action does what was decided."""

from __future__ import annotations

from collections.abc import Mapping

from bot.actions import (
    answer_service,
    case_status,
    change_case,
    choose,
    compare,
    file_demand,
    hand_off,
    life_path,
    notice_wish,
    rate_case,
    repeat,
    safety,
    say,
    several,
)
from bot.policies import Decision
from bot.store import Work
from bot.turn import Action, ActionResult, Outcome, TurnContext

ACTIONS: Mapping[str, Action] = {
    "action_answer_service": answer_service.answer_service,
    "action_answer_detail": answer_service.answer_detail,
    "action_compare": compare.compare,
    "action_list_services": life_path.list_services,
    "action_move_on_path": life_path.move_on_path,
    "action_out_of_scope": say.out_of_scope,
    "action_emergency": safety.emergency,
    "action_crisis": safety.crisis,
    "action_hand_off": hand_off.hand_off,
    "action_take_call_back": hand_off.take_call_back,
    "action_case_status": case_status.case_status,
    "action_hasten_case": change_case.hasten_case,
    "action_supplement_case": change_case.supplement_case,
    "action_detail_case": change_case.detail_case,
    "action_withdraw_case": change_case.withdraw_case,
    "action_reopen_case": change_case.reopen_case,
    "action_take_supplement": change_case.take_supplement,
    "action_take_new_facts": change_case.take_new_facts,
    "action_rate_case": rate_case.rate_case,
    "action_several": several.several,
    "action_cancel_form": file_demand.cancel_form,
    "demand_form": file_demand.demand_form,
    "utter_what_need": say.what_need,
}
ASKED_AGAIN: Mapping[str, Action] = {
    "demand_form": file_demand.ask_again,
    rate_case.RATING_FORM: rate_case.ask_again,
}


def act(turn: TurnContext, decision: Decision, work: Work) -> ActionResult:
    """What comes of a decision."""
    name = say.SAYS.get(decision.action, decision.action)
    if name == "action_choose":
        assert decision.choice is not None
        return choose.choose(turn, decision.choice)
    if name == "action_notice_wish":
        return notice_wish.notice_wish(turn, work.mailing)
    if name == "action_repeat":
        return repeat.repeat(turn, work)
    if name == "action_switch_language":
        return say.utter(turn, "utter_language_switched")
    if turn.parse.payload is not None and "service" in turn.parse.payload:
        code = str(turn.parse.payload["service"])
        if code not in turn.catalogue:
            return say.what_need(turn)
        return answer_service.tell(turn, turn.catalogue[code], ())
    if name in ACTIONS:
        return ACTIONS[name](turn)
    return say.utter(turn, name, say.OUTCOMES.get(name, Outcome.SMALLTALK))
