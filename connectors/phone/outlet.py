"""A bounded queue in front of one listener: what may be lost goes first, and who never reads is let go."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

MOST = 1000
Frame = dict[str, Any]


class Outlet:
    """Frames on their way to one socket or stream; used on the event loop only."""

    def __init__(self, most: int = MOST, watches: bool = False) -> None:
        """`watches` for a listener who does not bring the call himself and is told what is said."""
        self.watches = watches
        self._frames: deque[tuple[Frame, str | None]] = deque()
        self._most = most
        self._filled, self._room = asyncio.Event(), asyncio.Event()
        self.slow = self.ended = False

    def put(self, frame: Frame, newest_of: str | None = None) -> None:
        """Send a frame; of those with one `newest_of` only the newest is kept, and they are dropped first."""
        if newest_of is not None:
            self._frames = deque(one for one in self._frames if one[1] != newest_of)
        if len(self._frames) >= self._most:
            self._frames = deque(one for one in self._frames if one[1] is None)
            self.slow = self.slow or len(self._frames) >= self._most
        if not self.slow and (newest_of is None or len(self._frames) < self._most):
            self._frames.append((frame, newest_of))
        self._filled.set()

    async def get(self, seconds: float | None = None) -> Frame | None:
        """The next frame; None when none came in time, none will come, or the listener is too slow."""
        while not self._frames and not self.slow and not self.ended:
            self._filled.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._filled.wait()
            except TimeoutError:
                return None
        frame = self._frames.popleft()[0] if self._frames else None
        if len(self._frames) <= self._most // 4:
            self._room.set()
        return frame

    async def room(self, seconds: float) -> bool:
        """Wait until there is room for more; False when nobody took anything for so long."""
        while len(self._frames) > self._most // 2 and not self.ended:
            self._room.clear()
            before = len(self._frames)
            try:
                async with asyncio.timeout(seconds):
                    await self._room.wait()
            except TimeoutError:
                if len(self._frames) >= before:
                    return False
        return True

    def end(self) -> None:
        """Nothing more will come; what is waiting still goes out."""
        self.ended = True
        self._filled.set()
        self._room.set()

    def __len__(self) -> int:
        return len(self._frames)
