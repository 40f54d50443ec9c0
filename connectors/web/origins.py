"""Which sites may embed the chat and call it: an allow-list, checked once at the start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.errors import SettingsError

ORIGIN = re.compile(r"https://[a-z0-9.-]+(?::\d{1,5})?|http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?")
OPEN_PATHS = ("/api/v1/", "/webchat/")
REMEMBERED_SECONDS = 600


def read_origins(setting: str) -> tuple[str, ...]:
    """The origins of the setting, split at commas and spaces; raises SettingsError for what is none."""
    found = tuple(one.lower().rstrip("/") for one in re.split(r"[,\s]+", setting.strip()) if one)
    for origin in found:
        if not ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"CHENGDA_EMBED_ORIGINS: {origin} is no origin like https://www.city.example 不是来源地址"
            )
    return found


def welcome(headers: Mapping[str, str], origins: tuple[str, ...]) -> bool:
    """Whether a request comes from our own page, an allowed site or no browser at all."""
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin.lower() in origins or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


class Doors:
    """ASGI middleware: allowed sites may call the chat's API from their own pages, others may not."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = origins
        self._open = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "Accept-Language"],
            max_age=REMEMBERED_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chat = scope["type"] == "http" and scope["path"].startswith(OPEN_PATHS)
        foreign = chat and Headers(scope=scope).get("origin", "").lower() in self._origins
        await (self._open if foreign else self._app)(scope, receive, send)
