"""News of the desk as server-sent events: that the queue changed, that somebody said something in a talk."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse, ServerSentEvent

from bot.desk.talks import TalkState
from bot.errors import SessionEnded
from bot.messages import SenderId
from bot.store import Store
from connectors.staff.accounts_api import NEEDS_RIGHT
from connectors.staff.caller import BEARER, Caller, Talker

logger = logging.getLogger("chengda")
router = APIRouter(tags=["desk: talks"])
LOOK_SECONDS = 0.5
CHECK_SECONDS = 20.0
PING_SECONDS, SEND_SECONDS = 15, 30.0


class Pulse:
    """What all streams of this process ask for, looked up at most twice a second together."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._at, self._told = 0.0, ("", 0)

    async def beat(self) -> tuple[str, int]:
        """The mark of the queue and the newest turn of all conversations."""
        async with self._lock:
            if time.monotonic() - self._at >= LOOK_SECONDS:
                self._told = await run_in_threadpool(self._look)
                self._at = time.monotonic()
            return self._told

    def _look(self) -> tuple[str, int]:
        with self._store().read() as work:
            return work.talks.mark(), work.talks.last_turn()


@router.get("/stream", responses=NEEDS_RIGHT | {200: {"content": {"text/event-stream": {}}}})
async def stream(request: Request, caller: Talker) -> EventSourceResponse:
    """An event `news` with `{"queue", "talks": {number: last turn}}` whenever the queue or one's own talk changed."""
    token = await BEARER(request)
    pulse: Pulse = request.app.state.pulse
    events = _news(pulse, caller, token.credentials if token else "")
    return EventSourceResponse(events, ping=PING_SECONDS, sep="\n", send_timeout=SEND_SECONDS)


async def _news(pulse: Pulse, caller: Caller, token: str) -> AsyncGenerator[ServerSentEvent]:
    known: tuple[str, dict[str, int]] | None = None
    beat: tuple[str, int] | None = None
    checked = time.monotonic()
    while True:
        try:
            if time.monotonic() - checked > CHECK_SECONDS:
                await run_in_threadpool(_still_here, caller, token)
                checked = time.monotonic()
            fresh = await pulse.beat()
            if fresh != beat:
                beat = fresh
                told = (fresh[0], await run_in_threadpool(_talks, caller))
                if told != known:
                    known = told
                    yield ServerSentEvent(json.dumps({"queue": told[0], "talks": told[1]}), event="news")
        except SessionEnded:
            yield ServerSentEvent("{}", event="ended")
            return
        except Exception:
            logger.exception("reference %s: the desk's stream failed", secrets.token_hex(4))
        await asyncio.sleep(LOOK_SECONDS)


def _still_here(caller: Caller, token: str) -> None:
    """The page is open: its talks are not left alone. Raises SessionEnded."""
    session = caller.parts.door.enter(token)
    with caller.parts.store.work() as work:
        for talk in work.talks.held(session.account.login):
            work.talks.seen(talk.number, caller.parts.clock())


def _talks(caller: Caller) -> dict[str, int]:
    with caller.parts.store.read() as work:
        mine = [talk for talk in work.talks.held(caller.account.login) if talk.state is TalkState.HELD]
        return {str(talk.number): work.talks.last_turn(SenderId(talk.sender)) for talk in mine}
