"""The doors of an account: the check of the address, and pushes; whatever is wrong gets the same empty 403."""

from __future__ import annotations

import logging
import secrets
import time
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from bot.errors import BadCallback
from connectors.channels.gateway import Gateway
from connectors.wechat.crypto import Codec, Signed, check_signature
from connectors.wechat.markup import MAX_BYTES
from connectors.wechat.replay import Replays, check_time
from connectors.wechat.settings import Mode, WeChatSettings
from connectors.wechat.wire import Incoming, read, text_answer

logger = logging.getLogger("chengda")
ACKNOWLEDGED = "success"
XML = "application/xml"
MAX_ECHO = 256


class Account(Protocol):
    """What stands behind the doors."""

    name: str
    settings: WeChatSettings

    @property
    def gateway(self) -> Gateway: ...

    def answer(self, incoming: Incoming, deadline: float) -> str: ...


class Door:
    """Opens pushes and seals answers."""

    def __init__(self, settings: WeChatSettings, replays: Replays) -> None:
        key = settings.aes_key.get_secret_value()
        self._settings, self._token = settings, settings.token.get_secret_value()
        self._codec = Codec(self._token, key, settings.app_id) if key else None
        self._replays = replays

    def echo(self, request: Request, now: datetime) -> str:
        """What WeChat wants to hear when the address is set; raises BadCallback."""
        signed, text = _signed(request, "signature"), request.query_params.get("echostr", "")
        check_signature(self._token, signed)
        check_time(signed, now)
        if not text or len(text) > MAX_ECHO:
            raise BadCallback
        return text

    def opened(self, request: Request, body: bytes, now: datetime) -> tuple[Incoming, bool]:
        """A push, and whether it was sealed; raises BadCallback."""
        sealed = request.query_params.get("encrypt_type", "raw").lower() == "aes"
        signed = _signed(request, "msg_signature" if sealed else "signature")
        if sealed:
            if self._codec is None:
                raise BadCallback
            body = self._codec.open(body, signed)
        elif self._settings.mode is not Mode.PLAIN:
            raise BadCallback
        else:
            check_signature(self._token, signed)
        check_time(signed, now)
        incoming = read(body)
        if self._settings.account not in ("", incoming.account):
            raise BadCallback
        if not sealed:
            self._replays.check_once(signed, f"{incoming.user}:{incoming.key}", now)
        return incoming, sealed

    def closed(self, document: str, sealed: bool, now: datetime) -> str:
        """An answer as it goes back."""
        if not sealed or self._codec is None:
            return document
        return self._codec.seal(document, str(int(now.timestamp())), secrets.token_hex(8))


async def body_of(request: Request) -> bytes:
    """The body, cut one byte over what is taken, and never read further."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            break
    return bytes(body)


async def started_at() -> float:
    """When the request came in, by the clock that deadlines go by; before it waits for a thread."""
    return time.monotonic()


def router_of(account: Account) -> APIRouter:
    """The two doors of an account at one address."""
    replays = Replays(account.name, lambda: account.gateway.assistant.store)
    router, door = APIRouter(), Door(account.settings, replays)
    path = f"/webhooks/{account.name}/webhook"

    @router.get(path, include_in_schema=False)
    def check(request: Request) -> Response:
        try:
            echo = door.echo(request, account.gateway.assistant.store.now())
        except BadCallback:
            return Response(status_code=403)
        return PlainTextResponse(echo, headers={"X-Content-Type-Options": "nosniff"})

    @router.post(path, include_in_schema=False)
    def take(
        request: Request,
        started: Annotated[float, Depends(started_at)],
        body: Annotated[bytes, Depends(body_of)],
    ) -> Response:
        if len(body) > MAX_BYTES:
            return Response(status_code=413)
        store = account.gateway.assistant.store
        try:
            incoming, sealed = door.opened(request, body, store.now())
        except BadCallback:
            return Response(status_code=403)
        if incoming.kind == "unknown":
            logger.info("%s: a push of an unknown kind", account.name)
        text = account.answer(incoming, started + account.settings.seconds)
        if not text:
            return PlainTextResponse(ACKNOWLEDGED)
        document = text_answer(incoming, text, store.now())
        return Response(door.closed(document, sealed, store.now()), media_type=XML)

    return router


def _signed(request: Request, name: str) -> Signed:
    told = request.query_params
    return Signed(told.get(name, ""), told.get("timestamp", ""), told.get("nonce", ""))
