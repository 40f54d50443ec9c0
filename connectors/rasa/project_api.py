"""A Rasa project served as Rasa serves it: the REST channel, the tracker, parsing, and intents from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from bot.rasa.processor import DEFAULT_SENDER, INPUT_CHANNEL, Processor
from bot.rasa.stage import RASA_VERSION

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


def project_app(processor: Processor, name: str) -> FastAPI:
    """The web application of a project."""
    app = FastAPI(title=f"{name}: a Rasa project", docs_url=None, redoc_url=None)

    @app.get("/version")
    def version() -> dict[str, str]:
        return {"version": RASA_VERSION, "minimum_compatible_version": OLDEST_MODEL}

    @app.get("/status")
    def status() -> dict[str, Any]:
        return {"model_file": name, "model_id": name, "num_active_training_jobs": 0}

    @app.get("/webhooks/rest/")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/webhooks/rest/webhook", response_model=None)
    def webhook(message: RestMessage, stream: Annotated[bool, Query()] = False) -> JSONResponse | StreamingResponse:
        said = processor.handle(
            message.message,
            message.sender or DEFAULT_SENDER,
            message.metadata,
            message.input_channel or INPUT_CHANNEL,
        )
        if stream:
            return StreamingResponse(_lines(said), media_type="text/event-stream")
        return JSONResponse(said)

    @app.post("/model/parse")
    def parse(asked: TextToParse) -> dict[str, Any]:
        return processor.parse(asked.text)

    @app.get("/conversations/{sender}/tracker")
    def tracker(sender: str) -> dict[str, Any]:
        return processor.tracker(sender).current_state()

    @app.post("/conversations/{sender}/trigger_intent", response_model=None)
    def trigger(sender: str, intent: OutsideIntent) -> JSONResponse | dict[str, Any]:
        if intent.name not in processor.domain.all_intents:
            problem = {"status": "failure", "reason": "NotFound", "message": f"no intent {intent.name}", "code": 404}
            return JSONResponse(problem, 404)
        messages = processor.trigger(intent.name, intent.marks(), sender)
        return {"tracker": processor.tracker(sender).current_state(), "messages": messages}

    return app


def _lines(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Rasa streams one JSON object a line under the name of an event stream."""
    for message in messages:
        yield json.dumps(message) + "\n"
