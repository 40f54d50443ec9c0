"""Follows calls: fetches page after page and keeps each in one transaction with the cursor after it."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Protocol

from bot.channels.cursors import Fetching
from bot.store import Store, Work
from connectors.wecom.client import CallFailed, WeComClient
from connectors.wecom.wire import Item, item_of

logger = logging.getLogger("chengda")
# WeCom takes five calls at once for a corp; another process may need one.
AT_ONCE = 4
IDLE_SECONDS, FAILED_SECONDS, LONGEST_SECONDS = 1.0, 5.0, 60.0
TOKEN_LIFE = timedelta(minutes=9)
# A call that another process took and did not follow for so long is ours; it may have died.
ABANDONED = timedelta(seconds=15)


class Intake(Protocol):
    """What is done with the messages of a page."""

    def before(self, items: Sequence[Item]) -> None:
        """What must be done for the page before its transaction begins."""

    def take(self, work: Work, items: Sequence[Item]) -> None:
        """Keep a page."""

    def after(self) -> None:
        """What is done when a page is kept."""


class Fetcher:
    """A thread that follows the calls of a channel while a server runs."""

    def __init__(
        self, name: str, client: WeComClient, store: Callable[[], Store], intake: Intake, first: timedelta
    ) -> None:
        """`first` is how long before the first call of an account something may have been written."""
        self._name, self._client, self._store, self._intake, self._first = name, client, store, intake, first
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="chengda-wecom")
        self._bell, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._walk, name="chengda-wecom", daemon=True)
        self._lock = threading.Lock()
        self._mine: set[str] = set()
        self._later: dict[str, float] = {}

    def start(self) -> None:
        """Begin; what was called for and not followed when a process ended comes first."""
        with self._store().read() as work:
            self._mine |= {one.account for one in work.cursors.due(self._name)}
        self._thread.start()

    def ring(self, account: str) -> None:
        """A call was kept."""
        with self._lock:
            self._mine.add(account)
        self._bell.set()

    def stop(self) -> None:
        """Fetch no more; a page under way is finished."""
        self._ended.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()
        self._threads.shutdown()

    def _walk(self) -> None:
        while not self._ended.is_set():
            self._bell.wait(IDLE_SECONDS)
            self._bell.clear()
            try:
                self.round()
            except Exception as error:
                logger.error("reference %s: %s was not fetched", secrets.token_hex(4), self._name, exc_info=error)

    def round(self) -> None:
        """Follow the calls that are ours now."""
        with self._lock:
            # Who rings from now on is found in the next round.
            mine, self._mine = self._mine, set()
        left = set(mine)
        try:
            store = self._store()
            with store.read() as work:
                due = work.cursors.due(self._name)
            now, moment = store.now(), time.monotonic()
            ours = [one.account for one in due if one.account in mine or now - one.called_at > ABANDONED]
            ready = [account for account in ours if self._later.get(account, 0.0) <= moment]
            left &= set(ours) - set(ready)
            followed = zip(ready, self._threads.map(self._follow, ready), strict=True)
            left |= {account for account, done in followed if not done}
        finally:
            with self._lock:
                self._mine |= left

    def _follow(self, account: str) -> bool:
        """Fetch until nothing is left; False for a failure, tried again later from the cursor where it happened."""
        try:
            while not self._ended.is_set() and self._page(account):
                pass
            self._later.pop(account, None)
            return True
        except CallFailed as failed:
            wait = failed.pushed.wait.total_seconds() if failed.pushed.wait else FAILED_SECONDS
            self._later[account] = time.monotonic() + min(wait, LONGEST_SECONDS)
            logger.warning("%s: messages could not be fetched: %s", self._name, failed.pushed.reason)
        except Exception as error:
            self._later[account] = time.monotonic() + FAILED_SECONDS
            logger.error("reference %s: %s was not kept", secrets.token_hex(4), self._name, exc_info=error)
        return False

    def _page(self, account: str) -> bool:
        """One page; whether another one may follow."""
        store = self._store()
        with store.read() as work:
            before = work.cursors.of(self._name, account)
        if before is None or before.called <= before.fetched:
            return False
        token = before.token if store.now() - before.called_at < TOKEN_LIFE else ""
        page = self._client.sync(account, before.cursor, token)
        items = [item for item in map(item_of, page.messages) if item is not None and item.address.account == account]
        items = self._not_too_old(items, before)
        self._intake.before(items)
        with store.work() as work:
            # Whoever moved the cursor in the meantime has kept these messages.
            if work.cursors.move(self._name, before, page.cursor, done=not page.more):
                self._intake.take(work, items)
        self._intake.after()
        return True

    def _not_too_old(self, items: list[Item], before: Fetching) -> list[Item]:
        """Without a cursor WeCom tells three days: what was written before we are to answer is left out."""
        if before.cursor:
            return items
        kept = [item for item in items if item.at >= before.called_at - self._first]
        if len(kept) < len(items):
            logger.warning("%s: %d messages of before the first call left out", self._name, len(items) - len(kept))
        return kept
