"""Refusals as Rasa's HTTP API words them, and routes that refuse so and read every body as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from bot.errors import ChengdaError, ConversationBusy
from bot.rasa.stage import RASA_VERSION
from bot.rasa.tracker import Verbosity

SECURITY = "https://rasa.com/docs/rasa/user-guide/configuring-http-api/#security-considerations"
BODY, QUERY = "body", "query"
USER = "user"
NO_MESSAGE = "No message defined in request body. Add a message to the request body in order to add it to the tracker."
ONLY_USERS = "Currently, only user messages can be passed to this endpoint."
NO_INTENT = "Name of the intent not provided in request body."
_PHRASES = {one.value: one.phrase for one in HTTPStatus}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Body = TypeVar("Body", bound=BaseModel)


class ApiRefusal(ChengdaError):
    """A request is refused, in Rasa's words; `details` name the parameter where it is one."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        details: Mapping[str, str] | None = None,
        more: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.details, self.help = status, reason, details or {}, more

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """The answer; `headers` go with it."""
        body = {
            "version": RASA_VERSION,
            "status": "failure",
            "message": str(self),
            "reason": self.reason,
            "details": dict(self.details),
            "help": self.help,
            "code": self.status,
        }
        return JSONResponse(body, self.status, headers)


def bad(message: str, parameter: str | None = None, where: str = BODY) -> ApiRefusal:
    """A request that is wrong, in the parameter named."""
    details = {"parameter": parameter, "in": where} if parameter else None
    return ApiRefusal(400, "BadRequest", message, details)


def unauthenticated() -> ApiRefusal:
    """Who asks has not shown who they are."""
    return ApiRefusal(401, "NotAuthenticated", "User is not authenticated.", more=SECURITY)


def unauthorized() -> ApiRefusal:
    """Who asks may not."""
    return ApiRefusal(403, "NotAuthorized", "User has insufficient permissions.", more=SECURITY)


def verbosity_of(
    include_events: Annotated[str, Query(description="Which events are told: NONE, APPLIED, AFTER_RESTART or ALL.")] = (
        Verbosity.AFTER_RESTART
    ),
) -> Verbosity:
    """Which events are asked for, in any case of letters; raises ApiRefusal."""
    try:
        return Verbosity(include_events.upper())
    except ValueError:
        names = ", ".join(Verbosity)
        told = f"Invalid parameter value for 'include_events'. Should be one of {names}"
        raise bad(told, "include_events", QUERY) from None


def moment_of(
    until: Annotated[str | None, Query(description="Seconds since 1970 at which the conversation is told.")] = None,
) -> float | None:
    """The moment that is asked for; what is no number is none, as in Rasa."""
    try:
        return None if until is None else float(until)
    except ValueError:
        return None


class RasaRoute(APIRoute):
    """A route whose bodies are JSON whatever their Content-Type says, and which refuses in Rasa's words."""

    def get_route_handler(self) -> Handler:
        """The handler, with refusals answered."""
        answer = super().get_route_handler()
        return refusing(lambda request: answer(_as_json(request)))


def refusing(answer: Handler) -> Handler:
    """A handler, with its refusals answered in Rasa's words."""

    async def handler(request: Request) -> Response:
        try:
            return await answer(request)
        except ApiRefusal as refusal:
            return refusal.response()
        except ConversationBusy as busy:
            return ApiRefusal(503, "ConversationBusy", str(busy)).response()
        except HTTPException as error:
            return _of_status(error.status_code).response(error.headers)
        except RequestValidationError as error:
            return _of_invalid(error).response()

    return handler


async def read_body(request: Request, kind: type[Body]) -> Body:
    """The body read as JSON, as FastAPI does it; raises RequestValidationError, or HTTPException if it is no text."""
    try:
        return kind.model_validate(await request.json())
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": (BODY, *one["loc"])} for one in error.errors()]) from error
    except json.JSONDecodeError as error:
        raise RequestValidationError([{"type": "json_invalid", "loc": (BODY, error.pos)}]) from error
    except Exception as error:
        raise HTTPException(400) from error


def _as_json(request: Request) -> Request:
    kept = [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]
    return Request({**request.scope, "headers": [*kept, (b"content-type", b"application/json")]}, request.receive)


def _of_status(status: int) -> ApiRefusal:
    if status == 401:
        return unauthenticated()
    if status == 403:
        return unauthorized()
    phrase = _PHRASES.get(status, "Error")
    return ApiRefusal(status, phrase.replace(" ", ""), f"{phrase}.")


def _of_invalid(error: RequestValidationError) -> ApiRefusal:
    first = error.errors()[0]
    where, *place = (str(part) for part in first["loc"])
    if first["type"] == "json_invalid" or not place:
        return bad("The request body is no JSON object.")
    return bad(f"Invalid value of '{'.'.join(place)}': {first['msg']}", place[0], where)
