"""Calls for the desk: those under way and those over, what was said, and what happens now as a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette.sse import EventSourceResponse

from bot.errors import UnknownCall
from bot.phone.calls import CallRecord
from bot.staff.audit import Action
from connectors.phone.live import LiveCall
from connectors.phone.outlet import Outlet
from connectors.phone.switchboard import Switchboard
from connectors.phone.telling import line
from connectors.staff.accounts_api import NEEDS_RIGHT
from connectors.staff.caller import Caller, Listener

router = APIRouter(tags=["staff: calls"])
PING_SECONDS = 15
LOOK_SECONDS = 1.0
CallId = Annotated[str, Path(max_length=100)]


class CallLine(BaseModel):
    """A call without what was said."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    schema_name: Annotated[str, Field(validation_alias="schema")]
    agent: str | None
    language: str | None
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    lines: int


class CallPage(BaseModel):
    """Calls, the newest first."""

    calls: list[CallLine]


class CallView(CallLine):
    """A call with its transcript; personal data is masked once the call is over."""

    summary: str | None
    transcript: list[dict[str, Any]]


@router.get("/calls", responses=NEEDS_RIGHT)
def calls(caller: Listener, live: bool | None = None, size: Annotated[int, Query(ge=1, le=200)] = 50) -> CallPage:
    """The newest calls; `live` for those under way, or those over."""
    with caller.parts.store.read() as work:
        found = work.calls.listed(live, size)
    return CallPage(calls=[CallLine.model_validate(one) for one in found])


@router.get("/calls/{call_id}", responses=NEEDS_RIGHT)
def call(call_id: CallId, caller: Listener) -> CallView:
    """A call with what was said in it. Stands in the audit log."""
    record, transcript = _looked_at(caller, call_id)
    told = CallLine.model_validate(record).model_dump()
    return CallView.model_construct(**told, summary=record.summary, transcript=transcript)


def _looked_at(caller: Caller, call_id: str) -> tuple[CallRecord, list[dict[str, Any]]]:
    with caller.parts.store.work() as work:
        record = work.calls.of(call_id)
        if record is None:
            raise UnknownCall(call_id)
        work.audit.write(caller.account, Action.CALL_READ, caller.address, fields=[call_id])
        return record, [line(one, record.ended_at is not None) for one in work.calls.transcript(call_id)]


@router.get("/calls/{call_id}/events", responses=NEEDS_RIGHT)
async def events(call_id: CallId, caller: Listener, request: Request) -> EventSourceResponse:
    """What was said so far, then each line as it is heard, and the help for it; ends with the call."""
    board: Switchboard | None = getattr(request.app.state, "calls", None)
    record, transcript = await asyncio.to_thread(_looked_at, caller, call_id)
    live = board.find(call_id) if board is not None else None
    stream = _stored(caller, record, transcript) if live is None else _live(live)
    return EventSourceResponse(stream, ping=PING_SECONDS)


async def _live(call: LiveCall) -> AsyncIterator[dict[str, str]]:
    """A call of this process, partials and help included."""
    outlet = Outlet(watches=True)
    call.outlets.add(outlet)
    try:
        for frame in call.snapshot():
            yield _event(frame)
        while (frame_now := await outlet.get()) is not None:
            yield _event(frame_now)
            if frame_now["type"] == "ended":
                return
    finally:
        call.outlets.discard(outlet)


async def _stored(
    caller: Caller, record: CallRecord, transcript: list[dict[str, Any]]
) -> AsyncIterator[dict[str, str]]:
    """A call of another process, or one that is over: its lines as they are kept."""
    for told in transcript:
        yield _event({"type": "line", **told})
    after = 0
    while record.ended_at is None:
        await asyncio.sleep(LOOK_SECONDS)
        record, fresh = await asyncio.to_thread(_more, caller, record.id, after)
        for number, told in fresh:
            after = number
            yield _event({"type": "line", **told})
    if record.summary:
        yield _event({"type": "summary", "call_id": record.id, "text": record.summary})
    yield _event({"type": "ended", "call_id": record.id, "reason": record.reason})


def _more(caller: Caller, call_id: str, after: int) -> tuple[CallRecord, list[tuple[int, dict[str, Any]]]]:
    with caller.parts.store.read() as work:
        record = work.calls.of(call_id)
        if record is None:
            raise UnknownCall(call_id)
        return record, [(number, line(one)) for number, one in work.calls.said(call_id, after)]


def _event(frame: dict[str, Any]) -> dict[str, str]:
    return {"event": str(frame["type"]), "data": json.dumps(frame, ensure_ascii=False)}
