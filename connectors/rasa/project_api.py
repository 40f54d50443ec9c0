"""A Rasa project served as Rasa serves it: the REST channel, and where enabled what reads and moves conversations."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from bot.errors import ConversationBusy
from bot.rasa.processor import DEFAULT_SENDER, INPUT_CHANNEL, Processor
from bot.rasa.stage import RASA_VERSION

log = logging.getLogger(__name__)
OLDEST_MODEL = "3.5.0"
MAX_CHARS = 20_000


class RestMessage(BaseModel):
    """A message of Rasa's REST channel."""

    sender: str | None = Field(None, max_length=255)
    message: str = Field("", max_length=MAX_CHARS)
    input_channel: str | None = Field(None, max_length=255)
    metadata: dict[str, Any] | None = None


class TextToParse(BaseModel):
    """A text whose meaning is asked for."""

    text: str = Field(max_length=MAX_CHARS)


class OutsideIntent(BaseModel):
    """An intent from outside; entities as a list of Rasa's or as name and value."""

    name: str
    entities: list[dict[str, Any]] | dict[str, Any] = Field(default_factory=list)

    def marks(self) -> list[dict[str, Any]]:
        """The entities in Rasa's list form."""
        if isinstance(self.entities, list):
            return self.entities
        return [{"entity": name, "value": value} for name, value in self.entities.items()]


def project_app(processor: Processor, name: str, enable_api: bool = False, auth_token: str = "") -> FastAPI:
    """The web application of a project: its REST channel, and with `enable_api` the rest, for who has the token."""
    app = FastAPI(title=f"{name}: a Rasa project", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(ConversationBusy)
    def busy(request: Request, busy: ConversationBusy) -> JSONResponse:
        return _failure(503, "ConversationBusy", str(busy))

    @app.get("/")
    def hello() -> PlainTextResponse:
        return PlainTextResponse(f"Hello from Rasa: {RASA_VERSION}")

    app.include_router(_channel(processor))
    if enable_api:
        app.include_router(_api(processor, name, auth_token))
    return app


def _channel(processor: Processor) -> APIRouter:
    """The REST channel, open to all as Rasa's is."""
    router = APIRouter()

    @router.get("/webhooks/rest/")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.post("/webhooks/rest/webhook", response_model=None)
    def webhook(message: RestMessage, stream: Annotated[bool, Query()] = False) -> JSONResponse | StreamingResponse:
        said: list[dict[str, Any]] = []
        try:
            processor.handle(
                message.message,
                message.sender or DEFAULT_SENDER,
                message.metadata,
                message.input_channel or INPUT_CHANNEL,
                tell=said.append,
            )
        except ConversationBusy:
            raise
        except Exception:
            log.exception("a message broke; who wrote it is told what was said so far")
        if stream:
            return StreamingResponse(_lines(said), media_type="text/event-stream")
        return JSONResponse(said)

    return router


def _api(processor: Processor, name: str, auth_token: str) -> APIRouter:
    """What reads conversations and acts in them: of all senders, so never without being asked for."""
    router = APIRouter()

    def check(token: str = "") -> None:
        if auth_token and not hmac.compare_digest(token.encode("utf-8", "replace"), auth_token.encode()):
            raise HTTPException(401)

    trusted = [Depends(check)]

    @router.get("/version")
    def version() -> dict[str, str]:
        return {"version": RASA_VERSION, "minimum_compatible_version": OLDEST_MODEL}

    @router.get("/status", dependencies=trusted)
    def status() -> dict[str, Any]:
        return {"model_file": name, "model_id": name, "num_active_training_jobs": 0}

    @router.post("/model/parse", dependencies=trusted)
    def parse(asked: TextToParse) -> dict[str, Any]:
        return processor.parse(asked.text)

    @router.get("/conversations/{sender:path}/tracker", dependencies=trusted)
    def tracker(sender: str) -> dict[str, Any]:
        return processor.tracker(sender).current_state()

    @router.post("/conversations/{sender:path}/trigger_intent", response_model=None, dependencies=trusted)
    def trigger(sender: str, intent: OutsideIntent) -> JSONResponse | dict[str, Any]:
        if intent.name not in processor.domain.all_intents:
            return _failure(404, "NotFound", f"no intent {intent.name}")
        messages = processor.trigger(intent.name, intent.marks(), sender)
        return {"tracker": processor.tracker(sender).current_state(), "messages": messages}

    return router


def _failure(status: int, reason: str, message: str) -> JSONResponse:
    """A refusal as Rasa words it."""
    return JSONResponse({"status": "failure", "reason": reason, "message": message, "code": status}, status)


def _lines(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Rasa streams one JSON object a line under the name of an event stream."""
    for message in messages:
        yield json.dumps(message) + "\n"
