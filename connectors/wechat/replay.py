"""Old and repeated calls refused: a time too far from now, or a signature used before for something else."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.errors import BadCallback
from bot.store import Store
from connectors.wechat.crypto import Signed

SWEPT_EVERY = timedelta(minutes=1)


def check_time(signed: Signed, now: datetime, skew_seconds: float) -> None:
    """Raise BadCallback for a call that was not signed about now; `skew_seconds` is how far the clocks may differ."""
    told = signed.timestamp
    timely = told.isascii() and told.isdigit() and len(told) < 12
    if not timely or abs(now.timestamp() - int(told)) > skew_seconds:
        raise BadCallback


class Replays:
    """The signatures of the last minutes at one door, seen by all processes; a retry, the same again, is let through.

    They are kept by `bot.channels.seen`, longer than a time is taken for about now.
    """

    def __init__(self, name: str, store: Callable[[], Store]) -> None:
        self._name, self._store = name, store
        self._lock = threading.Lock()
        self._swept: datetime | None = None

    def check_once(self, signed: Signed, what: str, now: datetime) -> None:
        """Raise BadCallback where the same signature came with something else; `what` names the push.

        Only for what the signature does not cover itself, as it does the whole of a sealed push.
        """
        named = hashlib.sha256(what.encode()).hexdigest()
        with self._store().work() as work:
            if self._sweeps(now):
                work.seen.sweep(now)
            first = work.seen.first(self._name, f"signed:{signed.signature}", named, now)
        if first != named:
            raise BadCallback

    def _sweeps(self, now: datetime) -> bool:
        with self._lock:
            due = self._swept is None or now - self._swept > SWEPT_EVERY
            if due:
                self._swept = now
            return due
