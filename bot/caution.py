"""Danger in doubt: a message that may tell of danger is answered as what else it says, behind the number to call."""

from __future__ import annotations

from dataclasses import replace

from bot.nlu.parse import DANGER
from bot.nlu.safety import PREFIXES
from bot.nlu.said import denies_danger, denies_people, short_answer
from bot.nlu.wants_person import asks_person
from bot.policies import DANGER_IN_ELLIPSIS, Decision, choice, danger_bar
from bot.turn import ALARMS, ActionResult, Outcome, TurnContext

CRISIS, TRAPPED = "crisis_", "emergency_trapped"
# The share of danger from which an emergency is no doubt, and where the message itself says that there is none; of a
# crisis every alarm is sure. PERHAPS is worth a word. Chosen on nlu_data/dev/safety_*.
SURE, DENIED, PERHAPS = 0.5, 0.9, 0.2
# The same words are not said twice in so many turns.
EVERY = 4
NAMED = {"emergency_fraud": "utter_caution_fraud", "crisis_self_harm": "utter_caution_self_harm"}
OTHERWISE = "utter_caution"
# What answers nothing that was asked or told: then the danger is what the message is about.
NO_ANSWER = (Outcome.SMALLTALK, Outcome.OUT_OF_SCOPE, Outcome.NO_SERVICE, Outcome.ERROR)
# What answers only where it comes with services.
HALF_AN_ANSWER = (Outcome.CLARIFY, Outcome.CANCELLED, Outcome.NEEDS_IDENTITY)
SAYS_IT_ALREADY = ("utter_all_clear", "utter_emergency_numbers")


def in_doubt(turn: TurnContext) -> bool:
    """Whether an alarm is not sure; after another alarm, and where a person is asked for, it counts as sure."""
    kind, share = turn.parse.danger.kind, turn.parse.danger.share
    if kind.startswith(CRISIS) or turn.tracker.slot("alarmed") or asks_person(turn.parse.canonical):
        return False
    if kind == TRAPPED and denies_people(turn.parse.canonical):
        return True
    return share < max(danger_bar(turn), DENIED if denies_danger(turn.parse.canonical) else SURE)


def read_ordinarily(turn: TurnContext) -> TurnContext:
    """The turn with the message read as anything but danger; the shares of what is left sum to one."""
    left = [(name, share) for name, share in turn.parse.intents if not name.startswith(PREFIXES)]
    whole = sum(share for _, share in left) or 1.0
    return replace(turn, parse=replace(turn.parse, intents=tuple((name, share / whole) for name, share in left)))


def answers(result: ActionResult) -> bool:
    """Whether a message read as no danger has an answer."""
    return result.outcome not in NO_ANSWER and (result.outcome not in HALF_AN_ANSWER or bool(result.hits))


def with_word(turn: TurnContext, decision: Decision, result: ActionResult) -> ActionResult:
    """The result of a message that is no alarm, behind a word on danger where there may be some."""
    if result.outcome in ALARMS or decision.action in SAYS_IT_ALREADY or not _perhaps(turn):
        return result
    return with_caution(turn, result, anyhow=False)


def _perhaps(turn: TurnContext) -> bool:
    bar, parse = danger_bar(turn), turn.parse
    if parse.payload is not None or bar >= DANGER_IN_ELLIPSIS or parse.danger.share >= bar:
        return False
    lowest = max(PERHAPS, bar / 2) if bar > DANGER else PERHAPS
    return parse.in_danger(lowest) and not short_answer(turn.message.text) and choice(turn) is None


def with_caution(turn: TurnContext, result: ActionResult, anyhow: bool) -> ActionResult:
    """The result behind the number to call, `anyhow` or unless the same was told just now."""
    name = NAMED.get(turn.parse.danger.kind, OTHERWISE)
    before, at = turn.tracker.slot("cautioned") or (None, 0)
    if not anyhow and before == name and turn.tracker.turns - at < EVERY:
        return result
    return replace(
        result,
        messages=(turn.say(name), *result.messages),
        events=(turn.slot("cautioned", [name, turn.tracker.turns]), *result.events),
        leads=result.leads + 1,
    )
