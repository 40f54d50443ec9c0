"""An application of ours served in a thread, for clients that need a real connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import uvicorn
from fastapi import FastAPI

from tests.waiting import wait

STOP_SECONDS = 30


class Served:
    """A server on a free port until `stop`, which cuts off what is still under way after a while."""

    def __init__(self, app: FastAPI, lifespan: Literal["auto", "off"] = "auto") -> None:
        told = uvicorn.Config(
            app, port=0, log_level="critical", ws="none", lifespan=lifespan, timeout_graceful_shutdown=STOP_SECONDS
        )
        self._server = uvicorn.Server(told)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        assert wait(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join()


@contextmanager
def served(app: FastAPI, lifespan: Literal["auto", "off"] = "auto") -> Iterator[str]:
    """The address of an application while it is served."""
    server = Served(app, lifespan)
    yield server.url
    server.stop()
