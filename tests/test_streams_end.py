"""A stream that waits ends when it is told to, also at the very moment when something comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from connectors.phone.outlet import Outlet
from connectors.web.feed import Listener


def of_listener() -> tuple[Callable[[], Awaitable[object]], Callable[[], None]]:
    listener = Listener()

    async def follow() -> None:
        while True:
            listener.take()
            await listener.wait(60)

    return follow, lambda: listener.ring(news=True)


def of_outlet() -> tuple[Callable[[], Awaitable[object]], Callable[[], None]]:
    outlet = Outlet()

    async def follow() -> None:
        while True:
            await outlet.get(60)

    return follow, lambda: outlet.put({"type": "line"})


@pytest.mark.parametrize("of", [of_listener, of_outlet])
def test_told_to_end_as_something_comes(
    of: Callable[[], tuple[Callable[[], Awaitable[object]], Callable[[], None]]],
) -> None:
    async def run() -> bool:
        follow, ring = of()
        task = asyncio.ensure_future(follow())
        for _ in range(5):
            await asyncio.sleep(0)
        ring()
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        task.cancel()
        return bool(done)

    assert asyncio.run(run())
