"""Limits at the door: requests a minute and address, and the size of a body."""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.cases.evidence import evidence_rules
from bot.domain import Domain
from bot.rasa.action_call import MAX_CALL_BYTES
from connectors.problem import problem

WINDOW_SECONDS = 60
MAX_ADDRESSES = 10_000
MAX_BODY_BYTES = 256 * 1024
EVIDENCE_PATH = re.compile(
    r"(?:/staff)?/cases/[^/]+/evidence|/open311(?:/test)?/v2/requests\.(?:xml|json)"
    r"|/api/v1/sessions/[^/]+/files|/webchat/deep-chat"
)
ENVELOPE_BYTES = 64 * 1024
# A Rasa sends the whole conversation, and its domain, with every action it calls.
ACTIONS_PATH = "/webhook"
FREE_PATHS = ("/healthz", "/readyz", "/metrics")
# Who shows one of these came by way of another machine, a proxy's.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
PORT = re.compile(r"([\d.]+):\d+|\[([0-9a-fA-F:.]+)\](?::\d+)?")
# How a part of the service tells a status in its own protocol.
Refusal = Callable[[Request, int], Response]


class Limits:
    """ASGI middleware that refuses with 429 or 413 before any work is done."""

    def __init__(
        self,
        app: ASGIApp,
        domain: Domain,
        requests_a_minute: int,
        trusted_proxy: int,
        refusals: Mapping[str, Refusal] | None = None,
        may_call: Callable[[Request], bool] = lambda request: False,
        uncounted: Iterable[re.Pattern[str]] = (),
    ) -> None:
        """`may_call` tells who may call our actions: others have no need of large bodies there.

        `uncounted` are the paths of doors that ask for a signature or key: the few addresses of a messenger or of a
        recogniser bring what all citizens write or say, and a refusal would lose it.
        """
        self._app = app
        self._domain = domain
        self._refusals = refusals or {}
        self._may_call = may_call
        self._uncounted = tuple(uncounted)
        self._limit = requests_a_minute
        self._trusted_proxy = trusted_proxy
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in FREE_PATHS:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        english = headers.get(b"accept-language", b"").lower().startswith(b"en")
        language = "en" if english else "zh"
        counted = self._limit and not any(door.match(scope["path"]) for door in self._uncounted)
        if counted and (wait := self._wait(address_of(scope, self._trusted_proxy), time.monotonic())):
            refusal = self._refusal(scope, 429, language)
            refusal.headers["Retry-After"] = str(wait)
            await refusal(scope, receive, send)
            return
        most = most_bytes(scope["path"], lambda: self._may_call(Request(scope)))
        if int(headers.get(b"content-length", b"0") or 0) > most:
            await self._refusal(scope, 413, language)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, most), send)

    def _refusal(self, scope: Scope, status: int, language: str) -> Response:
        own = next((tell for prefix, tell in self._refusals.items() if scope["path"].startswith(prefix)), None)
        return own(Request(scope), status) if own else problem(status, self._domain, language)

    def _wait(self, address: str, now: float) -> int:
        """Count a request; the seconds until an address that asked too often may ask again, else 0."""
        began, count = self._counts.pop(address, (now, 0))
        if now - began >= WINDOW_SECONDS:
            began, count = now, 0
        self._counts[address] = (began, count + 1)
        while len(self._counts) > MAX_ADDRESSES:
            self._counts.popitem(last=False)
        return math.ceil(began + WINDOW_SECONDS - now) if count >= self._limit else 0


def address_of(scope: Scope, trusted_proxies: int) -> str:
    """The caller's address; behind so many trusted proxies in a row the one that the outermost of them added.

    A proxy appends whom it heard to what the caller wrote, so entries are counted from the right.
    """
    lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"] if trusted_proxies else []
    told = [entry for entry in b",".join(lines).decode("latin-1").replace(" ", "").split(",") if entry]
    if told:
        return _without_port(told[-min(trusted_proxies, len(told))])
    return str(scope["client"][0]) if scope.get("client") else ""


def _without_port(entry: str) -> str:
    """An address as one proxy or another writes it: 10.0.0.1, 10.0.0.1:4711, [2001:db8::1]:4711."""
    found = PORT.fullmatch(entry)
    return (found[1] or found[2]) if found else entry


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine, by no proxy."""
    if any(name in request.headers for name in FORWARDED) or request.client is None:
        return False
    return is_loopback(request.client.host)


def is_loopback(host: str) -> bool:
    """Whether a name or address of a machine is this machine itself."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    # A socket for both kinds of addresses tells IPv4 ones inside of IPv6 ones.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def most_bytes(path: str, may_call: Callable[[], bool] = lambda: False) -> int:
    """How large a body may be: a file and its envelope where files are taken, a whole talk where actions are called."""
    if path == ACTIONS_PATH and may_call():
        return MAX_CALL_BYTES
    return evidence_rules().most_bytes + ENVELOPE_BYTES if EVIDENCE_PATH.fullmatch(path) else MAX_BODY_BYTES


def _bounded(receive: Receive, most: int) -> Receive:
    """The body cut off at the limit, for requests that do not tell their length."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > most else message

    return bounded
