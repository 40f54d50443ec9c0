"""What a source's format is: requests to make and a report to read, both pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.errors import LiveGarbled
from bot.live import Ask, LiveReport


@dataclass(frozen=True)
class Request:
    """A GET to make; its parameters may hold a key and are never shown. An `optional` one may fail alone."""

    url: str
    params: tuple[tuple[str, str], ...] = field(repr=False)
    optional: bool = False


class Format(Protocol):
    """One source's wire format; `fresh_for` is how long an answer stands, `stale_for` how old it may be told."""

    @property
    def fresh_for(self) -> timedelta: ...

    @property
    def stale_for(self) -> timedelta: ...

    def requests(self, ask: Ask) -> tuple[Request, ...]: ...

    def parse(self, bodies: Sequence[Any], ask: Ask, now: datetime) -> LiveReport:
        """The report of the answers, in the order of the requests (None for an optional one that failed).

        Raises a LiveError; a missing or odd field may raise LookupError, TypeError or ValueError.
        """
        ...


def number(value: Any, low: float, high: float) -> float:
    """A plausible number, given as number or text; anything else is garbled."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise LiveGarbled("a number is missing")
    try:
        found = float(str(value).removesuffix("%"))
    except ValueError:
        raise LiveGarbled("a number is no number") from None
    if not math.isfinite(found) or not low <= found <= high:
        raise LiveGarbled("a number is out of range")
    return found


def word(value: Any) -> str:
    """A text of one line and sane length; AMap writes an empty one as an empty list."""
    if value == []:
        return ""
    if not isinstance(value, str) or len(value) > 500:
        raise LiveGarbled("a text is missing")
    return " ".join(value.split())
