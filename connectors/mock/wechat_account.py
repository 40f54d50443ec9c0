"""The stand-in's account: followers with their quotas, tokens, templates, and everything that was sent."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TOKEN_SECONDS, RENEWED_SECONDS = 7200, 300
FORCED_A_DAY, FORCED_APART = 20, 30.0
DAY = 24 * 3600.0


class Trigger(StrEnum):
    """What a follower did that lets the account write."""

    MESSAGE = "message"
    CLICK = "click"
    FOLLOW = "follow"
    SCAN = "scan"


# How many messages during how many seconds.
ALLOWED: dict[Trigger, tuple[int, float]] = {
    Trigger.MESSAGE: (5, 2 * DAY),
    Trigger.CLICK: (3, 60.0),
    Trigger.FOLLOW: (3, 60.0),
    Trigger.SCAN: (3, 60.0),
}


class ApiError(Exception):
    """An error code of WeChat's."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass
class Quota:
    """What is left of one trigger, until when."""

    left: int
    until: float


@dataclass
class Follower:
    """One citizen; `consents` counts notices agreed to by template."""

    openid: str
    following: bool = True
    blocked: bool = False
    quotas: dict[Trigger, Quota] = field(default_factory=dict)
    consents: dict[str, int] = field(default_factory=dict)
    typing: bool = False


@dataclass(frozen=True)
class Sent:
    """One thing the account sent; `kind` is custom, template, subscription or typing."""

    kind: str
    openid: str
    body: dict[str, Any]
    at: float
    msgid: int | None = None

    @property
    def text(self) -> str:
        """What a citizen reads of a customer message."""
        if "msgmenu" in self.body:
            menu = self.body["msgmenu"]
            return "\n".join([menu["head_content"], *(line["content"] for line in menu["list"])])
        return str(self.body.get("text", {}).get("content", ""))


class Account:
    """The state behind the API; all of it under one lock."""

    def __init__(
        self,
        app_id: str,
        secret: str,
        templates: frozenset[str] = frozenset(),
        verified: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app_id, self.secret, self.templates, self.verified = app_id, secret, templates, verified
        self.clock = clock
        self.lock = threading.RLock()
        self.followers: dict[str, Follower] = {}
        self.sent: list[Sent] = []
        self.calls: list[tuple[str, int]] = []
        # Path -> error codes of the next calls there.
        self.faults: dict[str, list[int]] = {}
        self.media: dict[str, bytes] = {}
        self.job_status = "success"
        self._stable: tuple[str, float] | None = None
        self._classic: tuple[str, float] | None = None
        self._expired: set[str] = set()
        self._forced: list[float] = []
        self._numbers = 200_000_000
        self._once: dict[tuple[str, str], int] = {}

    def acted(self, openid: str, trigger: Trigger) -> Follower:
        """A follower did something: the quota of it begins anew."""
        with self.lock:
            follower = self.followers.setdefault(openid, Follower(openid))
            follower.following = True
            left, seconds = ALLOWED[trigger]
            follower.quotas[trigger] = Quota(left, self.clock() + seconds)
            return follower

    def stable_token(self, app_id: str, secret: str, force: bool) -> tuple[str, int]:
        """The token and its seconds; the same one until shortly before its end unless forced. Raises ApiError."""
        with self.lock:
            self._own(app_id, secret)
            now = self.clock()
            if force:
                self._force(now)
            kept = self._stable
            if kept is None or force or kept[1] - now < RENEWED_SECONDS:
                if kept is not None:
                    self._expired.add(kept[0])
                kept = self._stable = (secrets.token_urlsafe(96), now + TOKEN_SECONDS)
            return kept[0], int(kept[1] - now)

    def classic_token(self, app_id: str, secret: str) -> tuple[str, int]:
        """A new token; the one before is over at once. Raises ApiError."""
        with self.lock:
            self._own(app_id, secret)
            self._classic = (secrets.token_urlsafe(96), self.clock() + TOKEN_SECONDS)
            return self._classic[0], TOKEN_SECONDS

    def expire(self, forget: bool = False) -> None:
        """End the token before its time: as over (42001), or as never known (40001)."""
        with self.lock:
            if self._stable is not None and not forget:
                self._expired.add(self._stable[0])
            self._stable = None

    def check(self, path: str, token: str | None) -> None:
        """Raise ApiError for a call without a good token, or one that is to fail."""
        with self.lock:
            waiting = self.faults.get(path)
            if waiting:
                raise ApiError(waiting.pop(0), "as told")
            if not token:
                raise ApiError(41001, "access_token missing")
            now = self.clock()
            known = [kept for kept in (self._stable, self._classic) if kept is not None and kept[0] == token]
            if token in self._expired or any(until <= now for _, until in known):
                raise ApiError(42001, "access_token expired")
            if not known:
                raise ApiError(40001, "invalid credential, access_token is invalid or not latest")

    def receiver(self, openid: str) -> Follower:
        """A follower who can get something; raises ApiError."""
        follower = self.followers.get(openid)
        if follower is None:
            raise ApiError(40003, "invalid openid")
        if not follower.following:
            raise ApiError(43004, "require subscribe")
        if follower.blocked:
            raise ApiError(43019, "user in blacklist")
        return follower

    def spend(self, follower: Follower) -> None:
        """Take one message of the quota that ends first; raises ApiError."""
        now = self.clock()
        current = [quota for quota in follower.quotas.values() if quota.until > now]
        if not current:
            raise ApiError(45015, "response out of time limit or subscription is canceled")
        quota = min((one for one in current if one.left > 0), key=lambda one: one.until, default=None)
        if quota is None:
            raise ApiError(45047, "out of response count limit")
        quota.left -= 1

    def record(self, kind: str, openid: str, body: dict[str, Any], key: str | None = None) -> int:
        """Write down what was sent; the number of the message, the same for the same key."""
        with self.lock:
            known = self._once.get((openid, key)) if key else None
            if known is not None:
                return known
            self._numbers += 1
            self.sent.append(Sent(kind, openid, body, self.clock(), self._numbers))
            if key:
                self._once[openid, key] = self._numbers
            return self._numbers

    def texts(self, openid: str) -> list[str]:
        """The customer messages a follower got."""
        with self.lock:
            return [one.text for one in self.sent if one.openid == openid and one.kind == "custom"]

    def _own(self, app_id: str, secret: str) -> None:
        if app_id != self.app_id:
            raise ApiError(40013, "invalid appid")
        if secret != self.secret:
            raise ApiError(40125, "invalid appsecret")

    def _force(self, now: float) -> None:
        recent = [at for at in self._forced if now - at < DAY]
        if len(recent) >= FORCED_A_DAY:
            raise ApiError(45009, "reach max api daily quota limit")
        if recent and now - recent[-1] < FORCED_APART:
            raise ApiError(45011, "api minute-quota reach limit")
        self._forced = [*recent, now]
