"""Writing what was said of all calls of a process: one transaction for all that came while the last one ran."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy.exc import DataError, IntegrityError

from bot.phone.segment import Segment
from bot.store import Store

logger = logging.getLogger("chengda")
TRY_AGAIN = 0.5
MOST_ROWS = 200
# What the database will never take, however often it is tried.
UNFIT = (IntegrityError, DataError)


@dataclass
class _Waiting:
    segment: Segment
    last_seq: int
    kept: asyncio.Future[bool] = field(repr=False)


class Keeper:
    """Keeps final segments; what it promised to keep it tries to keep until it can."""

    def __init__(self, store: Callable[[], Store], threads: ThreadPoolExecutor) -> None:
        self._store, self._threads = store, threads
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    def keep(self, segment: Segment, last_seq: int = 0) -> asyncio.Future[bool]:
        """Done with True once the segment is in the database, with False when its call is not there any more."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(segment, last_seq, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._waiting[:MOST_ROWS]
            try:
                done = await loop.run_in_executor(self._threads, self._write, batch)
            except Exception as error:
                reference = secrets.token_hex(4)
                logger.error("reference %s: transcripts wait for the database", reference, exc_info=error)
                await asyncio.sleep(TRY_AGAIN)
                continue
            self._waiting = self._waiting[len(batch) :]
            for one, kept in zip(batch, done, strict=True):
                if not one.kept.done():
                    one.kept.set_result(kept)

    def _write(self, batch: list[_Waiting]) -> list[bool]:
        """Write a batch; where one call's rows cannot be, the rows one by one."""
        try:
            self._add(batch)
        except UNFIT:
            return [self._alone(one) for one in batch]
        return [True] * len(batch)

    def _alone(self, one: _Waiting) -> bool:
        try:
            self._add([one])
        except UNFIT:
            return False
        return True

    def _add(self, batch: list[_Waiting]) -> None:
        highest: dict[str, int] = {}
        for one in batch:
            highest[one.segment.call] = max(highest.get(one.segment.call, 0), one.last_seq)
        with self._store().work() as work:
            work.calls.add([one.segment for one in batch], {call: seq for call, seq in highest.items() if seq})
