"""A caller who talks to the assistant through ConversationRelay: prompts in, speakable text out."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Sequence
from typing import Any

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from bot.errors import BadFrame, ChengdaError
from bot.messages import MessageId, SenderId
from bot.phone.callers import number_of
from bot.phone.calls import CallRecord
from bot.phone.segment import Speaker, language_of
from bot.phone.speech import Speech, speech_of
from connectors.channels.channel import sender_of
from connectors.channels.gateway import Gateway
from connectors.phone.adapters import MOST_BYTES, Schema, read_frame
from connectors.phone.caller import Answer, Caller
from connectors.phone.keys import Keys
from connectors.phone.live import LiveCall
from connectors.phone.saying import Saying, Voice
from connectors.phone.switchboard import Switchboard
from connectors.phone.tap import object_in, text_in

logger = logging.getLogger("chengda")
KEY_SECONDS = 3.0
MOST_BAD = 50
HANDED_OFF, HUNG_UP = "handoff", "hangup"
HANDOFF = "handoff"


class VoiceCall:
    """One connection, which is one call."""

    def __init__(
        self, socket: WebSocket, gateway: Gateway, board: Switchboard, voice: Voice, lines: dict[SenderId, VoiceCall]
    ) -> None:
        """`lines` are the calls of the channel, by sender, that something can be said in."""
        self._socket, self._gateway, self._board, self._voice = socket, gateway, board, voice
        self._lines, self._loop = lines, asyncio.get_running_loop()
        self._saying = Saying(socket, voice)
        self._call: LiveCall | None = None
        self._caller, self._session = Caller(gateway, voice.channel, SenderId(""), None), ""
        self._count = 0
        self._keys = Keys()
        self._key_timer: asyncio.TimerHandle | None = None
        self._asked: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue(100)
        self._ending = HUNG_UP

    async def run(self) -> None:
        """Until the caller hangs up or is handed on."""
        answering = asyncio.create_task(self._answer_all())
        try:
            await self._read()
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            if self._key_timer is not None:
                self._key_timer.cancel()
            if self._call is not None:
                self._saying.ended()
                self._lines.pop(self._caller.sender, None)
                await self._board.in_thread(lambda: self._caller.left(self._ending == HANDED_OFF))
                await self._board.finish(self._call, self._ending)

    def speak(self, bubbles: Sequence[dict[str, Any]], language: str, seconds: float) -> bool:
        """Say what a person wrote, from any thread; False when the caller is gone. Raises TimeoutError."""
        speech = speech_of(bubbles, language, self._gateway.assistant.domain)
        try:
            saying = asyncio.run_coroutine_threadsafe(self._unasked(speech), self._loop)
            return saying.result(seconds)
        except TimeoutError:
            if saying.cancel():
                raise
            return saying.result()
        except RuntimeError:
            return False

    async def _unasked(self, speech: Speech) -> bool:
        """Whether it was said; who hangs up after the last word has heard it."""
        if self._lines.get(self._caller.sender) is not self:
            return False
        if speech.sentences:
            self._saying.begins(speech.text)
        return await self._saying.say(speech)

    async def _read(self) -> None:
        bad = 0
        while bad < MOST_BAD:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or ""
            try:
                if len(text.encode()) > MOST_BYTES:
                    raise BadFrame(f"more than {MOST_BYTES} bytes")
                await self._handle(read_frame(text))
            except BadFrame as error:
                bad += 1
                await self._complain(f"Invalid message received: {error}")
            except ChengdaError as error:
                await self._complain(f"The call cannot be taken: {type(error).__name__}")
                break
        await self._socket.close(1008)

    async def _complain(self, problem: str) -> None:
        await self._saying.send({"type": "error", "description": problem})

    async def _handle(self, frame: dict[str, Any]) -> None:
        kind = text_in(frame, "type")
        if kind == "setup":
            await self._setup(frame)
        elif kind == "error":
            logger.warning("the telephone gateway reports an error")
        elif self._call is None:
            raise BadFrame("type: setup comes first")
        elif kind == "prompt":
            await self._prompt(self._call, frame)
        elif kind == "interrupt":
            await self._interrupt(text_in(frame, "utteranceUntilInterrupt"))
        elif kind == "dtmf":
            await self._dtmf(text_in(frame, "digit"))
        else:
            raise BadFrame("type: setup, prompt, interrupt, dtmf or error")

    async def _setup(self, frame: dict[str, Any]) -> None:
        call_id, session = text_in(frame, "callSid"), text_in(frame, "sessionId")
        if not call_id or len(call_id) > 100 or self._call is not None:
            raise BadFrame("callSid: missing, too long or told twice")
        told = object_in(frame, "customParameters") if frame.get("customParameters") else {}
        language = language_of(text_in(told, "lang")) or self._voice.language
        sender, number = sender_of(self._voice.channel, call_id), number_of(text_in(frame, "from"))
        self._caller, self._session = Caller(self._gateway, self._voice.channel, sender, number), session[:60]
        owner = f"voice:{self._voice.channel}"
        now = self._board.now()
        record = CallRecord(call_id, owner, str(Schema.RELAY), now, agent=str(Speaker.BOT), language=language)
        self._call = await self._board.open(record)
        self._call.writer = self._socket
        self._saying.open(self._call, self._session, language)
        await self._board.in_thread(lambda: self._caller.came(language))
        self._lines[sender] = self
        if greeting := self._voice.greeting.get(language):
            self._saying.begins(greeting)

    async def _prompt(self, call: LiveCall, frame: dict[str, Any]) -> None:
        segments = call.feed(Schema.RELAY, self._session or "0", Speaker.CALLER, None, frame)
        for segment in segments:
            if segment.final:
                self._saying.ended()
            call.take(segment)
            if segment.final and not segment.blank:
                await self._asked.put((segment.text, language_of(segment.language)))

    async def _interrupt(self, heard: str) -> None:
        """Have the conversation know no more of an answer than the caller heard of it."""
        kept = self._saying.cut_off(heard)
        message, text = kept if kept is not None else (None, "")
        if message is not None:
            said = message
            await self._board.in_thread(lambda: self._caller.heard(said, text))

    async def _dtmf(self, key: str) -> None:
        offered = await self._board.in_thread(self._caller.choices)
        self._keys, text = self._keys.press(key, any(str(place) == key for place in range(1, offered + 1)))
        if self._key_timer is not None:
            self._key_timer.cancel()
        if text is not None:
            self._saying.ended()
            await self._asked.put((text, None))
        elif self._keys.pressed:
            self._key_timer = asyncio.get_running_loop().call_later(KEY_SECONDS, self._keys_done)

    def _keys_done(self) -> None:
        text, self._keys = self._keys.pressed, Keys()
        if text and not self._asked.full():
            self._saying.ended()
            self._asked.put_nowait((text, None))

    async def _answer_all(self) -> None:
        while True:
            text, language = await self._asked.get()
            self._count += 1
            message = MessageId(f"{self._session}-{self._count}")
            try:
                spoken_in = language or self._saying.language
                answer = await asyncio.to_thread(self._caller.turn, text, message, spoken_in)
                await self._tell(answer, message)
            except (WebSocketDisconnect, RuntimeError):
                return
            except Exception:
                # One turn that fails must not leave the caller in silence.
                reference = secrets.token_hex(4)
                logger.exception("reference %s: a spoken turn failed", reference)
                domain = self._gateway.assistant.domain
                words = domain.text("utter_error", self._saying.language, reference=reference)
                await self._saying.say(speech_of([{"text": words}], self._saying.language, domain))

    async def _tell(self, answer: Answer, message: MessageId) -> None:
        turn = answer[-1]["custom"]["turn"]
        language, domain = turn["language"], self._gateway.assistant.domain
        speech = speech_of(answer, language, domain)
        waits = turn["outcome"] == HANDOFF and await self._board.in_thread(self._caller.waits)
        if waits and speech.sentences and not self._voice.dials:
            speech = speech_of([*answer, {"text": domain.text(self._caller.stays, language)}], language, domain)
        await self._saying.speak_in(language)
        if speech.sentences:
            self._saying.begins(speech.text, message)
            await self._saying.say(speech)
        if waits and self._voice.dials:
            await asyncio.sleep(self._voice.seconds(speech))
            self._ending = HANDED_OFF
            told = json.dumps(self._handoff(language), ensure_ascii=False)
            await self._saying.send({"type": "end", "handoffData": told})

    def _handoff(self, language: str) -> dict[str, Any]:
        """What the telephone system is told of the caller; no words of the call."""
        return {"reasonCode": "live-agent", "language": language, "sender": self._caller.sender}
