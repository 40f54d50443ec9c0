"""Who waits for news of which conversation in this process; one look a while finds what other processes wrote."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.concurrency import run_in_threadpool

from bot.messages import SenderId
from bot.store import Store
from connectors.web.seen_turns import SeenTurns

logger = logging.getLogger("chengda")
LOOK_SECONDS = 0.5


class Listener:
    """One open stream: `typing` while an answer is made, `told` the last turn it told of."""

    def __init__(self) -> None:
        self.typing = False
        self.told = 0
        self._news = True
        self._bell = asyncio.Event()

    def ring(self, news: bool) -> None:
        """Something changed; `news` when there may be a turn to tell."""
        self._news |= news
        self._bell.set()

    def take(self) -> bool:
        """Whether there may be a turn to tell, asked once for each ring."""
        self._bell.clear()
        news, self._news = self._news, False
        return news

    async def wait(self, seconds: float) -> None:
        """Until something changed; after some seconds there may be news in any case."""
        try:
            # Unlike wait_for before Python 3.12, a timeout never swallows a cancellation that comes with a ring.
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        except TimeoutError:
            self._news = True


class Feed:
    """The open streams of this process; all but `ring` belongs to the event loop."""

    def __init__(self, store: Callable[[], Store], seconds: float = LOOK_SECONDS) -> None:
        self._store, self._seconds = store, seconds
        self._listeners: dict[SenderId, set[Listener]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def open(self) -> int:
        """How many streams are open."""
        return sum(len(listeners) for listeners in self._listeners.values())

    def start(self) -> None:
        """Begin to look for news; called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @contextmanager
    def listening(self, sender: SenderId) -> Iterator[Listener]:
        """A listener for as long as a stream is open."""
        listener = Listener()
        self._listeners.setdefault(sender, set()).add(listener)
        try:
            yield listener
        finally:
            others = self._listeners[sender]
            others.discard(listener)
            if not others:
                del self._listeners[sender]

    def ring(self, sender: SenderId) -> None:
        """There is something new in a conversation; may be called in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, sender)

    @contextmanager
    def typing(self, sender: SenderId) -> Iterator[None]:
        """An answer is being made."""
        self._typing(sender, True)
        try:
            yield
        finally:
            self._typing(sender, False)

    def _typing(self, sender: SenderId, on: bool) -> None:
        for listener in self._listeners.get(sender, ()):
            listener.typing = on
            listener.ring(news=False)

    def _wake(self, sender: SenderId, turn: int | None = None) -> None:
        for listener in self._listeners.get(sender, ()):
            if turn is None or turn > listener.told:
                listener.ring(news=True)

    async def _watch(self) -> None:
        seen: SeenTurns | None = None
        while True:
            await asyncio.sleep(self._seconds)
            if not self._listeners:
                seen = None
                continue
            try:
                if seen is None:
                    seen = await run_in_threadpool(self._first)
                    # What came between a stream's own look and this one is told by nothing else.
                    found: dict[SenderId, int | None] = dict.fromkeys(self._listeners)
                else:
                    seen, found = await run_in_threadpool(self._look, seen)
            except Exception as error:
                logger.error("reference %s: looking for news failed", secrets.token_hex(4), exc_info=error)
                continue
            for sender, turn in found.items():
                self._wake(sender, turn)

    def _first(self) -> SeenTurns:
        with self._store().read() as work:
            seen = SeenTurns(work.transcript.newest())
            seen.see(work.transcript.fresh(seen.newest))
        return seen

    def _look(self, seen: SeenTurns) -> tuple[SeenTurns, dict[SenderId, int | None]]:
        """What is seen now, and who has new turns, with the newest."""
        with self._store().read() as work:
            seen = seen.rewound(work.transcript.newest())
            found = work.transcript.fresh(seen.newest, seen.missing)
        seen.see(found)
        return seen, {found[number]: number for number in sorted(found)}
