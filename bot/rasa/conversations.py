"""The conversations of a project in memory: the least recent go when there are too many, one message at a time each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.errors import ConversationBusy
from bot.rasa.domain import SESSION_START, Domain
from bot.rasa.events import ActionExecuted, Event
from bot.rasa.tracker import Tracker

MOST, MOST_EVENTS = 10_000, 5_000
BUSY_SECONDS = 10.0


@dataclass
class _Turnstile:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class Conversations:
    """Every event by sender, of at most so many senders."""

    def __init__(self, most: int = MOST, busy_seconds: float = BUSY_SECONDS) -> None:
        self.events: OrderedDict[str, list[Event]] = OrderedDict()
        self._most, self._busy_seconds = most, busy_seconds
        self._turnstiles: dict[str, _Turnstile] = {}
        self._guard = threading.Lock()

    @contextmanager
    def held(self, sender: str) -> Iterator[None]:
        """One message of a conversation at a time; raises ConversationBusy where another takes long."""
        with self._guard:
            mine = self._turnstiles.setdefault(sender, _Turnstile())
            mine.waiting += 1
        try:
            if not mine.lock.acquire(timeout=self._busy_seconds):
                raise ConversationBusy(f"another message of {sender!r} is under way")
            try:
                yield
            finally:
                mine.lock.release()
        finally:
            with self._guard:
                mine.waiting -= 1
                if not mine.waiting:
                    del self._turnstiles[sender]

    def whole(self, sender: str, domain: Domain) -> Tracker:
        """The tracker of all sessions."""
        with self._guard:
            events = list(self.events.get(sender, ()))
        return Tracker(sender, domain, events)

    def session(self, sender: str, domain: Domain) -> Tracker:
        """The tracker of the last session."""
        with self._guard:
            events = list(self.events.get(sender, ()))
        starts = _starts(events)
        return Tracker(sender, domain, events[starts[-1] if len(starts) > 1 else 0 :])

    def keep(self, sender: str, events: Sequence[Event]) -> None:
        """Add what happened; of a long conversation only the last session stays."""
        with self._guard:
            kept = self.events.setdefault(sender, [])
            kept.extend(events)
            self.events.move_to_end(sender)
            if len(kept) > MOST_EVENTS and (starts := _starts(kept)):
                del kept[: starts[-1]]
            while len(self.events) > self._most:
                self.events.popitem(last=False)


def _starts(events: Sequence[Event]) -> list[int]:
    return [i for i, e in enumerate(events) if isinstance(e, ActionExecuted) and e.name == SESSION_START]
