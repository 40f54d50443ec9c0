"""What messengers with an HTTP API share: pieces one after the other, calls that never raise, untrusted JSON."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
from fastapi import Request
from pydantic import SecretStr

from bot.channels.capability import Capabilities
from bot.channels.parcel import Parcel
from bot.channels.plain import Piece, pieces_of
from bot.messages import Button
from connectors.channels.channel import Progress, Push, Pushed
from connectors.live.connect import LOUD

TIMEOUT = httpx.Timeout(8.0, connect=4.0)
# Errors after which surely nothing was sent.
NOT_BEGUN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
LONGEST_WAIT = timedelta(hours=1)
Meaning = Callable[[int, Mapping[str, Any]], Pushed]


def send_pieces(parcel: Parcel, able: Capabilities, progress: Progress, send: Callable[[Piece], Pushed]) -> Pushed:
    """Send what is left of a parcel, noting each piece that is through; ends at the first that is not."""
    pieces = pieces_of(parcel.bubbles, able)
    pushed = Pushed(Push.SENT)
    for number, piece in enumerate(pieces[parcel.sent :], parcel.sent + 1):
        pushed = send(piece)
        if pushed.outcome is not Push.SENT:
            return pushed
        if number < len(pieces):
            progress(number)
    return pushed


def quiet_client(url: str, headers: dict[str, str] | None = None) -> httpx.Client:
    """A client for an API whose addresses or headers hold a secret: nothing of a call is logged."""
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT)


def call(client: httpx.Client, path: str, body: Mapping[str, Any], meaning: Meaning) -> Pushed:
    """Make a call; what its status and JSON mean for the message, or what a broken network does."""
    try:
        answer = client.post(path, json=body)
    except httpx.HTTPError as error:
        return broken(error)
    return meaning(answer.status_code, read_json(answer))


def broken(error: httpx.HTTPError) -> Pushed:
    """LATER where there was no connection, UNKNOWN where the message may have been on its way."""
    return Pushed(Push.LATER if isinstance(error, NOT_BEGUN) else Push.UNKNOWN, type(error).__name__)


def read_json(answer: httpx.Response) -> dict[str, Any]:
    """The object of an answer, whatever its status; empty where there is none."""
    try:
        told = answer.json()
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}


def waiting(seconds: object) -> timedelta | None:
    """A wait that an API asks for, within reason; None where it asks for none."""
    if not isinstance(seconds, int | float) or seconds <= 0:
        return None
    return min(timedelta(seconds=seconds), LONGEST_WAIT)


def parts(holder: object, name: str) -> Sequence[Mapping[str, Any]]:
    """The objects listed under a name of untrusted JSON; none where it is no such list."""
    found = holder.get(name) if isinstance(holder, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def field(holder: object, *names: str) -> Any:
    """What lies under names, one in the other, in untrusted JSON; None where it is not there."""
    for name in names:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return holder


def same(told: str, secret: SecretStr) -> bool:
    """Whether a caller knows a secret, in constant time."""
    return hmac.compare_digest(told.encode(), secret.get_secret_value().encode())


def hub_signature(secret: SecretStr, body: bytes) -> SecretStr:
    """What a header such as `X-Hub-Signature-256` must say of a raw body."""
    return SecretStr("sha256=" + hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest())


def fit(text: str, most: int) -> str:
    """A text cut to some characters, so that the cut shows."""
    return text if len(text) <= most else text[: most - 1] + "…"


def sent_back(button: Button, most: int) -> str:
    """What a tap sends back: the payload, or the button's words where it has too many bytes of UTF-8."""
    payload, title = button.payload.encode(), button.title.encode()
    return button.payload if len(payload) <= most else title[:most].decode(errors="ignore")


async def body_of(request: Request) -> bytes:
    """The raw body of a request, for doors that check a signature over it."""
    return await request.body()
