"""What WeChat's error codes mean for a message on its way: one table; whatever else comes is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from connectors.channels.channel import Push

# A setting of ours or of the account is wrong: the message waits until somebody mends it.
MENDING = timedelta(minutes=30)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# The token is stale or unknown: it is fetched anew and the call made once more.
STALE_TOKEN = frozenset({40001, 40014, 41001, 42001})
BUSY, OK, NO_MENUS, NO_CONSENT = -1, 0, 40200, 43101


@dataclass(frozen=True)
class Meaning:
    """What becomes of the message; `wait` None for the usual back-off."""

    outcome: Push
    why: str
    wait: timedelta | None = None


CODES: Mapping[int, Meaning] = {
    BUSY: Meaning(Push.LATER, "busy"),
    OK: Meaning(Push.SENT, ""),
    40001: Meaning(Push.LATER, "secret or token refused", MENDING),
    40003: Meaning(Push.REFUSED, "no such citizen"),
    40007: Meaning(Push.BROKEN, "no such media"),
    40013: Meaning(Push.LATER, "app id refused", MENDING),
    40014: Meaning(Push.LATER, "token refused", MENDING),
    40029: Meaning(Push.BROKEN, "login code refused"),
    40033: Meaning(Push.BROKEN, "charset refused"),
    40037: Meaning(Push.BROKEN, "no such template"),
    40125: Meaning(Push.LATER, "secret refused", MENDING),
    40163: Meaning(Push.BROKEN, "login code used"),
    40164: Meaning(Push.LATER, "our address is not on the account's list", MENDING),
    NO_MENUS: Meaning(Push.BROKEN, "this account may not"),
    41001: Meaning(Push.LATER, "token missing", MENDING),
    42001: Meaning(Push.LATER, "token over", MENDING),
    43004: Meaning(Push.REFUSED, "does not follow"),
    43019: Meaning(Push.REFUSED, "blocked"),
    NO_CONSENT: Meaning(Push.CLOSED, "no consent"),
    44004: Meaning(Push.BROKEN, "empty text"),
    45001: Meaning(Push.BROKEN, "media too large"),
    45002: Meaning(Push.BROKEN, "text too long"),
    45008: Meaning(Push.BROKEN, "too many articles"),
    45009: Meaning(Push.LATER, "the day's quota is used up", HOUR),
    45011: Meaning(Push.LATER, "the minute's quota is used up", MINUTE),
    45015: Meaning(Push.CLOSED, "silent for 48 hours"),
    45047: Meaning(Push.CLOSED, "as many messages as one may send"),
    45072: Meaning(Push.BROKEN, "no such typing command"),
    45080: Meaning(Push.BROKEN, "typing without a message before"),
    45081: Meaning(Push.BROKEN, "typing already"),
    47001: Meaning(Push.BROKEN, "no JSON"),
    47003: Meaning(Push.BROKEN, "a value does not fit the template"),
    48001: Meaning(Push.LATER, "the account may not use this", MENDING),
    50002: Meaning(Push.LATER, "the account is restricted", MENDING),
}
UNKNOWN = Meaning(Push.LATER, "unknown error")


def meaning_of(code: int) -> Meaning:
    """What a code means."""
    return CODES.get(code, UNKNOWN)
