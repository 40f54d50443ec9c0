"""Doors for the frames of recognisers: one frame a POST, or a socket that frames come through."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, WebSocket
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel, Field
from starlette.websockets import WebSocketDisconnect

from bot.domain import Domain
from bot.errors import BadFrame, CallOver, ChengdaError, UnknownCall
from bot.phone.segment import Segment, Speaker
from connectors.phone.adapters import MOST_BYTES, Schema, read_frame
from connectors.phone.doors import Bringer, bringer_of, token_in
from connectors.phone.frames import Language
from connectors.phone.live import LiveCall
from connectors.phone.sockets import CallId, Fault, entered, refuse
from connectors.phone.switchboard import Switchboard, record_of
from connectors.problem import language_of
from connectors.staff.caller import BEARER, parts_of

router = APIRouter(prefix="/asr", tags=["calls"])


class Stream(BaseModel):
    """Which side of the call a stream is, in which language."""

    speaker: Speaker = Speaker.CALLER
    language: Language | None = None
    agent: Annotated[str, Field(max_length=100)] | None = None


def board_of(request: Request) -> Switchboard:
    """The calls of the running application."""
    calls: Switchboard = request.app.state.calls
    return calls


async def owner_of(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> Bringer:
    """Whose key or session a request has; raises SessionEnded or NotAllowed."""
    token = token_in(f"Bearer {given.credentials}" if given else None)
    parts = parts_of(request)
    return await board_of(request).in_thread(lambda: bringer_of(parts, token))


Owner = Annotated[Bringer, Depends(owner_of)]
Board = Annotated[Switchboard, Depends(board_of)]


def ends(schema: Schema, frame: dict[str, Any]) -> str | None:
    """Why a frame says that the call is over, None where it does not."""
    if schema is Schema.CONTACT_LENS and frame.get("EventType") in ("COMPLETED", "FAILED"):
        return str(frame["EventType"]).lower()
    stopped = frame.get("TranscriptionEvent") == "transcription-stopped"
    return "stopped" if schema is Schema.TWILIO_TRANSCRIPTION and stopped else None


async def joined(board: Switchboard, call_id: str, schema: Schema, owner: Bringer, stream: Stream) -> LiveCall:
    """The call of a stream, begun where it is new; raises UnknownCall, CallOver."""
    now = board.now()
    record = record_of(call_id, owner.owner, str(schema), now, now)
    return await board.open(replace(record, agent=stream.agent))


async def taken(board: Switchboard, call: LiveCall, segments: list[Segment]) -> int:
    """Take segments and wait until the finals are kept; raises UnknownCall when the call is gone."""
    promised = [kept for kept in (call.take(segment) for segment in segments) if kept is not None]
    if promised and not all(await asyncio.gather(*promised)):
        raise UnknownCall(call.id)
    return len(segments)


@router.post("/{schema}/{call_id}", status_code=202)
async def post_frame(
    schema: Schema, call_id: CallId, request: Request, owner: Owner, board: Board, stream: Annotated[Stream, Query()]
) -> dict[str, int]:
    """One frame of a recogniser as JSON, or as the form of a webhook; what is final is kept when this answers."""
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise BadFrame(f"more than {MOST_BYTES} bytes")
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = await request.form()
        frame: dict[str, Any] = {name: str(value) for name, value in form.items()}
    else:
        frame = read_frame(body)
    call = await joined(board, call_id, schema, owner, stream)
    count = await taken(board, call, call.feed(schema, stream.speaker, stream.speaker, stream.language, frame))
    if (reason := ends(schema, frame)) is not None:
        await board.finish(call, reason)
    return {"segments": count}


@router.post("/{schema}/{call_id}/end")
async def end_call(schema: Schema, call_id: CallId, owner: Owner, board: Board) -> dict[str, str | None]:
    """The call is over; gives its summary."""
    call = await board.resume(call_id, owner.owner)
    return {"call_id": call_id, "summary": await board.finish(call, "hangup")}


@router.websocket("/{schema}/{call_id}")
async def socket_frames(socket: WebSocket, schema: Schema, call_id: CallId, stream: Annotated[Stream, Query()]) -> None:
    """The frames of one stream; answered are only those that are wrong."""
    owner = await entered(socket)
    if owner is None:
        return
    board: Switchboard = socket.app.state.calls
    domain: Domain = socket.app.state.staff.domain
    try:
        call = await joined(board, call_id, schema, owner, stream)
    except (UnknownCall, CallOver) as error:
        await refuse(socket, error)
        return
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(next((name for name in offered if not name.startswith("bearer.")), None))
    mark = f"{stream.speaker}-{id(socket):x}"
    call.writer = call.writer or socket
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
            text = message.get("text") or ""
            fault, detail = await _one(board, call, schema, mark, stream, text)
            if fault is not None:
                told = domain.text(f"utter_call_{fault}", language_of(socket), detail=detail)
                fatal = fault is not Fault.BAD_FRAME
                await socket.send_json({"type": "error", "code": str(fault), "message": told, "fatal": fatal})
                if fatal:
                    await socket.close(1009 if fault is Fault.TOO_LARGE else 4009)
                    break
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        if call.writer is socket:
            call.writer = None
        if not call.over:
            for segment in call.unplug(schema, mark):
                call.take(segment)


async def _one(
    board: Switchboard, call: LiveCall, schema: Schema, mark: str, stream: Stream, text: str
) -> tuple[Fault | None, str]:
    """Take one frame; the fault it has."""
    if len(text.encode()) > MOST_BYTES:
        return Fault.TOO_LARGE, ""
    if call.over:
        return Fault.OVER, ""
    try:
        frame = read_frame(text)
        await taken(board, call, call.feed(schema, mark, stream.speaker, stream.language, frame))
        if (reason := ends(schema, frame)) is not None:
            await board.finish(call, reason)
    except BadFrame as error:
        return Fault.BAD_FRAME, str(error)
    except ChengdaError:
        return Fault.OVER, ""
    return None, ""
