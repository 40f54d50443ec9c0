"""A call under way in this process: what was said so far, who listens, and the help that goes out."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bot.assist.assistance import Advice
from bot.phone.calls import CallRecord
from bot.phone.help import Board, CallHelp
from bot.phone.segment import Segment, Speaker
from bot.phone.transcript import Received, Took, Transcript
from connectors.phone.adapters import ADAPTERS, Schema, stream_of
from connectors.phone.keeping import Keeper
from connectors.phone.outlet import Outlet
from connectors.phone.tap import Tap
from connectors.phone.telling import draft_frame, line, slots_frame, suggestion_frame

logger = logging.getLogger("chengda")
# Seconds after which a partial that did not change is worth reading.
STABLE = 0.6
# What a gateway knows as it sent it.
ECHOES = ("line", "dtmf", "ended")
Frame = dict[str, Any]


class LiveCall:
    """Used on the event loop only; reading and writing happen in threads."""

    def __init__(
        self,
        record: CallRecord,
        said: tuple[Segment, ...],
        helper: CallHelp,
        keeper: Keeper,
        threads: ThreadPoolExecutor,
        quiet: bool = False,
    ) -> None:
        """`quiet` where no person needs help before the end: then all is read at once."""
        self.record = record
        self.transcript = Transcript({one.id: one for one in said})
        self.received = Received(record.last_seq)
        self.outlets: set[Outlet] = set()
        self.writer: object | None = None
        self.over = False
        self.heard_at = time.monotonic()
        self.board = Board()
        self._helper, self._keeper, self._threads = helper, keeper, threads
        self._quiet = quiet
        self._taps: dict[tuple[str, str], Tap] = {}
        self._pending: dict[str, asyncio.Future[bool]] = {}
        self._unread: list[tuple[Segment, float]] = [(one, 0.0) for one in said]
        self._trial: Segment | None = None
        self._reading: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._last: dict[str, Frame] = {}
        self._based_on: tuple[str, ...] = ()
        self._spoken_at = 0.0
        if said:
            self._read()

    @property
    def id(self) -> str:
        """The name of the call."""
        return self.record.id

    def publish(self, frame: Frame, newest_of: str | None = None) -> None:
        """Tell all who listen; what comes in goes only to those who did not send it."""
        for outlet in self.outlets:
            if outlet.watches or frame["type"] not in ECHOES:
                outlet.put(frame, newest_of)

    def take(self, segment: Segment, seq: int | None = None) -> asyncio.Future[bool] | None:
        """Take one revision; for a final the promise that it is kept, None where there is nothing to wait for."""
        self.heard_at = time.monotonic()
        self.transcript, took = self.transcript.take(segment)
        if took is Took.OLD or (took is Took.FIXED and segment.id not in self._pending):
            self._note(seq)
            return None
        if took is Took.REVISED:
            self._note(seq)
            self.publish({"type": "line", **line(segment)}, f"line {segment.id}")
            self._wait_until_stable(segment)
            return None
        if took is Took.FINAL:
            self.publish({"type": "line", **line(segment)})
            if segment.blank:
                self._note(seq)
                return None
            through = self.received.add(seq).through if seq is not None else 0
            self._pending[segment.id] = self._keeper.keep(segment, through)
            self._unread.append((segment, time.monotonic()))
            self._read()
        pending = self._pending[segment.id]
        pending.add_done_callback(lambda _: self._kept(segment.id, seq))
        return pending

    def feed(self, schema: Schema, stream: str, speaker: Speaker, language: str | None, frame: Frame) -> list[Segment]:
        """The segments that a frame of a recogniser makes; raises BadFrame."""
        key = (str(schema), f"{stream}{stream_of(schema, frame)}")
        tap = self._taps.get(key) or Tap(self.id, speaker, f"{schema}-{stream}-{secrets.token_hex(3)}", language)
        self._taps[key], segments = ADAPTERS[schema](tap, frame)
        self.heard_at = time.monotonic()
        return list(segments)

    def unplug(self, schema: Schema | None = None, stream: str = "") -> list[Segment]:
        """What streams left unfinished, those of one socket or all."""
        keys = [key for key in self._taps if schema is None or (key[0] == schema and key[1].startswith(stream))]
        return [segment for key in keys for segment in self._taps.pop(key).ended()]

    def note(self, seq: int) -> None:
        """A numbered frame that is no segment came."""
        self.heard_at = time.monotonic()
        self._note(seq)

    def snapshot(self) -> list[Frame]:
        """All that a listener must know who comes now."""
        lines: list[Frame] = [{"type": "line", **line(one)} for one in self.transcript.spoken]
        offers = [self._offer(one, 0) for one in self.board.offers]
        return [*lines, *offers, *self._last.values()]

    async def settled(self) -> None:
        """Wait until all is kept and read."""
        while self._pending or (self._reading is not None and not self._reading.done()):
            waiting: list[asyncio.Future[Any]] = list(self._pending.values())
            if self._reading is not None and not self._reading.done():
                waiting.append(self._reading)
            await asyncio.wait(waiting)
            await asyncio.sleep(0)

    @property
    def summary(self) -> str | None:
        """What the call was about, None while nothing was said."""
        return self._helper.advice.summary if self._helper.advice else None

    @property
    def language(self) -> str | None:
        """The caller's language as far as it is known."""
        return self._helper.language or self.record.language

    def close(self) -> None:
        """No timer rings any more."""
        self.over = True
        for timer in self._timers.values():
            timer.cancel()

    def _note(self, seq: int | None) -> None:
        if seq is not None:
            self.received = self.received.add(seq)

    def _kept(self, segment_id: str, seq: int | None) -> None:
        self._pending.pop(segment_id, None)
        self._note(seq)

    def _wait_until_stable(self, segment: Segment) -> None:
        if segment.speaker is not Speaker.CALLER or segment.blank:
            return
        self._at(f"stable {segment.id}", STABLE, lambda: self._try(segment))

    def _try(self, segment: Segment) -> None:
        if self.transcript.segments.get(segment.id) is segment:
            self._trial = segment
            self._read()

    def _at(self, name: str, seconds: float, do: Callable[[], None]) -> None:
        old = self._timers.pop(name, None)
        if old is not None:
            old.cancel()

        def ring() -> None:
            self._timers.pop(name, None)
            do()

        self._timers[name] = asyncio.get_running_loop().call_later(seconds, ring)

    def read_all(self) -> None:
        """Read what was not read yet, as a person comes in or the call ends."""
        self._quiet = False
        if self._unread:
            self._read()

    def _read(self) -> None:
        if not self._quiet and not self.over and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read_on())

    async def _read_on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._unread or self._trial is not None:
            unread, self._unread = self._unread, []
            trial, self._trial = self._trial, None
            try:
                if unread:
                    segments = [one for one, _ in unread]
                    advice = await loop.run_in_executor(self._threads, self._helper.take, segments)
                    self._told(advice, tuple(one.id for one in segments[-1:]), unread[-1][1])
                elif trial is not None and self.transcript.segments.get(trial.id) is trial:
                    advice = await loop.run_in_executor(self._threads, self._helper.peek, trial)
                    self._told(advice, (trial.id,), time.monotonic())
            except Exception as error:
                reference = secrets.token_hex(4)
                logger.error("reference %s: no advice for a call", reference, exc_info=error)

    def _told(self, advice: Advice, based_on: tuple[str, ...], spoken_at: float) -> None:
        self.board.want(advice.suggestions)
        self._based_on, self._spoken_at = based_on, spoken_at
        self._settle()
        for name, frame in (
            ("slots", slots_frame(self.id, self._helper, advice)),
            ("draft_case", draft_frame(self.id, advice)),
        ):
            if self._last.get(name) != frame:
                self._last[name] = frame
                self.publish(frame, name)

    def _settle(self) -> None:
        now = time.monotonic()
        change, later = self.board.settle(now)
        took = round(1000 * (now - self._spoken_at)) if self._spoken_at else 0
        for offer_id in change.retracted:
            self.publish({"type": "retract", "id": offer_id, "reason": "segment_revised"})
        for offer in change.offers:
            self.publish(self._offer(offer, took))
        if later is not None:
            self._at("settle", later - now, self._settle)

    def _offer(self, offer: Any, latency_ms: int) -> Frame:
        return suggestion_frame(self.id, offer, self.language or "zh", self._based_on, latency_ms)
