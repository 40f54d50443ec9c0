"""Calls heard lately, so that a transcript that is sent whole each time is heard only from where it goes on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from bot.assist.assistance import Assistance
from bot.assist.call import Call
from bot.assist.transcript import Segment

KEPT = 128
LOOKED_BACK = 12


class RecentCalls:
    """The states of the last calls by their segments; what it gives is what hearing all of them anew would give."""

    def __init__(self, assistance: Assistance) -> None:
        self._assistance = assistance
        self._calls: OrderedDict[tuple[Segment, ...], Call] = OrderedDict()
        self._lock = Lock()

    def listen(self, segments: Sequence[Segment]) -> Call:
        """The call of a whole transcript."""
        whole = tuple(segments)
        known, call = self._known(whole)
        call = self._assistance.listen(whole[known:], call)
        with self._lock:
            self._calls[whole] = call
            self._calls.move_to_end(whole)
            if known:
                self._calls.pop(whole[:known] if known < len(whole) else (), None)
            while len(self._calls) > KEPT:
                self._calls.popitem(last=False)
        return call

    def _known(self, whole: tuple[Segment, ...]) -> tuple[int, Call | None]:
        """How many of the first segments were heard, and the call after them."""
        with self._lock:
            for count in range(len(whole), max(0, len(whole) - LOOKED_BACK), -1):
                call = self._calls.get(whole[:count])
                if call is not None:
                    return count, call
        return 0, None
