"""Rating an answer in words, numbers or buttons: satisfied closes the case, else it goes back with the reason."""

from __future__ import annotations

from typing import Any

from bot.actions.case_status import find_case, needs_identity, report, which_case
from bot.cases.case import Case
from bot.cases.closing import AXES, Rating
from bot.cases.number import CaseNumber
from bot.cases.states import Status
from bot.cases.telling import TIME_FORMAT
from bot.errors import IllegalTransition
from bot.nlu.ratings import SaidRating, read_rating
from bot.nlu.said import short_answer
from bot.tracker import Event
from bot.turn import ActionResult, Outcome, TurnContext

RATING_FORM = "rating_form"
RATING, SCORES, REASON = "rating", "scores", "rating_reason"
RATE = "rate"
CLOSED_SLOTS = ("rate_number", RATING, SCORES, REASON, "requested_slot")
SUPERVISED_FROM = 2


def rate_case(turn: TurnContext) -> ActionResult:
    """Take a rating, or ask for what it lacks."""
    case = _meant(turn)
    if isinstance(case, ActionResult):
        return case
    if not turn.closing.progress(case, turn.now).rateable:
        told = report(turn, case)
        return ActionResult(told.outcome, told.messages, (*_closing_events(turn), *told.events), cases=told.cases)
    return _take(turn, case, _rating(turn))


def ask_rating(turn: TurnContext, case: Case) -> ActionResult:
    """Ask for the rating of a case."""
    return _ask(turn, case, Rating(), RATING)


def ask_again(turn: TurnContext) -> ActionResult:
    """The question once more, after a digression."""
    case = turn.cases.by_number(CaseNumber(turn.tracker.slot("rate_number")))
    return _ask(turn, case, _kept(turn), turn.tracker.requested_slot or RATING)


def _meant(turn: TurnContext) -> Case | ActionResult:
    """The case to rate: the one asked about, the one named, or the only one that waits for it."""
    named = turn.parse.first("case_number")
    found = find_case(turn) if named else None
    if found is not None:
        return found
    if named:
        return needs_identity(turn)
    asked = turn.tracker.slot("rate_number")
    if asked:
        return turn.cases.by_number(CaseNumber(asked))
    waiting = turn.closing.awaiting(turn.sender, turn.now)
    if len(waiting) > 1:
        return which_case(turn, waiting, RATE)
    if waiting:
        return waiting[0]
    return ActionResult(Outcome.CASE_STATUS, (turn.say("utter_nothing_to_rate"),))


def _rating(turn: TurnContext) -> Rating:
    """What was told of the rating so far, with what this message tells."""
    before = _kept(turn)
    running = turn.tracker.active_form == RATING_FORM
    text = turn.message.text.strip()
    if running and turn.tracker.requested_slot == REASON:
        return Rating(before.scores, before.satisfied, None if _says_none(text) else text)
    said = read_rating(text) or SaidRating()
    satisfied = before.satisfied if said.satisfied is None else said.satisfied
    return Rating({**before.scores, **said.scores}, satisfied, said.reason or before.reason)


def _says_none(text: str) -> bool:
    """Whether an answer gives no reason at all."""
    return short_answer(text) in ("skip", "deny", "affirm") or not any(char.isalnum() for char in text)


def _kept(turn: TurnContext) -> Rating:
    kept: dict[str, Any] = turn.tracker.slot(RATING) or {}
    return Rating(kept.get("scores", {}), kept.get("satisfied"), kept.get("reason"))


def _take(turn: TurnContext, case: Case, rating: Rating) -> ActionResult:
    if rating.content is None:
        return _ask(turn, case, rating, RATING)
    if not rating.content and rating.reason is None:
        return _ask(turn, case, rating, REASON)
    asked = turn.tracker.active_form == RATING_FORM and turn.tracker.requested_slot == SCORES
    if rating.content and not rating.scores and not asked:
        return _ask(turn, case, rating, SCORES)
    if rating.content and not rating.scores and read_rating(turn.message.text) is None and not _skips(turn):
        return _ask(turn, case, rating, SCORES)
    return _rated(turn, case, rating)


def _skips(turn: TurnContext) -> bool:
    return short_answer(turn.message.text) in ("skip", "deny", "affirm") or turn.parse.intent in ("skip", "thank")


def _ask(turn: TurnContext, case: Case, rating: Rating, name: str) -> ActionResult:
    kept = {"scores": dict(rating.scores), "satisfied": rating.satisfied, "reason": rating.reason}
    events = (
        turn.form(RATING_FORM),
        turn.slot("rate_number", case.number),
        turn.slot("case_number", case.number),
        turn.slot(RATING, kept),
        turn.slot("requested_slot", name),
    )
    message = turn.say(f"utter_ask_{name}", number=case.number) if name != SCORES else turn.say("utter_ask_scores")
    return ActionResult(Outcome.FORM_QUESTION, (message,), events, cases=(case,))


def _rated(turn: TurnContext, case: Case, rating: Rating) -> ActionResult:
    """Keep the rating and tell what follows from it; another process may have closed the case meanwhile."""
    merged = case.status is Status.MERGED
    try:
        after = turn.closing.rate(case.number, rating, turn.now)
    except IllegalTransition:
        told = report(turn, case)
        return ActionResult(told.outcome, told.messages, (*_closing_events(turn), *told.events), cases=told.cases)
    progress = turn.closing.progress(after, turn.now)
    values = {
        "number": after.number,
        "unit": turn.telling.unit(progress.unit),
        "reason": rating.reason,
        "expected": f"{progress.shown.expected_at:{TIME_FORMAT}}",
        "scores": _scores(turn, rating),
    }
    if rating.content:
        name = "utter_rated_beside" if merged else "utter_rated"
    elif merged and after.status is not Status.MERGED:
        name = "utter_redo_alone"
    else:
        again = progress.shown.handling.redos >= SUPERVISED_FROM
        name = "utter_redo_supervised" if again else "utter_redo_opened"
    events = (*_closing_events(turn), turn.slot("case_number", after.number))
    return ActionResult(Outcome.CASE_UPDATED, (turn.say(name, **values),), events, cases=(after,))


def _scores(turn: TurnContext, rating: Rating) -> str:
    given = [turn.text(f"utter_axis_{axis}", score=rating.scores[axis]) for axis in AXES if axis in rating.scores]
    joined = ("、" if turn.language == "zh" else ", ").join(given)
    return turn.text("utter_rated_scores", scores=joined) if given else ""


def _closing_events(turn: TurnContext) -> tuple[Event, ...]:
    return (turn.form(None), *(turn.slot(name, None) for name in CLOSED_SLOTS))
