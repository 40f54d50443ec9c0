"""The doors of a corp: the check of the address, and callbacks; whatever is wrong gets the same empty 403."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from bot.errors import BadCallback
from connectors.wechat.crypto import Codec, Signed
from connectors.wechat.door import ACKNOWLEDGED, body_of
from connectors.wechat.markup import MAX_BYTES
from connectors.wechat.replay import check_time
from connectors.wecom.settings import WeComSettings
from connectors.wecom.wire import Call, call_of

MAX_ECHO = 1024


class Door:
    """Opens what WeCom sends; all of it is sealed."""

    def __init__(self, settings: WeComSettings) -> None:
        self._corp_id, self._skew = settings.corp_id, settings.skew_seconds
        token, key = settings.token.get_secret_value(), settings.aes_key.get_secret_value()
        self._codec = Codec(token, key, settings.corp_id)

    def echo(self, request: Request) -> bytes:
        """What WeCom wants to hear when the address is set, whatever its clock; raises BadCallback."""
        signed, sealed = _signed(request), request.query_params.get("echostr", "")
        if len(sealed) > MAX_ECHO:
            raise BadCallback
        return self._codec.open_text(sealed, signed)

    def call(self, request: Request, body: bytes, now: datetime) -> Call | None:
        """A callback, None for one of another kind; raises BadCallback."""
        signed = _signed(request)
        opened = self._codec.open(body, signed)
        check_time(signed, now, self._skew)
        return call_of(opened, self._corp_id)


def router_of(path: str, door: Door, clock: Callable[[], datetime], called: Callable[[Call], None]) -> APIRouter:
    """The two doors at one address; `called` keeps a call before it is acknowledged."""
    router = APIRouter()

    @router.get(path, include_in_schema=False)
    def check(request: Request) -> Response:
        try:
            echo = door.echo(request)
        except BadCallback:
            return Response(status_code=403)
        return Response(echo, media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})

    @router.post(path, include_in_schema=False)
    def take(request: Request, body: Annotated[bytes, Depends(body_of)]) -> Response:
        if len(body) > MAX_BYTES:
            return Response(status_code=413)
        try:
            call = door.call(request, body, clock())
        except BadCallback:
            return Response(status_code=403)
        if call is not None:
            called(call)
        return PlainTextResponse(ACKNOWLEDGED)

    return router


def _signed(request: Request) -> Signed:
    told = request.query_params
    return Signed(told.get("msg_signature", ""), told.get("timestamp", ""), told.get("nonce", ""))
