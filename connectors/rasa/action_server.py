"""Our actions for any Rasa: an action server as rasa-sdk has it, with its statuses and bodies."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from bot.assistant import Assistant
from bot.errors import ActionCallUnreadable, ActionRejected
from bot.messages import UserMessage
from bot.rasa.action_call import DOMAIN_WANTED, REJECTED, UNKNOWN, ActionCall, read_call
from bot.settings import Settings
from bot.store import Work
from bot.tracker import Tracker
from connectors import metrics
from connectors.channels.gateway import Answer, apology
from connectors.limits import is_local
from connectors.rasa.action_turns import events_of, knows_slots, language_of, message_of, responses_of, said_before
from connectors.rasa.seal import Seal
from connectors.rest import Engine

PATH = "/webhook"
TOKEN = "token"
BEARER = "bearer "
# Calls that are inflated and read at one time.
READERS = 4
router = APIRouter(tags=["Rasa"])
EXAMPLE = {"events": [{"event": "slot", "timestamp": None, "name": "language", "value": "zh"}], "responses": []}


def check_token(request: Request) -> None:
    """Refuse a caller without the token where one is set, as `?token=` or as a bearer; raises HTTPException."""
    if token_set(request) and not token_given(request):
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


def check_caller(request: Request) -> None:
    """Refuse who may not call our actions; raises HTTPException."""
    check_token(request)
    if not may_call(request):
        raise HTTPException(403)


def may_call(request: Request) -> bool:
    """Whether a caller shows the token or, where none is set, is on this machine."""
    return token_given(request) if token_set(request) else is_local(request)


def token_set(request: Request) -> bool:
    """Whether this service has a token for a Rasa."""
    return bool(_token(request))


def token_given(request: Request) -> bool:
    """Whether a request shows the token."""
    header = request.headers.get("authorization", "")
    bearer = header[len(BEARER) :].strip() if header.lower().startswith(BEARER) else ""
    given = request.query_params.get(TOKEN) or bearer
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), _token(request).encode())


def _token(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return settings.rasa_token.get_secret_value()


def seal_of(request: Request) -> Seal:
    """The seal of this installation."""
    seal: Seal = request.app.state.seal
    return seal


@router.post(
    PATH,
    dependencies=[Depends(check_caller)],
    responses={
        200: {"content": {"application/json": {"example": EXAMPLE}}},
        REJECTED: {"description": "The action rejects to run, or the call cannot be read."},
        401: {"description": "The token is not `CHENGDA_RASA_TOKEN`."},
        403: {"description": "No token is set, and the caller is not on this machine."},
        UNKNOWN: {"description": "No action of ours has this name."},
        DOMAIN_WANTED: {"description": "The same call is wanted with its domain."},
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def webhook(request: Request, assistant: Engine, seal: Annotated[Seal, Depends(seal_of)]) -> JSONResponse:
    """Run an action of ours for a Rasa: the latest message of its tracker is answered by our engine, once.

    The body is Rasa's action call, plain or with `Content-Encoding: deflate`. It speaks for a conversation of its own,
    `rasa:` and the sender id, and sees the cases of that conversation only.
    """
    content, encoding = await request.body(), request.headers.get("content-encoding")
    try:
        # Large calls are read a few at a time, in threads of their own: whoever only talks does not wait for them.
        limiter: CapacityLimiter = request.app.state.readers
        call = await to_thread.run_sync(read_call, content, encoding, limiter=limiter)
    except ActionCallUnreadable as unreadable:
        return JSONResponse({"error": str(unreadable)}, REJECTED)
    return await run_in_threadpool(_answered, assistant, call, seal)


def _answered(assistant: Assistant, call: ActionCall, seal: Seal) -> JSONResponse:
    if call.action not in actions_of(assistant):
        return _refused(call, UNKNOWN, f"there is no action {call.action} here")
    if call.digest and not knows_slots(call):
        return _refused(call, DOMAIN_WANTED, "the domain of this call is not known here")
    message = message_of(call, seal)
    if message is None:
        return _refused(call, REJECTED, "there is no message to answer, or its pass is too old")
    try:
        return JSONResponse(run(assistant, call, message))
    except ActionRejected as rejected:
        return _refused(call, REJECTED, str(rejected))


@router.get("/health")
def health() -> dict[str, str]:
    """The action server lives."""
    return {"status": "ok"}


@router.get("/actions")
def actions(assistant: Engine) -> list[dict[str, str]]:
    """The actions a Rasa may call here."""
    return [{"name": name} for name in actions_of(assistant)]


def actions_of(assistant: Assistant) -> tuple[str, ...]:
    """The actions of our domain; a Rasa with our domain runs the forms itself."""
    return assistant.domain.actions


def run(assistant: Assistant, call: ActionCall, message: UserMessage) -> dict[str, Any]:
    """The answer to a call; raises ActionRejected for a message that was given up meanwhile."""
    if said_before(call):
        with assistant.store.read() as work:
            tracker = work.tracker(message.kept_as)
        return {"events": events_of(tracker, call, assistant.domain), "responses": []}
    try:
        with metrics.turn_timer():
            answer, tracker = handled(assistant, message)
    except ActionRejected:
        raise
    except Exception:
        sorry = apology(assistant, replace(message, language_hint=language_of(call, message)))
        return {"events": [], "responses": responses_of(sorry)}
    metrics.count_turn(answer)
    return {"events": events_of(tracker, call, assistant.domain), "responses": responses_of(answer)}


def handled(assistant: Assistant, message: UserMessage) -> tuple[Answer, Tracker]:
    """The turn of a message and the state after it; raises ActionRejected, and then nothing was done.

    A citizen of ours whose door gave up waiting got another answer: then the action does nothing behind their back.
    """
    after: list[Tracker] = []

    def look(work: Work, answer: Answer) -> None:
        given_up = message.sender != message.kept_as and work.answer_of(message.sender, message.message_id) is not None
        if given_up:
            raise ActionRejected("the citizen has another answer already")
        after.append(work.tracker(message.kept_as))

    answer = assistant.handle(message, look)
    return answer, after[-1]


def _refused(call: ActionCall, status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error, "action_name": call.action}, status)
