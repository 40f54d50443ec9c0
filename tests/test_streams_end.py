"""A stream that waits ends when it is told to, also at the very moment when something comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.assistant import Assistant
from bot.settings import Settings
from connectors.phone.outlet import Outlet
from connectors.throttle import Throttle
from connectors.web.chat import WebChat
from connectors.web.feed import Listener
from connectors.web.rasa_socket import RasaSocket


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


def test_who_leaves_while_a_conversation_begins_is_told_of_nothing(assistant: Assistant, settings: Settings) -> None:
    chat = WebChat(lambda: assistant, settings)
    on = RasaSocket(chat, Throttle).server.handlers["/"]

    async def run() -> int:
        await on["connect"]("x", {})
        beginning = asyncio.ensure_future(on["session_request"]("x", {"session_id": "of a page"}))
        await asyncio.sleep(0)
        await on["disconnect"]("x")
        await beginning
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()) - 1 + chat.feed.open

    assert asyncio.run(run()) == 0


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
        done, _ = await asyncio.wait([task], timeout=60)
        task.cancel()
        return bool(done)

    assert asyncio.run(run())
