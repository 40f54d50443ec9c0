"""The two-stage fallback: ask whether it was meant, ask to say it again, then give up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.rasa.domain import (
    ASK_AFFIRMATION,
    ASK_REPHRASE,
    DEFAULT_FALLBACK,
    LISTEN,
    NLU_FALLBACK,
    OUT_OF_SCOPE,
    TWO_STAGE_FALLBACK,
    UTTER_ACTION,
)
from bot.rasa.events import ActionExecuted, ActiveLoop, Event, UserUtteranceReverted, UserUttered
from bot.rasa.responses import bot_uttered
from bot.rasa.stage import Stage
from bot.rasa.tracker import Tracker

Run = Callable[[str, Tracker, Stage], list[Event]]


def two_stage(tracker: Tracker, stage: Stage, run: Run) -> list[Event]:
    """One run of the fallback, which is a loop of its own."""
    events: list[Event] = []
    if tracker.active_loop != TWO_STAGE_FALLBACK:
        events.append(ActiveLoop(TWO_STAGE_FALLBACK))
    if not _is_done(tracker):
        said = tracker.latest_message
        affirm = bool(events) or (said is not None and said.intent == NLU_FALLBACK)
        events += run(ASK_AFFIRMATION if affirm else ASK_REPHRASE, tracker, stage)
    if _is_done(tracker):
        events.append(ActiveLoop(None))
        events += run(DEFAULT_FALLBACK, tracker, stage) if _is_lost(tracker) else _as_meant(tracker)
    return events


def _is_done(tracker: Tracker) -> bool:
    intent = tracker.latest_message.intent if tracker.latest_message else None
    return intent not in (NLU_FALLBACK, OUT_OF_SCOPE) or _is_lost(tracker)


def _is_lost(tracker: Tracker) -> bool:
    return _last_intents(tracker, 2) == [NLU_FALLBACK] * 2 or _last_intents(tracker, 3) == [
        OUT_OF_SCOPE,
        NLU_FALLBACK,
        OUT_OF_SCOPE,
    ]


def _last_intents(tracker: Tracker, count: int) -> list[str | None]:
    """The intents among the last messages and takings back, the latest first."""
    found = [e for e in reversed(tracker.since_restart()) if isinstance(e, UserUttered | UserUtteranceReverted)]
    return [event.intent for event in found[:count] if isinstance(event, UserUttered)]


def _as_meant(tracker: Tracker) -> list[Event]:
    """The fallback is taken back, and what was made clear stands in its place."""
    said = tracker.latest_message
    if said is None:
        return [UserUtteranceReverted()]
    parsed = {**said.parse_data, "intent": {**(said.parse_data.get("intent") or {}), "confidence": 1.0}}
    return [UserUtteranceReverted(), ActionExecuted(LISTEN), replace(said, parse_data=parsed)]


def ask_affirmation(tracker: Tracker) -> list[Event]:
    """Rasa's own question whether the likeliest intent was meant."""
    said = tracker.latest_message
    intent = said.intent if said else None
    ranking = (said.parse_data.get("intent_ranking") or []) if said else []
    if intent == NLU_FALLBACK and len(ranking) > 1:
        intent = ranking[1].get("name")
    buttons = [{"title": "Yes", "payload": f"/{intent}"}, {"title": "No", "payload": f"/{OUT_OF_SCOPE}"}]
    draft = {"text": f"Did you mean '{intent}'?", "buttons": buttons, UTTER_ACTION: ASK_AFFIRMATION}
    return [bot_uttered(draft)]


def revert_fallback(tracker: Tracker) -> list[Event]:
    """What `action_revert_fallback_events` takes back, by whether the person said it again or said yes."""
    actions = [e.name for e in tracker.applied_events() if isinstance(e, ActionExecuted) and e.name != LISTEN]
    last = actions[-1] if actions else None
    before = actions[-2] if len(actions) > 1 else None
    said = next((e for e in reversed(tracker.applied_events()) if isinstance(e, UserUttered)), None)
    if said is None:
        return []
    once: list[Event] = [UserUtteranceReverted(), UserUtteranceReverted()]
    twice: list[Event] = [*once, UserUtteranceReverted(), ActionExecuted(LISTEN)]
    if last == ASK_REPHRASE:
        return [*twice, said]
    if last != ASK_AFFIRMATION:
        return []
    parsed = {**said.parse_data, "intent": {**(said.parse_data.get("intent") or {}), "confidence": 1.0}}
    reverts = [*once, ActionExecuted(LISTEN), *(twice if before == ASK_REPHRASE else ())]
    return [*reverts, replace(said, parse_data=parsed)]
