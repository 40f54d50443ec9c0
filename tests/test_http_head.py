"""A request's head is bounded: what never ends is answered, and nothing else changes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request

from connectors.http_head import MOST_HEAD_BYTES, BoundedHead

HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    server = uvicorn.Server(uvicorn.Config(app, port=0, http=BoundedHead, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def answers(port: int, *parts: bytes) -> bytes:
    """All that is answered on one connection until the server closes it."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        try:
            for part in parts:
                line.sendall(part)
            while more := line.recv(65536):
                heard += more
        except ConnectionError:
            pass
    return heard


def posted(body: bytes, close: bool = False) -> bytes:
    last = b"Connection: close\r\n" if close else b""
    return HEAD + last + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_large_bodies_and_many_requests_on_one_connection_are_served(port: int) -> None:
    large = b"x" * (MOST_HEAD_BYTES * 4)
    heard = answers(port, posted(large), *(posted(b"x" * 30_000) for _ in range(5)), posted(b"ab", close=True))
    assert heard.count(b"200 OK") == 7 and heard.endswith(b"2") and str(len(large)).encode() in heard


@pytest.mark.parametrize("line", [b"a: b\r\n", b"x" * 6, b"/path/"])
def test_a_head_without_end_is_refused(port: int, line: bytes) -> None:
    first = HEAD if line.endswith(b"\n") else b"GET /" if line.startswith(b"/") else HEAD + b"a: "
    pieces = [line * 1000] * (MOST_HEAD_BYTES // (len(line) * 1000) + 3)
    heard = answers(port, first, *pieces)
    assert heard.count(b"HTTP/1.1 ") <= 1 and (b" 400 " in heard or not heard)
    assert b"200 OK" in answers(port, posted(b"still there", close=True))
