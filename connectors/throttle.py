"""How often one may try: moving windows by address, account or case, in memory or in Redis for all workers."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from bot.errors import SettingsError

Answer = TypeVar("Answer")
logger = logging.getLogger("chengda")
SCHEMES = ("redis://", "rediss://", "redis+unix://")
# A Redis that does not answer within this is left alone for a while.
ANSWER_SECONDS, PAUSE_SECONDS = 1.0, 5.0
WRONG_CODES_BY_CASE = parse("10/day")
WRONG_CODES_BY_ADDRESS = parse("30/15 minutes")
# Of one account from one network in a row: an address locks an account for itself only.
WRONG_LOGINS = parse("5/15 minutes")


@dataclass(frozen=True)
class LoginLimits:
    """How many wrong logins an address may try a minute, and an account in 15 minutes from everywhere."""

    address: RateLimitItem
    account: RateLimitItem


def login_limits(by_address: int, by_account: int) -> LoginLimits:
    """The limits of so many wrong tries."""
    return LoginLimits(parse(f"{by_address}/minute"), parse(f"{by_account}/15 minutes"))


class Throttle:
    """Counts tries; while Redis fails, this worker counts for itself and says so in the log."""

    def __init__(self, redis_url: str = "", pause_seconds: float = PAUSE_SECONDS) -> None:
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._all = MovingWindowRateLimiter(_storage(redis_url)) if redis_url else self._own
        self._pause_seconds, self._paused_until = pause_seconds, 0.0

    def hit(self, limit: RateLimitItem, kind: str, key: str) -> bool:
        """Count a try; False when it is one too many, and then it is not counted."""
        return self._asked(lambda counts: counts.hit(limit, kind, key))

    def spent(self, limit: RateLimitItem, kind: str, key: str) -> bool:
        """Whether another try would be one too many; counts nothing."""
        return not self._asked(lambda counts: counts.test(limit, kind, key))

    def forget(self, limit: RateLimitItem, kind: str, key: str) -> None:
        """Count anew from nothing."""
        self._asked(lambda counts: counts.clear(limit, kind, key))

    def wait(self, limit: RateLimitItem, kind: str, key: str) -> int:
        """Seconds until another try counts, one at least."""
        reset = self._asked(lambda counts: counts.get_window_stats(limit, kind, key).reset_time)
        return max(1, math.ceil(reset - time.time()))

    def _asked(self, ask: Callable[[MovingWindowRateLimiter], Answer]) -> Answer:
        if time.monotonic() < self._paused_until:
            return ask(self._own)
        try:
            return ask(self._all)
        except StorageError as error:
            self._paused_until = time.monotonic() + self._pause_seconds
            logger.error("redis does not count: %s", type(error.__cause__ or error).__name__)
            return ask(self._own)


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _storage(url: str) -> Storage:
    """The storage at an address; raises SettingsError for one that is no Redis."""
    if not url.startswith(SCHEMES):
        raise SettingsError(f"CHENGDA_REDIS_URL begins with one of {', '.join(SCHEMES)}")
    try:
        storage = storage_from_string(
            url, wrap_exceptions=True, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
    except ConfigurationError:
        logger.error(
            "CHENGDA_REDIS_URL is set but the package is missing (`pip install 'redis<8'`); each worker counts alone"
        )
        return MemoryStorage()
    assert isinstance(storage, Storage)
    return storage
