"""What WeCom's error codes mean for a message on its way: one table; whatever else comes is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from connectors.channels.channel import Push
from connectors.wechat.codes import HOUR, MENDING, UNKNOWN, Meaning

STALE_TOKEN = frozenset({40014, 41001, 42001})
OK, NOT_ALLOWED, WRONG_SESSION = 0, 95016, 95018
SOON = timedelta(seconds=5)
CODES: Mapping[int, Meaning] = {
    -1: Meaning(Push.LATER, "busy"),
    OK: Meaning(Push.SENT, ""),
    40001: Meaning(Push.LATER, "secret refused", MENDING),
    40003: Meaning(Push.REFUSED, "no such citizen"),
    40008: Meaning(Push.BROKEN, "no such kind of message"),
    40013: Meaning(Push.LATER, "corp id refused", MENDING),
    40014: Meaning(Push.LATER, "token refused", MENDING),
    40058: Meaning(Push.BROKEN, "a parameter is wrong"),
    40096: Meaning(Push.REFUSED, "no such citizen"),
    41001: Meaning(Push.LATER, "token missing", MENDING),
    41050: Meaning(Push.BROKEN, "the code for one message is over"),
    41051: Meaning(Push.BROKEN, "the code for one message was used"),
    42001: Meaning(Push.LATER, "token over", MENDING),
    44004: Meaning(Push.BROKEN, "empty text"),
    45002: Meaning(Push.BROKEN, "text too long"),
    45009: Meaning(Push.LATER, "the quota of calls is used up", HOUR),
    45033: Meaning(Push.LATER, "too many calls at once", SOON),
    47001: Meaning(Push.BROKEN, "no JSON"),
    48002: Meaning(Push.LATER, "the app may not use this", MENDING),
    60020: Meaning(Push.LATER, "our address is not on the app's list", MENDING),
    95000: Meaning(Push.BROKEN, "no such account"),
    95001: Meaning(Push.CLOSED, "as many messages as one may send"),
    95013: Meaning(Push.CLOSED, "the conversation has ended"),
    NOT_ALLOWED: Meaning(Push.BROKEN, "no such change of the session"),
    WRONG_SESSION: Meaning(Push.CLOSED, "the session does not allow it"),
}


def meaning_of(code: int) -> Meaning:
    """What a code means."""
    return CODES.get(code, UNKNOWN)
