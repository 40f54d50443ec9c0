"""A breaker: a service that fails again and again is left alone for a while, so that nobody waits for it in vain."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("chengda")
FAILURES, PAUSE = 5, 10.0


class Breaker:
    """Opens after FAILURES in a row for PAUSE seconds; then one is let through, and what becomes of it decides."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._failures, self._until = 0, 0.0
        self._lock = threading.Lock()

    def lets_through(self) -> bool:
        """Whether the service may be asked now."""
        with self._lock:
            if self._failures < FAILURES:
                return True
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + PAUSE
            return True

    def failed(self) -> None:
        """The service was away."""
        with self._lock:
            self._failures += 1
            self._until = self._clock() + PAUSE
            first = self._failures == FAILURES
        if first:
            logger.error("%s failed %d times in a row: it is left alone for %.0f s", self._name, FAILURES, PAUSE)

    def worked(self) -> None:
        """The service answered."""
        with self._lock:
            again, self._failures = self._failures >= FAILURES, 0
        if again:
            logger.warning("%s answers again", self._name)
