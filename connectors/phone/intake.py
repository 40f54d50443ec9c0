"""Frames of one socket that wait to be handled: of a segment's partials only the newest, of finals every one."""

from __future__ import annotations

import asyncio
from collections import deque

from connectors.phone.frames import AnyFrame, Said

MOST = 200


class Intake:
    """A bounded queue between reading and handling; a full one holds up the reading, and so the sender."""

    def __init__(self, most: int = MOST) -> None:
        self._frames: deque[AnyFrame] = deque()
        self._most = most
        self._changed = asyncio.Condition()
        self._ended = False
        self.dropped: list[int] = []

    async def put(self, frame: AnyFrame) -> None:
        """Take a frame in; waits for room, but a partial only takes the place of an older one or is dropped."""
        async with self._changed:
            while len(self.dropped) >= self._most and not self._ended:
                await self._changed.wait()
            if isinstance(frame, Said) and not frame.final:
                self._without_older(frame)
                if len(self._frames) >= self._most:
                    self.dropped.append(frame.seq)
                    self._changed.notify_all()
                    return
            while len(self._frames) >= self._most and not self._ended:
                await self._changed.wait()
            self._frames.append(frame)
            self._changed.notify_all()

    async def get(self) -> AnyFrame | None:
        """The next frame; None at the end, or when only dropped partials are to be acknowledged."""
        async with self._changed:
            self._changed.notify_all()
            while not self._frames and not self._ended and not self.dropped:
                await self._changed.wait()
            frame = self._frames.popleft() if self._frames else None
            self._changed.notify_all()
            return frame

    def take_dropped(self) -> list[int]:
        """The numbers of the partials that were dropped since the last time."""
        dropped, self.dropped = self.dropped, []
        return dropped

    async def end(self) -> None:
        """No more frames come."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def over(self) -> bool:
        """Whether nothing is left and nothing comes."""
        return self._ended and not self._frames and not self.dropped

    def _without_older(self, frame: Said) -> None:
        kept: deque[AnyFrame] = deque()
        for one in self._frames:
            older = isinstance(one, Said) and not one.final and one.segment_id == frame.segment_id
            if older and isinstance(one, Said):
                self.dropped.append(one.seq)
            else:
                kept.append(one)
        self._frames = kept
