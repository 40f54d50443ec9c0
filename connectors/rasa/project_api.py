"""A Rasa project served as Rasa serves it: the REST channel, and where enabled what reads and moves conversations."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field, field_validator

from bot.errors import ConversationBusy
from bot.rasa.event_reader import are_entities
from bot.rasa.outside import marks_of
from bot.rasa.processor import DEFAULT_SENDER, INPUT_CHANNEL, Processor
from bot.rasa.stage import RASA_VERSION
from bot.rasa.tracker import Verbosity
from connectors.rasa.guard import Guard
from connectors.rasa.refusal import (
    NO_INTENT,
    NO_MESSAGE,
    ONLY_USERS,
    USER,
    ApiRefusal,
    RasaRoute,
    bad,
    moment_of,
    read_body,
    refusing,
    verbosity_of,
)

OLDEST_MODEL = "3.5.0"
MAX_CHARS = 20_000
Tell = Callable[[dict[str, Any]], None]
Told = Annotated[Verbosity, Depends(verbosity_of)]
log = logging.getLogger(__name__)


class RestMessage(BaseModel):
    """A message of Rasa's REST channel; who is not named is Rasa's default, metadata that are no mapping are none."""

    sender: Annotated[str, Field(max_length=255)] = DEFAULT_SENDER
    message: Annotated[str, Field(max_length=MAX_CHARS)] | None = None
    input_channel: Annotated[str, Field(max_length=255)] = INPUT_CHANNEL
    metadata: dict[str, Any] | None = None

    @field_validator("sender", mode="before")
    @classmethod
    def _named(cls, sender: object) -> str:
        return DEFAULT_SENDER if sender is None else str(sender)

    @field_validator("message", mode="before")
    @classmethod
    def _said(cls, message: object) -> str | None:
        return message if isinstance(message, str) else None

    @field_validator("input_channel", mode="before")
    @classmethod
    def _channel(cls, channel: object) -> str:
        return str(channel or INPUT_CHANNEL)

    @field_validator("metadata", mode="before")
    @classmethod
    def _mapping(cls, metadata: object) -> object:
        return metadata if isinstance(metadata, dict) else None


class TextToParse(BaseModel):
    """A text whose meaning is asked for."""

    text: str = Field(max_length=MAX_CHARS)


class NewMessage(BaseModel):
    """A message to note; `parse_data`, where given, is what it says."""

    text: str = Field(max_length=MAX_CHARS)
    sender: str | None = None
    parse_data: dict[str, Any] | None = None

    def parsed(self) -> dict[str, Any] | None:
        """What it says; raises ApiRefusal."""
        parsed = self.parse_data
        if parsed and not (isinstance(parsed.get("intent"), dict) and isinstance(parsed.get("entities"), list)):
            raise bad("`parse_data` needs an `intent` and `entities`.", "parse_data")
        if parsed and not (isinstance(parsed["intent"].get("name"), str | None) and are_entities(parsed["entities"])):
            raise bad("`parse_data` has an `intent` or `entities` of another form.", "parse_data")
        return parsed


class OutsideIntent(BaseModel):
    """An intent from outside; entities as a list of Rasa's or as name and value, anything else is none."""

    name: str | None = None
    entities: Any = None


def project_app(processor: Processor, name: str, enable_api: bool = False, guard: Guard | None = None) -> FastAPI:
    """The web application of a project: its REST channel, and with `enable_api` the rest, for whom the guard lets."""
    app = FastAPI(title=f"{name}: a Rasa project", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(Exception)
    def broke(request: Request, error: Exception) -> JSONResponse:
        return ApiRefusal(500, "ConversationError", "An unexpected error occurred.").response()

    @app.get("/")
    def hello() -> PlainTextResponse:
        return PlainTextResponse(f"Hello from Rasa: {RASA_VERSION}")

    app.include_router(_channel(processor))
    if enable_api:
        app.include_router(_api(processor, name, guard or Guard()))
        app.include_router(_conversations(processor, guard or Guard()))
    return app


def _channel(processor: Processor) -> APIRouter:
    """The REST channel, open to all as Rasa's is."""
    router = APIRouter(route_class=RasaRoute)

    @router.get("/webhooks/rest/")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    async def webhook(request: Request) -> Response:
        message = await read_body(request, RestMessage)
        if request.query_params.get("stream", "false").lower() == "true":
            return StreamingResponse(_lines(processor, message), media_type="text/event-stream")
        said: list[dict[str, Any]] = []
        await run_in_threadpool(_answer, processor, message, said.append)
        return JSONResponse(jsonable_encoder(said))

    # A plain route: every turn comes this way, and what FastAPI does around a function costs 0.1 ms.
    router.add_route("/webhooks/rest/webhook", refusing(webhook), methods=["POST"])
    return router


def _answer(processor: Processor, message: RestMessage, tell: Tell) -> None:
    """Answer a message; one that breaks is answered with what was said so far. Raises ConversationBusy."""
    if message.message is None:
        log.error("a message without a text")
        return
    try:
        processor.handle(message.message, message.sender, message.metadata, message.input_channel, tell=tell)
    except ConversationBusy:
        raise
    except Exception:
        log.exception("a message broke; who wrote it is told what was said so far")


def _lines(processor: Processor, message: RestMessage) -> Iterator[str]:
    """Rasa streams one JSON object a line under the name of an event stream, each as soon as it is said."""
    said: SimpleQueue[dict[str, Any] | None] = SimpleQueue()

    def answer() -> None:
        try:
            _answer(processor, message, said.put)
        except ConversationBusy as busy:
            log.error("%s", busy)
        finally:
            said.put(None)

    threading.Thread(target=answer, name="chengda-rasa-stream", daemon=True).start()
    while (part := said.get()) is not None:
        yield json.dumps(part) + "\n"


def _api(processor: Processor, name: str, guard: Guard) -> APIRouter:
    """The model in use."""
    router = APIRouter(route_class=RasaRoute)

    @router.get("/version")
    def version() -> dict[str, str]:
        return {"version": RASA_VERSION, "minimum_compatible_version": OLDEST_MODEL}

    @router.get("/status", dependencies=[Depends(guard.check)])
    def status() -> dict[str, Any]:
        return {"model_file": name, "model_id": name, "num_active_training_jobs": 0}

    @router.post("/model/parse", dependencies=[Depends(guard.check)])
    def parse(asked: TextToParse | None = None) -> dict[str, Any]:
        if asked is None:
            raise bad(
                "No text message defined in request_body. Add text message to request body "
                "in order to obtain the intent and extracted entities."
            )
        return processor.parse(asked.text.strip())

    return router


def _conversations(processor: Processor, guard: Guard) -> APIRouter:
    """What reads conversations and acts in them: of all senders, so never without being asked for."""
    router = APIRouter(
        prefix="/conversations/{conversation:path}", route_class=RasaRoute, dependencies=[Depends(guard.check)]
    )

    @router.get("/tracker")
    def tracker(
        conversation: str, verbosity: Told, until: Annotated[float | None, Depends(moment_of)]
    ) -> dict[str, Any]:
        found = processor.whole_tracker(conversation)
        return (found if until is None else found.until(until)).current_state(verbosity)

    @router.post("/messages")
    def note(conversation: str, verbosity: Told, message: NewMessage | None = None) -> dict[str, Any]:
        if message is None:
            raise bad(NO_MESSAGE)
        if message.sender != USER:
            raise bad(f"{ONLY_USERS} Messages of sender '{message.sender}' cannot be handled.", "sender")
        return processor.note(message.text, conversation, message.parsed()).current_state(verbosity)

    @router.post("/trigger_intent", response_model=None)
    def trigger(conversation: str, verbosity: Told, intent: OutsideIntent | None = None) -> JSONResponse:
        if intent is None or not intent.name:
            raise bad(NO_INTENT, "name")
        if intent.name not in processor.domain.all_intents:
            raise ApiRefusal(404, "NotFound", f"The intent {intent.name} does not exist in the domain.")
        messages = processor.trigger(intent.name, marks_of(intent.entities), conversation)
        tracker = processor.tracker(conversation).current_state(verbosity)
        return JSONResponse({"tracker": tracker, "messages": messages})

    return router
