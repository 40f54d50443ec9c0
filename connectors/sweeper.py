"""Looking after deadlines and hand-overs while a server runs, or once for cron."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.cases.attempts import hand_over
from bot.cases.auto_dispatch import dispatch_waiting
from bot.cases.case_index import CaseIndex
from bot.cases.clocks import Alarm
from bot.cases.delivery import Delivery, InHouse
from bot.cases.dispatch import Decided
from bot.cases.handover import Step
from bot.cases.schedule import sweep
from bot.cases.surges import find_surges
from bot.cases.taught import TaughtDispatcher
from bot.desk.draft_desk import lapse
from bot.domain import Domain
from bot.store import Store

logger = logging.getLogger("chengda")
# Seconds a server that ends waits for a round under way: another city that is slow must not keep it.
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class LookedAfter:
    """What one round did: alarms rung, cases that failed, hand-overs by what came of them, cases dispatched or left."""

    rung: Counter[Alarm]
    failed: int
    steps: Counter[Step]
    followed: int = 0
    surges: int = 0
    decided: Counter[Decided] = field(default_factory=Counter)
    lapsed: int = 0

    def told(self) -> str:
        """One line for a terminal or a log."""
        rung = [f"{alarm} {count}" for alarm, count in self.rung.items()]
        steps = [f"hand-over {step} {count}" for step, count in self.steps.items()]
        followed = [f"followed {self.followed}"] if self.followed else []
        surges = [f"surges {self.surges}"] if self.surges else []
        sent = [f"dispatch by {who} {count}" for who, count in self.decided.items()]
        lapsed = [f"unapproved answers {self.lapsed}"] if self.lapsed else []
        done = ", ".join((*rung, *steps, *followed, *surges, *sent, *lapsed)) or "nothing due"
        return f"{done}; {self.failed} cases failed" if self.failed else done


def look_after(
    store: Store,
    delivery: Delivery | None = None,
    follow: Callable[[], int] | None = None,
    dispatcher: TaughtDispatcher | None = None,
    index: CaseIndex | None = None,
    domain: Domain | None = None,
) -> LookedAfter:
    """One round over all cases and hand-overs that are due now; doing it again at once does nothing.

    With a dispatcher, waiting cases are dispatched first where it is sure; with an index of the open cases, surges are
    looked for; with a domain, answers nobody approved in time go out; what is over of web sessions and doors
    is forgotten. `follow` brings back how cases stand that others handle, and gives how many changed.
    """
    decided = dispatch_waiting(store, dispatcher) if dispatcher else Counter()
    swept = sweep(store, store.now())
    steps = hand_over(store, store.now(), delivery or InHouse())
    surges = _surges(store, index) if index else 0
    lapsed = lapse(store, domain, store.now()) if domain else 0
    with store.work() as work:
        work.web.sweep(store.now())
        work.seen.sweep(store.now())
    return LookedAfter(swept.rung, swept.failed, steps, follow() if follow else 0, surges, decided, lapsed)


def _surges(store: Store, index: CaseIndex) -> int:
    with store.work() as work:
        index.refresh(work.connection)
        return len(find_surges(work.connection, work.cases, index.vector, store.now()))


class Sweeper:
    """A thread that looks after the cases of a store every few seconds."""

    def __init__(
        self,
        store: Callable[[], Store],
        seconds: float,
        delivery: Delivery | None = None,
        follow: Callable[[], int] | None = None,
        dispatcher: Callable[[], TaughtDispatcher | None] = lambda: None,
        index: Callable[[], CaseIndex | None] = lambda: None,
        domain: Domain | None = None,
    ) -> None:
        self._store, self._seconds, self._delivery, self._follow = store, seconds, delivery, follow
        self._dispatcher, self._index, self._domain = dispatcher, index, domain
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="chengda-sweep", daemon=True)

    def start(self) -> None:
        """Begin; an interval of 0 never begins."""
        if self._seconds:
            self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Look no more; what is under way is waited for, some seconds at most."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                parts = (self._delivery, self._follow, self._dispatcher(), self._index(), self._domain)
                look_after(self._store(), *parts)
            except Exception as error:
                logger.error("reference %s: the sweep failed", secrets.token_hex(4), exc_info=error)
