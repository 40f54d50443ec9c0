"""The part of Rasa's HTTP API that clients of a running Rasa use; conversations only with the token."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request

from bot.assistant import Assistant
from bot.messages import SenderId, UserMessage
from bot.rasa.tracker import Verbosity
from bot.tracker import Tracker, fold
from connectors import metrics
from connectors.channels.gateway import Answer, answered
from connectors.rasa.action_server import check_token, token_set
from connectors.rasa.refusal import (
    NO_INTENT,
    NO_MESSAGE,
    ONLY_USERS,
    USER,
    ApiRefusal,
    RasaRoute,
    bad,
    moment_of,
    verbosity_of,
)
from connectors.rasa.tracker_json import tracker_json
from connectors.rest import Engine, check_open
from connectors.schemas import Body, Text

# The Rasa whose protocol this is.
RASA, OLDEST = "3.6.21", "3.6.21"
Told = Annotated[Verbosity, Depends(verbosity_of)]


class NewMessage(Body):
    """A message of the citizen; Rasa knows no other sender here."""

    text: Text
    sender: str | None = None


class Trigger(Body):
    """An intent to act on as if it had been said, with entities as a mapping or as Rasa's list."""

    name: str | None = None
    entities: Any = None

    def values(self) -> dict[str, Any]:
        """The entities by name; what is neither is none."""
        if isinstance(self.entities, dict):
            return self.entities
        listed = self.entities if isinstance(self.entities, list) else []
        return {str(one.get("entity")): one.get("value") for one in listed if isinstance(one, dict)}


def check_trusted(request: Request) -> None:
    """Refuse who has not the token; without one set there is nothing here; raises HTTPException."""
    if not token_set(request):
        raise HTTPException(404)
    check_token(request)


router = APIRouter(tags=["Rasa"])
conversations = APIRouter(
    prefix="/conversations",
    route_class=RasaRoute,
    tags=["Rasa"],
    dependencies=[Depends(check_trusted)],
    responses={401: {"description": "The token is not `CHENGDA_RASA_TOKEN`."}, 404: {"description": "None is set."}},
)


@router.get("/version")
def version() -> dict[str, str]:
    """The version of Rasa whose protocol is spoken here."""
    return {"version": RASA, "minimum_compatible_version": OLDEST}


@router.get("/webhooks/rest/")
def rest_health() -> dict[str, str]:
    """The REST channel lives."""
    return {"status": "ok"}


def status_of(assistant: Assistant) -> dict[str, Any]:
    """The model in use, as Rasa's `/status` tells it."""
    named = "-".join(assistant.parts)
    return {"model_file": named or None, "model_id": named or None, "num_active_training_jobs": 0}


@conversations.get("/{conversation:path}/tracker")
def tracker(
    conversation: str, assistant: Engine, verbosity: Told, until: Annotated[float | None, Depends(moment_of)]
) -> dict[str, Any]:
    """The state of a conversation and its events, personal data masked; an unknown one is a new one."""
    return _dump(assistant, conversation, verbosity, until)


@conversations.post("/{conversation:path}/messages")
def add_message(
    conversation: str, assistant: Engine, request: Request, verbosity: Told, body: NewMessage | None = None
) -> dict[str, Any]:
    """Take a message of the citizen and answer it; the answer stands in the events. (Rasa leaves the answer out.)"""
    if body is None:
        raise bad(NO_MESSAGE)
    if body.sender != USER:
        raise bad(f"{ONLY_USERS} Messages of sender '{body.sender}' cannot be handled.", "sender")
    check_open(conversation, request)
    _said(assistant, conversation, body.text)
    return _dump(assistant, conversation, verbosity)


@conversations.post("/{conversation:path}/trigger_intent")
def trigger_intent(
    conversation: str, assistant: Engine, request: Request, verbosity: Told, body: Trigger | None = None
) -> dict[str, Any]:
    """Act on an intent; gives the tracker and what was said. 404 for an intent that is not in the domain."""
    if body is None or not body.name:
        raise bad(NO_INTENT, "name")
    check_open(conversation, request)
    if body.name not in assistant.domain.intents:
        raise ApiRefusal(404, "NotFound", f"The intent {body.name} does not exist in the domain.")
    entities = body.values()
    values = json.dumps(entities, ensure_ascii=False) if entities else ""
    answer = _said(assistant, conversation, f"/{body.name}{values}")
    return {"tracker": _dump(assistant, conversation, verbosity), "messages": answer}


def _said(assistant: Assistant, conversation: str, text: str) -> Answer:
    with metrics.turn_timer():
        answer = answered(assistant, UserMessage(SenderId(conversation), text))
    metrics.count_turn(answer)
    return answer


def _dump(assistant: Assistant, conversation: str, verbosity: Verbosity, until: float | None = None) -> dict[str, Any]:
    sender = SenderId(conversation)
    with assistant.store.read() as work:
        state, events = work.tracker(sender), work.events(sender)
    if until is not None:
        events = [event for event in events if event.timestamp <= until]
        state = fold(Tracker(sender), events)
    return tracker_json(conversation, state, events, assistant.domain, verbosity)
