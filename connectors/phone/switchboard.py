"""All calls under way in this process: opened, found again, and ended when nobody comes back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from bot.desk.suggestions import Use, Used
from bot.errors import CallOver, UnknownCall
from bot.phone.calls import LONGEST, CallRecord, Ending
from bot.phone.help import Adviser, CallHelp
from bot.phone.segment import Segment
from bot.store import Store
from connectors.phone.adapters import Schema
from connectors.phone.keeping import Keeper
from connectors.phone.live import LiveCall

logger = logging.getLogger("chengda")
READERS, WRITERS = 2, 4
# How often something of the database is tried again while others hold it.
TRIES = 5
LONGEST_LOGIN = 40
LOOK_EVERY = 5.0
TIDY_EVERY = 600.0
# Seconds a server that ends waits for what is still to be kept.
STOP_SECONDS = 20.0
# Seconds a call without a line or a frame waits for its gateway to come back.
COME_BACK = 900.0
T = TypeVar("T")


class Switchboard:
    """Used on the event loop; the database and the readers work in threads."""

    def __init__(self, store: Callable[[], Store], adviser: Callable[[], Adviser], days: int = 90) -> None:
        self._store, self._adviser, self._days = store, adviser, days
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="chengda-call")
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="chengda-keep")
        self._keeper = Keeper(store, self._writers)
        self._calls: dict[str, LiveCall] = {}
        self._opening = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._calls)

    def start(self) -> None:
        """Look after calls that nobody ends."""
        self._watch = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Keep what is under way; calls stay open for their gateways to come back."""
        if self._watch is not None:
            self._watch.cancel()
        settled = [call.settled() for call in self._calls.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*settled)
        for call in self._calls.values():
            call.close()
        self._readers.shutdown(cancel_futures=True)
        self._writers.shutdown()

    def now(self) -> datetime:
        """The time in the city."""
        return self._store().now()

    def find(self, call_id: str) -> LiveCall | None:
        """A call of this process."""
        return self._calls.get(call_id)

    async def open(self, wanted: CallRecord, language: str | None = None) -> LiveCall:
        """The call, begun where it is new, else gone on with; raises UnknownCall for another's, CallOver."""
        return await self._enter(wanted.id, wanted.owner, wanted, language)

    async def resume(self, call_id: str, owner: str) -> LiveCall:
        """A call that was begun; raises UnknownCall, CallOver."""
        return await self._enter(call_id, owner, None, None)

    async def finish(self, call: LiveCall, reason: str) -> str | None:
        """End a call with its summary; what was said last is kept first."""
        for segment in call.unplug():
            call.take(segment)
        call.read_all()
        await call.settled()
        if call.over:
            return call.summary
        call.close()
        summary, language = call.summary, call.language

        def end() -> None:
            with self._store().work() as work:
                work.calls.end(call.id, self._store().now(), reason, summary, language)

        await self.in_thread(end)
        if summary:
            call.publish({"type": "summary", "call_id": call.id, "text": summary})
        call.publish({"type": "ended", "call_id": call.id, "reason": reason})
        if self._calls.get(call.id) is call:
            del self._calls[call.id]
        return summary

    async def feedback(self, call: LiveCall, offer_id: str, action: str, owner: str) -> bool:
        """Note what an agent did with a suggestion; False for one that is not shown."""
        found = call.board.find(offer_id)
        if found is None:
            return False
        place, one = found
        who = owner.removeprefix("staff:") if owner.startswith("staff:") else call.record.agent or owner
        service = str(one.code) if one.code else None
        used = Used(who[:LONGEST_LOGIN], None, str(one.kind), service, place, one.confidence, Use(action))

        def note() -> None:
            with self._store().work() as work:
                work.suggestions.write(used, self._store().now())

        await self.in_thread(note)
        return True

    async def in_thread(self, do: Callable[[], T]) -> T:
        """Something of the database, off the loop; tried again while the database is held by others."""
        for left in reversed(range(TRIES)):
            try:
                return await asyncio.get_running_loop().run_in_executor(self._writers, do)
            except OperationalError:
                if not left:
                    raise
        raise AssertionError("never reached")

    async def _enter(self, call_id: str, owner: str, wanted: CallRecord | None, language: str | None) -> LiveCall:
        async with self._opening:
            call = self._calls.get(call_id)
            if call is None:
                record, said = await self.in_thread(lambda: self._stored(call_id, owner, wanted))
                helper = CallHelp(self._adviser(), language)
                quiet = record.schema == Schema.RELAY
                call = LiveCall(record, said, helper, self._keeper, self._readers, quiet)
                self._calls[call_id] = call
        if call.record.owner != owner:
            raise UnknownCall(call_id)
        return call

    def _stored(self, call_id: str, owner: str, wanted: CallRecord | None) -> tuple[CallRecord, tuple[Segment, ...]]:
        with self._store().work() as work:
            record = work.calls.of(call_id)
            if record is not None and record.owner != owner:
                raise UnknownCall(call_id)
            if record is not None and record.ended_at is not None:
                raise CallOver(call_id)
            if record is None:
                if wanted is None:
                    raise UnknownCall(call_id)
                work.calls.start(wanted)
                return wanted, ()
            return record, tuple(segment for _, segment in work.calls.said(call_id))

    async def _look(self) -> None:
        tidied = float("-inf")
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if time.monotonic() - tidied > TIDY_EVERY:
                tidied = time.monotonic()
                await self._tidied()
            for call in tuple(self._calls.values()):
                silent = time.monotonic() - call.heard_at
                too_long = self.now() - call.record.started_at > LONGEST
                if too_long or (call.writer is None and silent > COME_BACK):
                    try:
                        await self._end_or_leave(call, Ending.TOO_LONG if too_long else Ending.LOST)
                    except Exception:
                        logger.exception("a call could not be ended")

    async def _end_or_leave(self, call: LiveCall, reason: Ending) -> None:
        """End a call, unless another process has it by now: then it is that one's."""

        def lines() -> int:
            with self._store().read() as work:
                found = work.calls.of(call.id)
                return found.lines if found else 0

        if reason is Ending.LOST and await self.in_thread(lines) > len(call.transcript.finals):
            call.close()
            self._calls.pop(call.id, None)
            # Who watches it here looks again, and sees what is kept.
            for outlet in call.outlets:
                outlet.end()
            return
        await self.finish(call, reason)

    async def _tidied(self) -> None:
        """Forget old calls and end those of servers that died."""

        def tidy() -> None:
            with self._store().work() as work:
                work.calls.tidy(self._store().now(), self._days)

        try:
            await self.in_thread(tidy)
        except Exception:
            logger.exception("old calls could not be forgotten")


def record_of(call_id: str, owner: str, schema: str, started_at: datetime, now: datetime) -> CallRecord:
    """A new call; a time told that cannot be is not believed."""
    told = started_at if started_at.tzinfo is not None and abs(now - started_at) < LONGEST else now
    return replace(CallRecord(call_id, owner, schema, now), started_at=told)
