"""The socket of `transcript.v1`: segments of one call in, acknowledgements and help out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from bot.domain import Domain
from bot.errors import BadFrame, CallOver, ChengdaError, NotAllowed, SessionEnded, UnknownCall
from bot.phone.calls import LONGEST, Ending
from bot.phone.segment import language_of as our_language
from connectors.phone.adapters import MOST_BYTES
from connectors.phone.doors import Bringer, bringer_of, token_in
from connectors.phone.frames import SUBPROTOCOL, AnyFrame, Dtmf, End, Feedback, Resume, Said, Start, native
from connectors.phone.intake import Intake
from connectors.phone.live import LiveCall
from connectors.phone.outlet import Outlet
from connectors.phone.switchboard import Switchboard, record_of
from connectors.problem import REFUSALS, language_of, problem

logger = logging.getLogger("chengda")
router = APIRouter()
CallId = Annotated[str, Path(pattern=r"^[\w.:+@\-]{1,100}$")]


class Fault(StrEnum):
    """What may be wrong with a frame or a call; the closed list of `code`."""

    BAD_FRAME = "bad_frame"
    TOO_LARGE = "too_large"
    NOT_STARTED = "not_started"
    WRONG_CALL = "wrong_call"
    UNKNOWN = "unknown"
    OVER = "over"
    TOO_LONG = "too_long"
    SLOW = "slow"
    REPLACED = "replaced"
    UNKNOWN_SUGGESTION = "unknown_suggestion"
    BROKEN = "broken"


# The close code of a fault that ends the connection.
FATAL = {
    Fault.TOO_LARGE: 1009, Fault.TOO_LONG: 4008, Fault.SLOW: 1013, Fault.REPLACED: 4001, Fault.OVER: 4009,
    Fault.BROKEN: 1011,
}  # fmt: skip
# Seconds in which who is sent to must take something.
SLOW_SECONDS = 30.0
NORMAL = 1000


class TranscriptSocket:
    """One connection; several may follow one another for a call, the newest has it."""

    def __init__(self, socket: WebSocket, board: Switchboard, domain: Domain, bringer: Bringer, call_id: str) -> None:
        self._socket, self._board, self._domain, self._bringer = socket, board, domain, bringer
        self._call_id = call_id
        self._language = language_of(socket)
        self._intake, self._outlet = Intake(), Outlet()
        self._call: LiveCall | None = None
        self._close_code = NORMAL

    async def run(self) -> None:
        """Until the call or the connection ends; the call itself outlives a lost connection."""
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        handling = asyncio.create_task(self._handle_all())
        try:
            await asyncio.wait((writing, handling), return_when=asyncio.FIRST_COMPLETED)
            if handling.done() and not handling.cancelled() and (error := handling.exception()) is not None:
                reference = secrets.token_hex(4)
                logger.error("reference %s: a call's socket failed", reference, exc_info=error)
                self.fault(Fault.BROKEN, reference)
            self._outlet.end()
            if not writing.done():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(5):
                        await asyncio.shield(writing)
        finally:
            self._detach()
            for task in (reading, writing, handling):
                task.cancel()
            await asyncio.gather(reading, writing, handling, return_exceptions=True)
            if self._socket.application_state is WebSocketState.CONNECTED:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                    await self._socket.close(self._close_code)

    def fault(self, fault: Fault, detail: str = "") -> None:
        """Tell what is wrong; a fatal fault ends the connection."""
        message = self._domain.text(f"utter_call_{fault}", self._language, detail=detail)
        fatal = fault in FATAL
        self._outlet.put({"type": "error", "code": str(fault), "message": message, "fatal": fatal})
        if fatal:
            self._close_code = FATAL[fault]
            self._outlet.end()

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                text = message.get("text")
                data = text if text is not None else message.get("bytes") or b""
                if len(data) > MOST_BYTES or (isinstance(data, str) and len(data.encode()) > MOST_BYTES):
                    self.fault(Fault.TOO_LARGE)
                    break
                try:
                    frame = native(data)
                except BadFrame as error:
                    self.fault(Fault.BAD_FRAME, str(error))
                    continue
                await self._intake.put(frame)
        finally:
            await self._intake.end()

    async def _write(self) -> None:
        try:
            while (frame := await self._outlet.get()) is not None:
                await self._socket.send_json(frame)
        except (RuntimeError, WebSocketDisconnect):
            return
        if self._outlet.slow:
            self._close_code = FATAL[Fault.SLOW]

    async def _handle_all(self) -> None:
        while not self._intake.over and not self._outlet.ended:
            if not await self._outlet.room(SLOW_SECONDS):
                self.fault(Fault.SLOW)
                return
            left = None
            if self._call is not None:
                left = max(0.0, (LONGEST - (self._board.now() - self._call.record.started_at)).total_seconds())
            try:
                if left == 0.0:
                    raise TimeoutError
                async with asyncio.timeout(left):
                    frame = await self._intake.get()
            except TimeoutError:
                self.fault(Fault.TOO_LONG)
                if self._call is not None:
                    await self._board.finish(self._call, Ending.TOO_LONG)
                return
            if frame is not None:
                await self._handle(frame)
            for seq in self._intake.take_dropped():
                self._ack_plain(seq)

    async def _handle(self, frame: AnyFrame) -> None:
        if frame.call_id is not None and frame.call_id != self._call_id:
            self.fault(Fault.WRONG_CALL)
            return
        try:
            if isinstance(frame, Start | Resume):
                await self._attach(frame)
            elif self._call is None:
                self.fault(Fault.NOT_STARTED)
            elif self._call.over:
                self.fault(Fault.OVER)
            elif isinstance(frame, Said):
                self._said(self._call, frame)
            elif isinstance(frame, Dtmf):
                self._call.publish({"type": "dtmf", "digit": frame.digit})
                self._ack_plain(frame.seq)
            elif isinstance(frame, Feedback):
                if not await self._board.feedback(self._call, frame.suggestion_id, frame.action, self._bringer.owner):
                    self.fault(Fault.UNKNOWN_SUGGESTION)
            elif isinstance(frame, End):
                await self._board.finish(self._call, frame.reason)
                if frame.seq is not None:
                    self._outlet.put({"type": "ack", "seq": frame.seq})
                self._outlet.end()
        except UnknownCall:
            self.fault(Fault.UNKNOWN)
        except CallOver:
            self.fault(Fault.OVER)

    async def _attach(self, frame: Start | Resume) -> None:
        """Begin the call or go on with it; whoever had it before is let go."""
        if isinstance(frame, Start):
            now = self._board.now()
            record = record_of(self._call_id, self._bringer.owner, SUBPROTOCOL, frame.started_at or now, now)
            told = next((language for tag in frame.langs if (language := our_language(tag))), None)
            record = replace(record, agent=frame.agent_id, caller_ref=frame.caller_ref, language=told)
            call = await self._board.open(record)
        else:
            call = await self._board.resume(self._call_id, self._bringer.owner)
        if call.writer is not self and isinstance(call.writer, TranscriptSocket):
            call.writer.fault(Fault.REPLACED)
            call.writer._detach()
        known = self._call is call
        self._call, call.writer = call, self
        call.outlets.add(self._outlet)
        self._outlet.put({"type": "ack", "seq": call.received.through})
        if not known:
            for told_before in call.snapshot():
                if told_before["type"] != "line":
                    self._outlet.put(told_before)

    def _said(self, call: LiveCall, frame: Said) -> None:
        if frame.seq in call.received:
            self._outlet.put({"type": "ack", "seq": frame.seq})
            return
        kept = call.take(frame.segment(call.id), frame.seq)
        if kept is None:
            self._outlet.put({"type": "ack", "seq": frame.seq})
        else:
            kept.add_done_callback(self._acknowledged(frame.seq))

    def _acknowledged(self, seq: int) -> Callable[[asyncio.Future[bool]], None]:
        def tell(kept: asyncio.Future[bool]) -> None:
            if not kept.cancelled() and kept.result():
                self._outlet.put({"type": "ack", "seq": seq})
            elif not kept.cancelled():
                self.fault(Fault.UNKNOWN)

        return tell

    def _ack_plain(self, seq: int) -> None:
        """Acknowledge a frame of which nothing is kept."""
        if self._call is not None:
            self._call.note(seq)
            self._outlet.put({"type": "ack", "seq": seq})

    def _detach(self) -> None:
        if self._call is not None:
            self._call.outlets.discard(self._outlet)
            if self._call.writer is self:
                self._call.writer = None


@router.websocket("/api/v1/calls/{call_id}/transcript")
async def transcript(socket: WebSocket, call_id: CallId) -> None:
    """Segments of one call in, help out; a token that is not good is refused before the socket opens."""
    bringer = await entered(socket)
    if bringer is None:
        return
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    state = socket.app.state
    await TranscriptSocket(socket, state.calls, state.staff.domain, bringer, call_id).run()


async def entered(socket: WebSocket) -> Bringer | None:
    """Who opens a socket; None once it was refused."""
    parts, calls = socket.app.state.staff, socket.app.state.calls
    try:
        token = token_in(socket.headers.get("authorization"), socket.scope.get("subprotocols", []))
        bringer: Bringer = await calls.in_thread(lambda: bringer_of(parts, token))
    except (SessionEnded, NotAllowed) as error:
        await refuse(socket, error)
        return None
    return bringer


async def refuse(socket: WebSocket, error: ChengdaError) -> None:
    """Refuse a socket with a problem document."""
    status = next(code for kind, (code, _) in REFUSALS.items() if isinstance(error, kind))
    answer = problem(status, socket.app.state.staff.domain, language_of(socket))
    await socket.send_denial_response(answer)
