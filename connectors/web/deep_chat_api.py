"""The door of the deep-chat widget: one address for answers, streams, sockets and files.

Whose conversation it is, the page tells by `session_id` (a secret that it made or was given) in what it sends, a socket
also by `?session=` or a subprotocol `session.…`; else our cookie does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response, WebSocket
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.datastructures import FormData, UploadFile
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from bot.cases.evidence import evidence_rules
from bot.channels.web_sessions import SILENCE, WebSession
from bot.domain import Domain
from bot.errors import ChengdaError, UnknownWebSession
from connectors.limits import Refusal
from connectors.problem import REFUSALS, language_of, problem, told
from connectors.web import deep_chat
from connectors.web.chat import Chat, WebChat, chat_of_socket
from connectors.web.files import attach
from connectors.web.messages import Name
from connectors.web.origins import welcome
from connectors.web.schemas import hint_of
from connectors.web.stream import MAX_FRAME_CHARS, MESSAGES_BY_SESSION, POLICY, SEND_SECONDS, TOO_LARGE, news

PATH = "/webchat/deep-chat"
COOKIE = "chengda_chat"
EVENT_STREAM = "text/event-stream"
SUBPROTOCOL = "session."
MOST_FILES = 10
router = APIRouter(tags=["web chat"])


@dataclass(frozen=True)
class Visitor:
    """Who writes; `secret` where the cookie is to be set, `named` the secret that the page told, "" for a ticket."""

    session: WebSession
    secret: str | None = None
    named: str | None = None


@router.post(PATH, responses={200: {"content": {"application/json": {}, EVENT_STREAM: {}}}})
async def deep_chat_door(request: Request, chat: Chat) -> Response:
    """Answer the widget: a list of messages, or with `Accept: text/event-stream` the text in parts."""
    language = language_of(request)
    if not welcome(request.headers, chat.origins):
        return _refused(chat, 403, language)
    files: list[UploadFile] = []
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=MOST_FILES, max_part_size=MAX_FRAME_CHARS) as form:
            asked = deep_chat.read_form({name: value for name, value in form.items() if isinstance(value, str)})
            files = _files(form)
            return await _answered(request, chat, asked, files, language)
    return await _answered(request, chat, deep_chat.read_request(await request.body()), files, language)


async def _answered(
    request: Request, chat: WebChat, asked: deep_chat.Request | None, files: list[UploadFile], language: str
) -> Response:
    if asked is None or not (asked.text.strip() or files):
        return _refused(chat, 422, language)
    visitor = await run_in_threadpool(_visitor, chat, asked.session_id, request.cookies.get(COOKIE), language)
    contents = [(file.filename or "", await file.read(evidence_rules().most_bytes + 1)) for file in files]
    try:
        messages = await run_in_threadpool(_said_with_missed, chat, visitor.session, asked, contents, language)
    except ChengdaError as error:
        return _told_error(chat, error, language)
    chat.feed.ring(visitor.session.sender)
    silent = {"text": chat.talk.assistant.domain.text("utter_web_nothing", language)}
    response: Response
    if EVENT_STREAM in request.headers.get("accept", ""):
        parts = list(deep_chat.stream_of(messages)) or [silent]
        response = StreamingResponse(_lines(parts), media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})
    else:
        replies = deep_chat.replies_of(messages) or [silent]
        response = JSONResponse(replies, headers={"Cache-Control": "no-store"})
    if visitor.secret is not None:
        response.headers.append("Set-Cookie", cookie_of(visitor.secret, request.url.scheme))
    return response


@router.websocket(PATH)
async def deep_chat_socket(socket: WebSocket, session: str = "", ticket: str = "") -> None:
    """The same over a socket, which also carries what a person or a notice adds later."""
    chat = chat_of_socket(socket)
    if not welcome(socket.headers, chat.origins):
        await socket.close(POLICY)
        return
    language = hint_of(socket.headers.get("accept-language", "")) or "zh"
    offered = next((one for one in socket.scope.get("subprotocols") or () if one.startswith(SUBPROTOCOL)), None)
    named = (offered or "").removeprefix(SUBPROTOCOL) or session
    if len(named) > deep_chat.MOST_SECRET:
        # Cut, it could be another's.
        await socket.close(POLICY)
        return
    try:
        if ticket:
            visitor = Visitor(await run_in_threadpool(chat.talk.redeem, session, ticket), named="")
        else:
            cookie = socket.cookies.get(COOKIE)
            visitor = await run_in_threadpool(_visitor, chat, named, cookie, language)
    except UnknownWebSession:
        await socket.close(POLICY)
        return
    scheme = "https" if socket.url.scheme == "wss" else "http"
    headers = [(b"set-cookie", cookie_of(visitor.secret, scheme).encode())] if visitor.secret else []
    await socket.accept(offered, headers)
    telling = Telling(chat, socket)
    try:
        await telling.follow(visitor.session)
        await _listen(chat, visitor, telling, socket, language)
    except UnknownWebSession:
        await socket.close(POLICY)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        return
    finally:
        await telling.end()


class Telling:
    """What others say in the conversation of a socket, told while it is open."""

    def __init__(self, chat: WebChat, socket: WebSocket) -> None:
        self._chat, self._socket = chat, socket
        self._task: asyncio.Task[None] | None = None

    async def follow(self, session: WebSession) -> None:
        """Tell of this conversation from now on, and of no other."""
        await self.end()
        after = await run_in_threadpool(self._chat.talk.last_said, session)
        self._task = asyncio.create_task(self._tell(session, after))

    async def end(self) -> None:
        """Tell nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell(self, session: WebSession, after: int) -> None:
        async with contextlib.aclosing(news(self._chat, session, after)) as events:
            async for event in events:
                if event.name is Name.MESSAGE:
                    for reply in deep_chat.replies_of([event.data]):
                        async with asyncio.timeout(SEND_SECONDS):
                            await self._socket.send_json(reply)


async def _listen(chat: WebChat, visitor: Visitor, telling: Telling, socket: WebSocket, language: str) -> None:
    """Answer frames; the first that names a session turns the socket to it, as a request would, and no later one."""
    domain, session, named = chat.talk.assistant.domain, visitor.session, visitor.named
    while True:
        frame = await socket.receive_text()
        if len(frame) > MAX_FRAME_CHARS:
            await socket.close(TOO_LARGE)
            return
        asked = deep_chat.read_request(frame)
        if not socket.app.state.throttle.hit(MESSAGES_BY_SESSION, "web-socket", session.id):
            await socket.send_json({"error": domain.text("utter_problem_too_many", language)})
            continue
        if asked is not None and asked.session_id and named is None:
            named = asked.session_id
            session = await run_in_threadpool(chat.talk.adopt, named, language)
            await telling.follow(session)
        other = asked is not None and asked.session_id and named and asked.session_id != named
        if asked is None or other or not asked.text.strip():
            await socket.send_json({"error": domain.text("utter_problem_invalid", language)})
            continue
        messages = await run_in_threadpool(_said, chat, session, asked, [], language)
        chat.feed.ring(session.sender)
        for reply in deep_chat.replies_of(messages) if not messages[-1]["turn_id"] else ():
            # A failed turn is not stored, so no news tell it.
            await socket.send_json(reply)


def _said(
    chat: WebChat, session: WebSession, asked: deep_chat.Request, files: list[tuple[str, bytes]], language: str
) -> list[dict[str, Any]]:
    """The answer."""
    messages: list[dict[str, Any]] = []
    if asked.text.strip():
        text = chat.talk.payload(session, asked.text)
        messages = chat.talk.say(session, text, asked.message_id, hint_of(asked.lang) or language).messages
    for name, content in files:
        messages = [*messages, *attach(chat.talk, session, name, content, language=language).messages]
    return messages


def _said_with_missed(
    chat: WebChat, session: WebSession, asked: deep_chat.Request, files: list[tuple[str, bytes]], language: str
) -> list[dict[str, Any]]:
    """What others said since, and the answer."""
    return [*chat.talk.missed(session), *_said(chat, session, asked, files, language)]


def _visitor(chat: WebChat, told_secret: str | None, cookie: str | None, language: str) -> Visitor:
    if told_secret:
        return Visitor(chat.talk.adopt(told_secret, language), named=told_secret)
    if cookie:
        with contextlib.suppress(UnknownWebSession):
            return Visitor(chat.talk.session(cookie))
    session, secret = chat.talk.open(language)
    return Visitor(session, secret)


def _files(form: FormData) -> list[UploadFile]:
    return [value for name, value in form.multi_items() if name == "files" and isinstance(value, UploadFile)]


async def _lines(parts: list[dict[str, str]]) -> AsyncGenerator[str]:
    for part in parts:
        yield f"data: {json.dumps(part, ensure_ascii=False)}\n\n"
        await asyncio.sleep(0)


def cookie_of(secret: str, scheme: str) -> str:
    """The cookie of a conversation: no script reads it, no foreign site sends it."""
    secure = "; Secure" if scheme == "https" else ""
    age = int(SILENCE.total_seconds())
    return f"{COOKIE}={secret}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def refusal_of(domain: Domain) -> Refusal:
    """How the widget is told a refusal at the door."""
    return lambda request, status: _error(problem(status, domain, language_of(request)), status)


def _refused(chat: WebChat, status: int, language: str) -> Response:
    return _error(problem(status, chat.talk.assistant.domain, language), status)


def _told_error(chat: WebChat, error: ChengdaError, language: str) -> Response:
    domain = chat.talk.assistant.domain
    status, wording = next((row for kind, row in REFUSALS.items() if isinstance(error, kind)), (500, None))
    values = {name: told(value, domain, language) for name, value in error.values.items()}
    if wording is None:
        return _error(problem(status, domain, language, reference=secrets.token_hex(4)), status)
    return JSONResponse({"error": domain.text(wording, language, **values)}, status)


def _error(document: JSONResponse, status: int) -> JSONResponse:
    return JSONResponse({"error": json.loads(bytes(document.body))["detail"]}, status)
