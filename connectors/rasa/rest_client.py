"""A Rasa's REST channel asked within one deadline: whatever it does, who asks has an answer or an error in time."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx

from bot.errors import EngineAway, SettingsError
from connectors import metrics
from connectors.rasa.breaker import Breaker

REST = "/webhooks/rest/webhook"
MOST_BYTES = 1024 * 1024
# What a proxy says for a Rasa that is not there.
ABSENT = (502, 503, 504)
# Beyond the deadline, for the way back from the other thread.
MARGIN = 1.0


class RestClient:
    """Asks a Rasa; the calls run in a thread of their own, where one clock ends all of their phases."""

    def __init__(self, url: str, token: str, seconds: float, most: int, breaker: Breaker | None = None) -> None:
        """`most` calls at one time; raises SettingsError for an address that is none."""
        self.seconds = seconds
        self._breaker = breaker or Breaker("the Rasa behind our doors")
        self._url, self._params = _address(url), {"token": token} if token else None
        self._most = most
        self._loop = asyncio.new_event_loop()
        self._http: httpx.AsyncClient | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="chengda-rasa", daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        """The machine that is asked."""
        return self._url.host

    def ask(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The messages that answer one; raises EngineAway."""
        if not self._breaker.lets_through():
            _gone("left alone", "it failed too often and is left alone for a while")
        asked = asyncio.run_coroutine_threadsafe(self._within(body), self._loop)
        try:
            status, content = asked.result(self.seconds + MARGIN)
        except (TimeoutError, CancelledError):
            asked.cancel()
            self._breaker.failed()
            _gone("slow", f"it took more than {self.seconds:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as gone:
            self._breaker.failed()
            _gone("away", type(gone).__name__)
        if status in ABSENT:
            self._breaker.failed()
        else:
            self._breaker.worked()
        if status != 200:
            _gone("refused", f"status {status}")
        if content is None:
            _gone("unreadable", "its answer is too large")
        items = _read(content)
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            _gone("unreadable", "its answer is no list of messages")
        metrics.count_asked("answered")
        return items

    def close(self) -> None:
        """End connections."""
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result(self.seconds + MARGIN)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self.seconds + MARGIN)
        if not self._thread.is_alive():
            self._loop.close()

    async def _ended(self) -> None:
        asked = asyncio.all_tasks() - {asyncio.current_task()}
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    async def _within(self, body: Mapping[str, Any]) -> tuple[int, bytes | None]:
        async with asyncio.timeout(self.seconds):
            return await self._asked(body)

    async def _asked(self, body: Mapping[str, Any]) -> tuple[int, bytes | None]:
        """Status and content, None for one that is too large, of which no more is read."""
        if self._http is None:
            limits = httpx.Limits(max_connections=self._most, max_keepalive_connections=self._most)
            plain = {"Accept-Encoding": "identity"}
            self._http = httpx.AsyncClient(
                timeout=None,
                params=self._params,
                headers=plain,
                limits=limits,
                trust_env=False,
                verify=ssl.create_default_context(),
            )
        content = bytearray()
        async with self._http.stream("POST", self._url, json=dict(body)) as answer:
            async for piece in answer.aiter_raw():
                content += piece
                if len(content) > MOST_BYTES:
                    return answer.status_code, None
        return answer.status_code, bytes(content)


def _address(url: str) -> httpx.URL:
    try:
        urlsplit(url)
        address = httpx.URL(url.rstrip("/") + REST)
    except (ValueError, httpx.InvalidURL):
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise SettingsError(
            "CHENGDA_ENGINE=rasa needs CHENGDA_RASA_URL, such as http://127.0.0.1:5005 需要填写 Rasa 的地址"
        )
    return address


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _gone(result: str, why: str) -> NoReturn:
    metrics.count_asked(result)
    raise EngineAway(why)
