"""What every action has at hand, and how actions of an action server are run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import ActionError, ActionFailed
from bot.rasa.action_call import ActionServer, split_response
from bot.rasa.domain import UTTER_ACTION, Domain
from bot.rasa.event_reader import UnknownEvent, event_of
from bot.rasa.events import BotUttered, Event, SlotSet
from bot.rasa.responses import bot_uttered, say
from bot.rasa.tracker import Tracker

# The version an action server is told: that of the Rasa whose behaviour this is.
RASA_VERSION = "3.6.21"


@dataclass(frozen=True)
class Stage:
    """The domain, the action server where there is one, and the name of the channel that is spoken through."""

    domain: Domain
    server: ActionServer | None
    channel: str


def run_remote(name: str, tracker: Tracker, stage: Stage) -> list[Event]:
    """What an action of the action server says and does; raises ActionRejected, ActionUnknown or ActionFailed."""
    if stage.server is None:
        raise ActionFailed(f"no `action_endpoint` is set for {name}")
    call = {
        "sender_id": tracker.sender_id,
        "tracker": tracker.current_state(),
        "version": RASA_VERSION,
        "domain": dict(stage.domain.content),
    }
    answer = stage.server.run(name, call)
    said: list[Event] = []
    for response in answer.responses:
        if (uttered := _uttered(response, tracker, stage)) is not None:
            said.append(uttered)
    try:
        return said + [event_of(event) for event in answer.events]
    except UnknownEvent as error:
        raise ActionFailed(f"{name}: {error}") from error


def _uttered(response: Mapping[str, Any], tracker: Tracker, stage: Stage) -> BotUttered | None:
    named, values = split_response(response)
    draft: dict[str, Any] = {}
    if named:
        found = say(named, tracker, stage.channel, values)
        if found is None:
            return None
        draft = {**found, UTTER_ACTION: named}
    buttons = [*(draft.get("buttons") or ()), *(values.pop("buttons", None) or ())]
    told = {key: value for key, value in values.items() if value}
    return bot_uttered({**draft, **({"buttons": buttons} if buttons else {}), **told})


def run_for_slots(name: str, tracker: Tracker, stage: Stage) -> list[Event]:
    """The slots (and words) of a custom action while slots are filled; its other events, and failures, are dropped."""
    try:
        events = run_remote(name, tracker, stage)
    except ActionError:
        return []
    return [event for event in events if isinstance(event, SlotSet | BotUttered)]
