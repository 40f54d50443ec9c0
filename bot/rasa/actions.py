"""Running an action by its name: Rasa's own ones, responses, forms, and those of the action server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.errors import ActionFailed, ActionUnknown
from bot.rasa.domain import (
    ASK_AFFIRMATION,
    ASK_REPHRASE,
    BACK,
    DEACTIVATE_LOOP,
    DEFAULT_FALLBACK,
    EXTRACT_SLOTS,
    LISTEN,
    REQUESTED_SLOT,
    RESTART,
    REVERT_FALLBACK,
    SESSION_START,
    TWO_STAGE_FALLBACK,
    UNLIKELY_INTENT,
    UTTER,
    UTTER_ACTION,
)
from bot.rasa.events import ActionExecuted, ActiveLoop, Event, Restarted, SessionStarted, SlotSet, UserUtteranceReverted
from bot.rasa.extraction import extract_slots
from bot.rasa.fallbacks import ask_affirmation, revert_fallback, two_stage
from bot.rasa.forms import FormRun
from bot.rasa.responses import bot_uttered, say
from bot.rasa.stage import Stage, run_remote
from bot.rasa.tracker import Tracker


def run_action(name: str, tracker: Tracker, stage: Stage) -> list[Event]:
    """What an action does, as events; raises ActionRejected, ActionUnknown or ActionFailed."""
    domain = stage.domain
    if name not in domain.action_places:
        raise ActionUnknown(f"the domain has no action {name}")
    if name in _OWN and name not in domain.user_actions and name not in domain.forms:
        return _OWN[name](tracker, stage)
    if domain.is_retrieval_action(name):
        return utter(_chosen_response(name, tracker), tracker, stage)
    if name.startswith(UTTER):
        return utter(name, tracker, stage)
    if name in domain.forms and name not in domain.user_actions:
        return FormRun(domain.forms[name], tracker, stage, run_action).events()
    return run_remote(name, tracker, stage)


def utter(response: str, tracker: Tracker, stage: Stage) -> list[Event]:
    """The words of a response; none where it has no wording that fits."""
    draft = say(response, tracker, stage.channel)
    return [] if draft is None else [bot_uttered({**draft, UTTER_ACTION: response})]


def _chosen_response(action: str, tracker: Tracker) -> str:
    """The response that the selector chose for a retrieval intent (or for all of them)."""
    chosen = tracker.latest_message.parse_data.get("response_selector") if tracker.latest_message else None
    if not isinstance(chosen, Mapping):
        raise ActionFailed(f"the last message has no response for {action}")
    selected = chosen.get(action.removeprefix(UTTER)) or chosen.get("default")
    return str(selected["response"][UTTER_ACTION]) if selected else ""


def _session_start(tracker: Tracker, stage: Stage) -> list[Event]:
    kept = [event for event in tracker.applied_events() if isinstance(event, SlotSet)]
    carried = [SlotSet(event.name, event.value, metadata=event.metadata) for event in kept]
    return [
        SessionStarted(),
        *(carried if stage.domain.session.carry_over_slots else ()),
        ActionExecuted(LISTEN),
    ]


def _nothing(tracker: Tracker, stage: Stage) -> list[Event]:
    return []


def _saying(response: str, *events: Event) -> Callable[[Tracker, Stage], list[Event]]:
    """An action of Rasa's that says a response, where the project has it, and then does something."""
    return lambda tracker, stage: [*utter(f"{UTTER}{response}", tracker, stage), *events]


_OWN: Mapping[str, Callable[[Tracker, Stage], list[Event]]] = {
    LISTEN: _nothing,
    UNLIKELY_INTENT: _nothing,
    RESTART: _saying("restart", Restarted()),
    SESSION_START: _session_start,
    DEFAULT_FALLBACK: _saying("default", UserUtteranceReverted()),
    DEACTIVATE_LOOP: lambda tracker, stage: [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None)],
    REVERT_FALLBACK: lambda tracker, stage: revert_fallback(tracker),
    ASK_AFFIRMATION: lambda tracker, stage: ask_affirmation(tracker),
    ASK_REPHRASE: _saying("ask_rephrase"),
    TWO_STAGE_FALLBACK: lambda tracker, stage: two_stage(tracker, stage, run_action),
    BACK: _saying("back", UserUtteranceReverted(), UserUtteranceReverted()),
    EXTRACT_SLOTS: extract_slots,
}
