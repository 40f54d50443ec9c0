"""Rasa's socket.io dialect: session_request and session_confirm, user_uttered and bot_uttered.

The session id is a secret that we make and the widget keeps; what a person or a notice adds later is pushed as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import socketio
from starlette.concurrency import run_in_threadpool

from bot.channels.web_sessions import SECRET_BYTES, WebSession
from bot.errors import UnknownWebSession
from connectors.schemas import MAX_BODY_CHARS
from connectors.throttle import Throttle
from connectors.web.chat import WebChat
from connectors.web.messages import Name, Speaker
from connectors.web.origins import welcome
from connectors.web.schemas import hint_of
from connectors.web.stream import MAX_FRAME_CHARS, MESSAGES_BY_SESSION, news
from connectors.web.talk import Said

PATH = "/socket.io"
MOST_SECRET = 200


def uttered(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message as bot_uttered events; the widget knows them by their exact keys."""
    if message["role"] == Speaker.USER:
        return []
    found: list[dict[str, Any]] = []
    if message.get("image"):
        found.append({"attachment": {"type": "image", "payload": {"src": message["image"]}}})
    if message["text"]:
        said: dict[str, Any] = {"text": message["text"].replace("\n", "  \n")}
        if message.get("buttons"):
            said["quick_replies"] = [{"content_type": "text", **button} for button in message["buttons"]]
        found.append(said)
    return found


@dataclass
class _Open:
    """One socket. Its events are handled beside each other: `beginning` lets only one of them begin a conversation."""

    language: str
    session: WebSession | None = None
    telling: asyncio.Task[None] | None = None
    beginning: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def end(self) -> None:
        """Tell nothing more."""
        telling, self.session, self.telling = self.telling, None, None
        if telling is not None:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


class RasaSocket:
    """The server of the dialect; one conversation a socket."""

    def __init__(self, chat: WebChat, throttle: Callable[[], Throttle]) -> None:
        self._chat, self._throttle = chat, throttle
        self._open: dict[str, _Open] = {}
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins=lambda origin, environ: welcome(
                {"origin": origin, "host": environ.get("HTTP_HOST", "")}, chat.origins
            ),
            cors_credentials=False,
            max_http_buffer_size=MAX_FRAME_CHARS,
        )
        for name, handler in (
            ("connect", self._connect),
            ("session_request", self._session_request),
            ("user_uttered", self._user_uttered),
            ("disconnect", self._disconnect),
        ):
            self.server.on(name, handler)
        self.app = socketio.ASGIApp(self.server, socketio_path=PATH)

    async def stop(self) -> None:
        """Let go of all sockets."""
        for sid in list(self._open):
            await self._disconnect(sid)

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: object = None) -> None:
        self._open[sid] = _Open(hint_of(str(environ.get("HTTP_ACCEPT_LANGUAGE", ""))) or "zh")

    async def _session_request(self, sid: str, data: object = None) -> None:
        told = data.get("session_id") if isinstance(data, dict) else None
        secret = told if isinstance(told, str) and 0 < len(told) <= MOST_SECRET else secrets.token_urlsafe(SECRET_BYTES)
        if (here := self._open.get(sid)) is None:
            return
        async with here.beginning:
            await self._begin(sid, here, secret)
        await self.server.emit("session_confirm", secret, to=sid)

    async def _user_uttered(self, sid: str, data: object = None) -> None:
        """Answer a message; one without a session begins one, as clients without session_request do."""
        here = self._open.get(sid)
        if here is None or not isinstance(data, dict) or not isinstance(data.get("message"), str):
            return
        text = data["message"][:MAX_BODY_CHARS].replace("\0", "")
        told = data.get("session_id")
        async with here.beginning:
            if here.session is None:
                await self._begin(sid, here, told if isinstance(told, str) and 0 < len(told) <= MOST_SECRET else sid)
            session = here.session
        if session is None:
            return
        custom = data.get("customData")
        wished = hint_of(str(custom.get("language", ""))) if isinstance(custom, dict) else None
        language = wished or here.language
        if not self._throttle().hit(MESSAGES_BY_SESSION, "web-socket", session.id):
            words = self._chat.talk.assistant.domain.text("utter_problem_too_many", language)
            await self.server.emit("bot_uttered", {"text": words}, to=sid)
            return
        try:
            said = await run_in_threadpool(self._said, session, text, language)
        except UnknownWebSession:
            if here.session is session:
                await here.end()
            return
        self._chat.feed.ring(session.sender)
        if not said.turn.id:
            # A failed turn is not stored, so no news tell it.
            for message in said.messages:
                await self._utter(sid, message)

    async def _disconnect(self, sid: str, reason: object = None) -> None:
        here = self._open.pop(sid, None)
        if here is not None:
            await here.end()

    async def _begin(self, sid: str, here: _Open, secret: str) -> None:
        """Take up a conversation and tell its news, unless the socket is gone meanwhile."""
        await here.end()
        session = await run_in_threadpool(self._chat.talk.adopt, secret, here.language)
        after = await run_in_threadpool(self._chat.talk.last_said, session)
        if self._open.get(sid) is here:
            here.session, here.telling = session, asyncio.create_task(self._tell(sid, session, after))

    def _said(self, session: WebSession, text: str, language: str) -> Said:
        return self._chat.talk.say(session, self._chat.talk.payload(session, text), None, language)

    async def _tell(self, sid: str, session: WebSession, after: int) -> None:
        async with contextlib.aclosing(news(self._chat, session, after)) as events:
            async for event in events:
                if event.name is Name.MESSAGE:
                    await self._utter(sid, event.data)

    async def _utter(self, sid: str, message: Mapping[str, Any]) -> None:
        for said in uttered(message):
            await self.server.emit("bot_uttered", said, to=sid)
