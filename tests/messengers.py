"""A messenger's API and our own doors on real sockets, for tests of channels."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import PATIENCE, wait

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """One call that our side made."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float


@dataclass
class Api:
    """An API that takes JSON, remembers it and answers as told, else as `usual` says; `hold` keeps calls waiting.

    With `cut` it takes a call and ends the connection without a word.
    """

    usual: Callable[[Call], Answer]
    told: deque[Answer] = field(default_factory=deque)
    calls: list[Call] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    cut: bool = False

    def __post_init__(self) -> None:
        self.hold.set()

    def answer(self, call: Call) -> Answer:
        self.calls.append(call)
        self.hold.wait(PATIENCE)
        return self.told.popleft() if self.told else self.usual(call)

    def wait(self, count: int, seconds: float = PATIENCE) -> list[Call]:
        """The calls once there are so many; fails when they do not come."""
        until(lambda: len(self.calls) >= count, seconds)
        return self.calls


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something; fails when it does not come."""
    assert wait(true, seconds), "it did not come"


@contextmanager
def api_of(usual: Callable[[Call], Answer]) -> Iterator[Api]:
    """An API on a port of its own."""
    api = Api(usual)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = json.loads(body) if "json" in headers.get("content-type", "") else {"raw": body.decode()}
            status, answer = api.answer(Call(self.path, headers, told, time.monotonic()))
            if api.cut:
                self.close_connection = True
                return
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield api
    api.hold.set()
    server.shutdown()
    server.server_close()
