"""What a turn leaves behind beside what its action did: choices, alarms, and words that a later message refers to."""

from __future__ import annotations

from bot.context import asks_of_offered
from bot.policies import Decision
from bot.tracker import Event
from bot.turn import ActionResult, Outcome, TurnContext

MAX_OPEN_NEED = 120
ALARMS = ("action_emergency", "action_crisis")
# What a citizen does to the case just filed without turning to another matter.
TO_THE_CASE = ("action_detail_case", "action_supplement_case", "action_take_supplement", "action_hasten_case")
KEEPS_CHOICES = {*ALARMS, "action_repeat", "utter_emergency_numbers"}


def kept_in_mind(turn: TurnContext, decision: Decision, result: ActionResult) -> tuple[Event, ...]:
    """Forget choices once answered; remember the words a later "I want to report it" refers to."""
    events: list[Event] = []
    if turn.tracker.slot("choices") and decision.action not in KEEPS_CHOICES:
        events += [turn.slot("choices", None), turn.slot("choice_purpose", None)]
    alarm = decision.action in ALARMS
    if alarm or turn.tracker.slot("alarmed"):
        events.append(turn.slot("alarmed", alarm or None))
    if (number := _on_case(turn, decision, result)) != turn.tracker.slot("on_case"):
        events.append(turn.slot("on_case", number))
    asked_back = result.outcome is Outcome.CLARIFY and decision.action.startswith("action_answer")
    asked_again = asked_back and asks_of_offered(turn)
    if not asked_again and (asked_back or turn.tracker.slot("open_need")):
        events.append(turn.slot("open_need", turn.parse.asserted[:MAX_OPEN_NEED] if asked_back else None))
    if turn.tracker.active_form is None and decision.action.startswith("action_answer"):
        demand = bool(result.hits) and result.hits[0].service.code.startswith("H")
        remembered = result.outcome is Outcome.NO_SERVICE or demand
        events.append(turn.slot("told", turn.message.text if remembered else None))
    return tuple(events)


def _on_case(turn: TurnContext, decision: Decision, result: ActionResult) -> str | None:
    """The number of the one case that was just filed, while nothing but that case and small talk came after."""
    if result.outcome is Outcome.CASE_FILED:
        return result.cases[0].number if len(result.cases) == 1 else None
    stays = result.outcome is Outcome.SMALLTALK or decision.action in TO_THE_CASE
    number: str | None = turn.tracker.slot("on_case") if stays else None
    return number
