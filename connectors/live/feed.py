"""The one feed behind every live source: pool, time limit, cache, single flight and circuit breaker.

A look-up runs on a thread of its own and the asker waits only so long; an answer that comes too late for the
asker still fills the cache. Requests are never repeated at once: the next question is the next try.
"""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import httpx

from bot.errors import LiveError, LiveGarbled, LiveNoData, LiveRefused, LiveUnreachable
from bot.live import Ask, LiveFound, LiveOutcome, LiveReport
from connectors.live.wire import Format, Request

logger = logging.getLogger("chengda.live")
MAX_BODY = 256 * 1024
MAX_KEPT = 256
FAILURES_TO_OPEN = 3
OPEN_FOR = timedelta(seconds=60)
REFUSED_FOR = timedelta(minutes=5)
SERVER_ERROR, REFUSAL, PLAIN_OK = 500, 400, 200


@dataclass(frozen=True)
class Kept:
    """An answer in the cache; `report` is None where the source knew nothing."""

    report: LiveReport | None
    at: datetime


class LiveFeed:
    """A LiveSource over HTTP for one format; `seconds` bounds one look-up, whatever the asker's patience."""

    def __init__(self, name: str, form: Format, client: httpx.Client, pool: Executor, seconds: float) -> None:
        self.name = name
        self._form = form
        self._client = client
        self._pool = pool
        self._seconds = seconds
        self._lock = RLock()
        self._kept: OrderedDict[Ask, Kept] = OrderedDict()
        self._flying: dict[Ask, Future[LiveReport]] = {}
        self._failures = 0
        self._closed_again_at: datetime | None = None

    def look(self, ask: Ask, now: datetime, seconds: float) -> LiveFound:
        """The cached answer while it is fresh, else a new one; else an old one, or none."""
        with self._lock:
            kept = self._kept.get(ask)
            if kept is not None and timedelta() <= now - kept.at < self._form.fresh_for:
                return _told(kept, LiveOutcome.FRESH)
            if self._closed_again_at is not None and now < self._closed_again_at:
                return self._older(kept, now)
            try:
                flight = self._flying.get(ask) or self._take_off(ask, now)
            except RuntimeError:
                # The server ends: its pool takes nothing more.
                return self._older(kept, now)
        try:
            report = flight.result(timeout=min(seconds, self._seconds))
        except LiveNoData:
            return LiveFound(LiveOutcome.NO_DATA)
        except (LiveError, WaitedTooLong, CancelledError):
            return self._older(kept, now)
        return LiveFound(LiveOutcome.FRESH, report)

    def _older(self, kept: Kept | None, now: datetime) -> LiveFound:
        if kept is None or kept.report is None or not timedelta() <= now - kept.at < self._form.stale_for:
            return LiveFound(LiveOutcome.UNAVAILABLE)
        return LiveFound(LiveOutcome.STALE, kept.report)

    def _take_off(self, ask: Ask, now: datetime) -> Future[LiveReport]:
        flight = self._pool.submit(self._fetch, ask, now)
        self._flying[ask] = flight
        flight.add_done_callback(lambda done: self._land(ask, now, done))
        return flight

    def _land(self, ask: Ask, now: datetime, done: Future[LiveReport]) -> None:
        """Keep the answer, or count the failure; only the kind of failure is logged, never an address."""
        with self._lock:
            self._flying.pop(ask, None)
            if done.cancelled():
                return
            problem = done.exception()
            if problem is None or isinstance(problem, LiveNoData):
                self._failures, self._closed_again_at = 0, None
                self._keep(ask, Kept(done.result() if problem is None else None, now))
                return
            self._failures += 1
            logger.warning("live source %s failed: %s %s", self.name, type(problem).__name__, problem)
            if isinstance(problem, LiveRefused) or self._failures >= FAILURES_TO_OPEN:
                pause = REFUSED_FOR if isinstance(problem, LiveRefused) else OPEN_FOR
                self._closed_again_at = now + pause

    def _keep(self, ask: Ask, kept: Kept) -> None:
        self._kept[ask] = kept
        self._kept.move_to_end(ask)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def _fetch(self, ask: Ask, now: datetime) -> LiveReport:
        deadline = time.monotonic() + self._seconds
        bodies = [self._body(request, deadline) for request in self._form.requests(ask)]
        try:
            return self._form.parse(bodies, ask, now)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise LiveGarbled(f"a field is missing or odd ({type(error).__name__})") from None

    def _body(self, request: Request, deadline: float) -> Any:
        try:
            return get_json(self._client, request, deadline)
        except LiveError:
            if request.optional:
                return None
            raise


def get_json(client: httpx.Client, request: Request, deadline: float) -> Any:
    """The JSON of an answer, read until the monotonic `deadline` and MAX_BODY at most; redirects are refused."""
    body = bytearray()
    left = deadline - time.monotonic()
    if left <= 0:
        raise LiveUnreachable("out of time")
    try:
        with client.stream("GET", request.url, params=request.params, timeout=left) as response:
            if response.status_code >= SERVER_ERROR:
                raise LiveUnreachable(f"status {response.status_code}")
            if response.status_code >= REFUSAL:
                raise LiveRefused(f"status {response.status_code}")
            if response.status_code != PLAIN_OK:
                raise LiveGarbled(f"status {response.status_code}")
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise LiveGarbled("too long an answer")
                if time.monotonic() > deadline:
                    raise LiveUnreachable("out of time")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError) as error:
        raise LiveUnreachable(type(error).__name__) from None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise LiveGarbled("no JSON") from None


def _told(kept: Kept, outcome: LiveOutcome) -> LiveFound:
    return LiveFound(LiveOutcome.NO_DATA) if kept.report is None else LiveFound(outcome, kept.report)
