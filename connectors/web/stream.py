"""News of a conversation as they come: server-sent events that resume, and a socket that also takes messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable

from fastapi import APIRouter, Request, WebSocket
from fastapi.concurrency import run_in_threadpool
from limits import parse
from pydantic import ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.websockets import WebSocketDisconnect

from bot.channels.web_sessions import WebSession
from bot.errors import UnknownWebSession
from connectors.web.api import ENDED, ROOT
from connectors.web.chat import Chat, Own, WebChat, chat_of_socket
from connectors.web.messages import Name, Sent
from connectors.web.origins import welcome
from connectors.web.schemas import MessageBody, hint_of

logger = logging.getLogger("chengda")
router = APIRouter(prefix=ROOT, tags=["web chat"])
PROTOCOL = "citychat.v1"
# A stream looks by itself as often, for what no bell was rung for.
LOOK_SECONDS = 15.0
PING_SECONDS = 15
SEND_SECONDS = 30.0
MAX_FRAME_CHARS = 64 * 1024
# No person writes as much.
MESSAGES_BY_SESSION = parse("60/minute")
TOO_LARGE, POLICY = 1009, 1008
LAST_ID = re.compile(r"[0-9]{1,40}")
Send = Callable[[Sent], Awaitable[None]]


@router.get("/{session_id}/stream", responses=ENDED | {200: {"content": {"text/event-stream": {}}}})
def stream(request: Request, session: Own, chat: Chat, after: int = 0) -> EventSourceResponse:
    """Events of a conversation: message.delta, message, typing, handoff, case.update, error.

    `id` is the number of a turn and grows; with `Last-Event-ID` (or `?after=`) the stream goes on after that turn,
    also with what a person or a notice added meanwhile. Without either it begins with the newest 200 turns.
    """
    last = request.headers.get("last-event-id", "")
    known = int(last) if LAST_ID.fullmatch(last) else after
    return EventSourceResponse(
        _as_sse(news(chat, session, known)),
        ping=PING_SECONDS,
        sep="\n",
        send_timeout=SEND_SECONDS,
    )


async def _as_sse(events: AsyncGenerator[Sent]) -> AsyncGenerator[ServerSentEvent]:
    async with contextlib.aclosing(events):
        async for event in events:
            data = json.dumps(event.data, ensure_ascii=False)
            key = None if event.id is None else str(event.id)
            yield ServerSentEvent(data, event=str(event.name), id=key, sep="\n")


async def news(chat: WebChat, session: WebSession, after: int) -> AsyncGenerator[Sent]:
    """What is new in a conversation, for as long as somebody listens and the session lives."""
    live = typing = False
    told: int | None = None
    with chat.feed.listening(session.sender) as listener:
        while True:
            looks = listener.take()
            before, typing = typing, listener.typing
            if typing and not before:
                yield Sent(Name.TYPING, {"on": True})
            try:
                if told is None:
                    told = await run_in_threadpool(chat.talk.known, session, after)
                events = await run_in_threadpool(chat.talk.events, session, told, live) if looks else ()
            except UnknownWebSession:
                yield Sent(Name.ERROR, {"reason": "ended"})
                return
            except Exception:
                reference = secrets.token_hex(4)
                logger.exception("reference %s: a stream failed", reference)
                yield Sent(Name.ERROR, {"reason": "failed", "reference": reference})
                return
            for event in events:
                yield event
                listener.told = told = event.id or told
            if before and not typing:
                yield Sent(Name.TYPING, {"on": False})
            live = True
            await listener.wait(LOOK_SECONDS)


@router.websocket("/{session_id}/ws")
async def socket(socket: WebSocket, session_id: str, ticket: str = "", after: int = 0) -> None:
    """The same over one socket, opened by a ticket: events out, messages in.

    In: `{"client_msg_id", "text", "lang"?}`; out: `{"event", "data", "id"?}`, with `ack` for every
    message that was answered. A foreign site is refused before the socket opens.
    """
    chat = chat_of_socket(socket)
    if not welcome(socket.headers, chat.origins):
        await socket.close(POLICY)
        return
    try:
        session = await run_in_threadpool(chat.talk.redeem, session_id, ticket)
    except UnknownWebSession:
        await socket.close(POLICY)
        return
    offered = socket.scope.get("subprotocols") or []
    await socket.accept(PROTOCOL if PROTOCOL in offered else None)
    out = asyncio.Lock()

    async def send(event: Sent) -> None:
        async with out, asyncio.timeout(SEND_SECONDS):
            await socket.send_text(json.dumps(event.as_json(), ensure_ascii=False))

    telling = asyncio.create_task(_tell(chat, session, after, send))
    try:
        await _listen(chat, session, socket, send)
    except UnknownWebSession:
        await socket.close(POLICY)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        return
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(chat: WebChat, session: WebSession, after: int, send: Send) -> None:
    async with contextlib.aclosing(news(chat, session, after)) as events:
        async for event in events:
            await send(event)


async def _listen(chat: WebChat, session: WebSession, socket: WebSocket, send: Send) -> None:
    """Answer what comes in, one after the other; a frame that is none is told and the socket stays open."""
    while True:
        frame = await socket.receive_text()
        if len(frame) > MAX_FRAME_CHARS:
            await socket.close(TOO_LARGE)
            return
        if not socket.app.state.throttle.hit(MESSAGES_BY_SESSION, "web-socket", session.id):
            await send(Sent(Name.ERROR, {"reason": "too_many"}))
            continue
        try:
            body = MessageBody.model_validate_json(frame)
        except ValidationError:
            await send(Sent(Name.ERROR, {"reason": "invalid"}))
            continue
        with chat.feed.typing(session.sender):
            said = await run_in_threadpool(chat.talk.say, session, body.text, body.client_msg_id, hint_of(body.lang))
            chat.feed.ring(session.sender)
        await send(Sent(Name.ACK, {"client_msg_id": body.client_msg_id, "turn_id": said.turn.id}))
        if not said.turn.id:
            # A failed turn is not stored, so no stream tells it.
            for message in said.messages:
                await send(Sent(Name.MESSAGE, message))
