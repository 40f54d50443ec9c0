"""The parts of the web chat that live as long as the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, WebSocket

from bot.assistant import Assistant
from bot.channels.web_sessions import WebSession
from bot.errors import UnknownWebSession
from bot.settings import Settings
from connectors.web.feed import Feed
from connectors.web.origins import read_origins
from connectors.web.talk import Talk

BEARER = "bearer "


class WebChat:
    """Conversations, open streams and the sites that may take part."""

    def __init__(self, assistant: Callable[[], Assistant], settings: Settings) -> None:
        self.talk = Talk(assistant)
        self.feed = Feed(lambda: assistant().store)
        self.origins = read_origins(settings.embed_origins)


def chat_of(request: Request) -> WebChat:
    """The running web chat."""
    chat: WebChat = request.app.state.web
    return chat


def chat_of_socket(socket: WebSocket) -> WebChat:
    """The running web chat, for a socket."""
    chat: WebChat = socket.app.state.web
    return chat


Chat = Annotated[WebChat, Depends(chat_of)]


def own_session(session_id: str, request: Request, chat: Chat) -> WebSession:
    """The session in the path, whose token came as `Authorization: Bearer …`; raises UnknownWebSession."""
    told = request.headers.get("authorization", "")
    if not told.lower().startswith(BEARER):
        raise UnknownWebSession(session_id)
    return chat.talk.session(told[len(BEARER) :].strip(), session_id)


Own = Annotated[WebSession, Depends(own_session)]
