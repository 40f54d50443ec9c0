"""Reminders of a project: intents that are triggered later, in a thread of their own, as Rasa's scheduler does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from bot.rasa.events import Event, ReminderCancelled, ReminderScheduled

MOST = 10_000
# A moment that is past by more is missed, as in Rasa.
GRACE_SECONDS = 1.0
Key = tuple[str, str | None]
log = logging.getLogger(__name__)


class Reminders:
    """What is to be triggered, by sender and name; of one name the last counts. They are forgotten at the end."""

    def __init__(
        self,
        fire: Callable[[str, ReminderScheduled], object],
        clock: Callable[[], float] = time.time,
        most: int = MOST,
    ) -> None:
        """`fire` is given sender and reminder when its time has come; `clock` gives seconds since 1970."""
        self._fire, self._clock, self._most = fire, clock, most
        self._waiting: dict[Key, tuple[float, ReminderScheduled]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._over = False

    def note(self, sender: str, events: Iterable[Event]) -> None:
        """Schedule and cancel what these events tell."""
        for event in events:
            if isinstance(event, ReminderScheduled):
                self._schedule(sender, event)
            elif isinstance(event, ReminderCancelled):
                self._cancel(sender, event)

    def stop(self) -> None:
        """Fire no more."""
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _schedule(self, sender: str, reminder: ReminderScheduled) -> None:
        due = datetime.fromisoformat(reminder.date_time or "").timestamp()
        with self._changed:
            if due < self._clock() - GRACE_SECONDS or len(self._waiting) >= self._most:
                log.warning("the reminder %s for %s is past, or one too many: it is not fired", reminder.name, due)
                return
            self._waiting[sender, reminder.name] = (due, reminder)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="chengda-reminders", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _cancel(self, sender: str, cancelled: ReminderCancelled) -> None:
        with self._changed:
            for key, (_, reminder) in list(self._waiting.items()):
                if key[0] == sender and _is_meant(reminder, cancelled):
                    del self._waiting[key]

    def _run(self) -> None:
        while (due := self._due()) is not None:
            for sender, reminder in due:
                try:
                    self._fire(sender, reminder)
                except Exception:
                    log.exception("the reminder %s failed", reminder.name)

    def _due(self) -> list[tuple[str, ReminderScheduled]] | None:
        """Those whose time has come, waited for; None at the end."""
        with self._changed:
            while not self._over:
                now = self._clock()
                if ready := [key for key, (due, _) in self._waiting.items() if due <= now]:
                    return [(key[0], self._waiting.pop(key)[1]) for key in ready]
                first = min((due for due, _ in self._waiting.values()), default=None)
                self._changed.wait(None if first is None else min(first - now, threading.TIMEOUT_MAX))
        return None


def _is_meant(reminder: ReminderScheduled, cancelled: ReminderCancelled) -> bool:
    """Whether a reminder is cancelled: what is not told of it is any."""
    told = ((cancelled.name, reminder.name), (cancelled.intent, reminder.intent))
    same = all(not wanted or wanted == found for wanted, found in told)
    return same and (not cancelled.entities or cancelled.entities == reminder.entities)
