"""Old and repeated calls refused: a time too far from now, or a signature used before for something else."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from bot.errors import BadCallback
from connectors.wechat.crypto import Signed

SKEW = timedelta(seconds=300)
MAX_KEPT = 50_000


class Replays:
    """The signatures of this process's last minutes; a retry, which is the same thing again, is let through."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[Signed, tuple[float, str]] = OrderedDict()

    def check_time(self, signed: Signed, now: datetime) -> None:
        """Raise BadCallback for a call that was not signed about now."""
        told = signed.timestamp
        timely = told.isascii() and told.isdigit() and len(told) < 12
        if not timely or abs(now.timestamp() - int(told)) > SKEW.total_seconds():
            raise BadCallback

    def check_once(self, signed: Signed, what: str, now: datetime) -> None:
        """Raise BadCallback where the same signature came with something else; `what` names the push."""
        moment = now.timestamp()
        with self._lock:
            while self._seen and (
                len(self._seen) > MAX_KEPT or next(iter(self._seen.values()))[0] < moment - 2 * SKEW.total_seconds()
            ):
                self._seen.popitem(last=False)
            if self._seen.setdefault(signed, (moment, what))[1] != what:
                raise BadCallback
