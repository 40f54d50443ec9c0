"""HTTP read by httptools, which bounds no head by itself: one without end would fill the memory."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024


class BoundedHead(HttpToolsProtocol):
    """A connection whose requests' first lines and headers may have 64 KiB together; more is answered with 400."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, **named)
        self._head: int | None = 0

    def data_received(self, data: bytes) -> None:
        """Some of a request, or of several."""
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is not None and self._head > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request head too large")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head = self._head or 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """What follows is body, or the head of the next request."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is over."""
        self._head = 0
        super().on_message_complete()
