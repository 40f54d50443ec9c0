"""The doors of an account: the check of the address, and pushes; whatever is wrong gets the same empty 403."""

from __future__ import annotations

import json
import logging
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from bot.errors import BadCallback
from connectors.channels.gateway import Gateway
from connectors.wechat.crypto import Codec, Envelope, Signed, check_signature, envelope_of
from connectors.wechat.markup import MAX_BYTES, document
from connectors.wechat.replay import Replays, check_time
from connectors.wechat.settings import Mode, WeChatSettings
from connectors.wechat.wire import Incoming, read, text_answer

logger = logging.getLogger("chengda")
ACKNOWLEDGED = "success"
MEDIA = {Envelope.XML: "application/xml", Envelope.JSON: "application/json"}
MAX_ECHO = 256


class Account(Protocol):
    """What stands behind the doors."""

    name: str
    settings: WeChatSettings

    @property
    def gateway(self) -> Gateway: ...

    def answer(self, incoming: Incoming, deadline: float) -> str: ...


@dataclass(frozen=True)
class Opened:
    """A push, whether it was sealed, and what it was wrapped in."""

    incoming: Incoming
    sealed: bool
    envelope: Envelope


class Door:
    """Opens pushes and seals answers."""

    def __init__(self, settings: WeChatSettings, replays: Replays) -> None:
        key = settings.aes_key.get_secret_value()
        self._settings, self._token = settings, settings.token.get_secret_value()
        self._codec = Codec(self._token, key, settings.app_id) if key else None
        self._replays = replays

    def echo(self, request: Request) -> str:
        """What WeChat wants to hear when the address is set, whatever its clock; raises BadCallback."""
        signed, text = _signed(request, "signature"), request.query_params.get("echostr", "")
        check_signature(self._token, signed)
        if not text or len(text) > MAX_ECHO:
            raise BadCallback
        return text

    def opened(self, request: Request, body: bytes, now: datetime) -> Opened:
        """A push; raises BadCallback."""
        sealed = request.query_params.get("encrypt_type", "raw").lower() == "aes"
        signed = _signed(request, "msg_signature" if sealed else "signature")
        envelope = envelope_of(body)
        if sealed:
            if self._codec is None:
                raise BadCallback
            body = self._codec.open(body, signed)
        elif self._settings.mode is not Mode.PLAIN:
            raise BadCallback
        else:
            check_signature(self._token, signed)
        check_time(signed, now, self._settings.skew_seconds)
        incoming = read(body)
        if self._settings.account not in ("", incoming.account):
            raise BadCallback
        if not sealed:
            self._replays.check_once(signed, f"{incoming.user}:{incoming.key}", now)
        return Opened(incoming, sealed, envelope)

    def closed(self, opened: Opened, text: str, now: datetime) -> Response:
        """An answer as it goes back, in the form in which the push came."""
        envelope, written = opened.envelope, text_answer(opened.incoming, text, now)
        content = document(**written) if envelope is Envelope.XML else json.dumps(written, ensure_ascii=False)
        if opened.sealed and self._codec is not None:
            at, nonce = str(int(now.timestamp())), secrets.token_hex(8)
            content = self._codec.seal(content, at, nonce, envelope=envelope)
        return Response(content, media_type=MEDIA[envelope])


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
            echo = door.echo(request)
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
            opened = door.opened(request, body, store.now())
        except BadCallback:
            return Response(status_code=403)
        if opened.incoming.kind == "unknown":
            logger.info("%s: a push of an unknown kind", account.name)
        text = account.answer(opened.incoming, started + account.settings.seconds)
        if not text:
            return PlainTextResponse(ACKNOWLEDGED)
        return door.closed(opened, text, store.now())

    return router


def _signed(request: Request, name: str) -> Signed:
    told = request.query_params
    return Signed(told.get(name, ""), told.get("timestamp", ""), told.get("nonce", ""))
