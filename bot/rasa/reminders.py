"""Reminders of a project: intents that are triggered later, beside all else, as Rasa's scheduler does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from bot.errors import ConversationBusy
from bot.rasa.events import Event, ReminderCancelled, ReminderScheduled

# How many wait, and how many are fired at one time; of a sender it is one.
MOST, MOST_AT_ONCE = 10_000, 64
# One that meets a turn under way comes again after so long.
AGAIN_SECONDS = 3.0
# A moment that is past by more is missed, as in Rasa.
GRACE_SECONDS = 1.0
Key = tuple[str, str | None]
Entry = tuple[float, ReminderScheduled]
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
        self._waiting: dict[Key, Entry] = {}
        self._under_way: dict[str, threading.Thread] = {}
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
        """Fire no more, and wait for those under way."""
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        for firing in list(self._under_way.values()):
            firing.join()

    def _schedule(self, sender: str, reminder: ReminderScheduled) -> None:
        due = datetime.fromisoformat(reminder.date_time or "").timestamp()
        with self._changed:
            key = (sender, reminder.name)
            full = key not in self._waiting and len(self._waiting) >= self._most
            if due < self._clock() - GRACE_SECONDS or full:
                log.warning("the reminder %s for %s is past, or one too many: it is not fired", reminder.name, due)
                return
            self._waiting[key] = (due, reminder)
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
            for firing in due:
                firing.start()

    def _due(self) -> list[threading.Thread] | None:
        """Those whose time has come, waited for, each in a thread to start; None at the end."""
        with self._changed:
            while not self._over:
                now = self._clock()
                idle = sorted(
                    (entry[0], place, key)
                    for place, (key, entry) in enumerate(self._waiting.items())
                    if key[0] not in self._under_way
                )
                room = MOST_AT_ONCE - len(self._under_way)
                ready = {key[0]: key for due, _, key in reversed(idle) if due <= now}
                if ready and room:
                    return [self._thread_of(key) for key in list(reversed(ready.values()))[:room]]
                wait = min(idle[0][0] - now, threading.TIMEOUT_MAX) if idle and room else None
                self._changed.wait(wait)
        return None

    def _thread_of(self, key: Key) -> threading.Thread:
        arguments = (key, self._waiting[key])
        firing = threading.Thread(target=self._fire_one, args=arguments, name="chengda-reminder", daemon=True)
        self._under_way[key[0]] = firing
        return firing

    def _fire_one(self, key: Key, entry: Entry) -> None:
        """Fire one; it waits on where a turn is under way, unless that turn cancelled or replaced it."""
        again = False
        try:
            self._fire(key[0], entry[1])
        except ConversationBusy:
            again = True
        except Exception:
            log.exception("the reminder %s failed", entry[1].name)
        with self._changed:
            del self._under_way[key[0]]
            if self._waiting.get(key) is entry:
                del self._waiting[key]
                if again:
                    self._waiting[key] = (self._clock() + AGAIN_SECONDS, entry[1])
            self._changed.notify()


def _is_meant(reminder: ReminderScheduled, cancelled: ReminderCancelled) -> bool:
    """Whether a reminder is cancelled: what is not told of it is any."""
    told = ((cancelled.name, reminder.name), (cancelled.intent, reminder.intent))
    same = all(not wanted or wanted == found for wanted, found in told)
    return same and (not cancelled.entities or cancelled.entities == reminder.entities)
