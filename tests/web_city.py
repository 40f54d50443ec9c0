"""One server for all tests of the web chat, its database as another process sees it, and other sites that show it."""

from __future__ import annotations

import functools
import http.server
import itertools
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.database import open_database
from bot.store import Store
from tests.servers import Server

FRIEND = "https://www.city.example"


class Site:
    """Another site: pages made for a test."""

    def __init__(self, pages: Path) -> None:
        self.pages = pages
        self._numbers = itertools.count(1)
        handler = functools.partial(_Quiet, directory=str(pages))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, text: str) -> str:
        """The name of a page of its own: one that changed within a second would come from the browser's cache."""
        name = f"page-{next(self._numbers)}.html"
        (self.pages / name).write_text(text, encoding="utf-8")
        return name

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that may show the chat."""
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def web_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's database lies."""
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="session")
def web_server(web_folder: Path, site: Site) -> Iterator[Server]:
    """The server; every test has conversations and cases of its own."""
    server = Server(web_folder, {"CHENGDA_EMBED_ORIGINS": f"{site.url} {FRIEND}"})
    try:
        server.start()
        yield server
        # An open stream or a request that never comes in whole does not keep a server from ending.
        told = httpx.post(f"{server.url}/api/v1/sessions", timeout=60).json()
        stream, bearer = f"{server.url}/api/v1/sessions/{told['session_id']}/stream", f"Bearer {told['token']}"
        with (
            httpx.stream("GET", stream, headers={"Authorization": bearer}, timeout=60),
            socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as slow,
        ):
            slow.sendall(b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            server.stop()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def web_store(web_folder: Path, web_server: Server) -> Iterator[Store]:
    """The server's database, as another process writes to it."""
    engine = open_database(f"sqlite:///{web_folder / 'test.sqlite3'}")
    yield Store(engine, "SZ", lambda: datetime.now(UTC))
    engine.dispose()
