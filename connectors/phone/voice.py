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

from bot.channels.plain import chosen
from bot.errors import BadFrame, ChengdaError
from bot.messages import MessageId, SenderId, UserMessage
from bot.phone.calls import CallRecord
from bot.phone.heard import note_heard
from bot.phone.segment import Speaker, language_of
from bot.phone.speech import Speech, speech_of
from connectors import metrics
from connectors.channels.channel import sender_of
from connectors.channels.gateway import Gateway, answered
from connectors.phone.adapters import MOST_BYTES, Schema, read_frame
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
Answer = list[dict[str, Any]]


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
        self._sender, self._session = SenderId(""), ""
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
                self._lines.pop(self._sender, None)
                await self._board.in_thread(lambda: self._reached(False))
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
        if self._lines.get(self._sender) is not self:
            return False
        if speech.sentences:
            self._saying.begins(speech.text)
        return await self._saying.say(speech)

    def _reached(self, reachable: bool) -> None:
        """Note that something can be said to the caller, or no more."""
        assistant = self._gateway.assistant
        with assistant.store.work() as work:
            if reachable:
                work.contacts.wrote(self._sender, self._voice.channel, self._saying.language, assistant.clock(), None)
            else:
                work.contacts.reach(self._sender, False)

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
        self._sender, self._session = sender_of(self._voice.channel, call_id), session[:60]
        owner = f"voice:{self._voice.channel}"
        now = self._board.now()
        record = CallRecord(call_id, owner, str(Schema.RELAY), now, agent=str(Speaker.BOT), language=language)
        self._call = await self._board.open(record)
        self._call.writer = self._socket
        self._saying.open(self._call, self._session, language)
        await self._board.in_thread(lambda: self._reached(True))
        self._lines[self._sender] = self
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
        if kept is None:
            return
        sender, (message, text) = self._sender, kept
        if message is not None:

            def note() -> None:
                with self._gateway.assistant.store.work() as work:
                    note_heard(work, sender, message, text)

            await self._board.in_thread(note)

    async def _dtmf(self, key: str) -> None:
        offered = await self._board.in_thread(self._choices)
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

    def _choices(self) -> int:
        """How many choices the last answer has."""
        with self._gateway.assistant.store.read() as work:
            last = work.last_answer(self._sender) or []
        return sum(len(bubble.get("buttons", ())) for bubble in last)

    async def _answer_all(self) -> None:
        while True:
            text, language = await self._asked.get()
            self._count += 1
            message = MessageId(f"{self._session}-{self._count}")
            try:
                answer = await asyncio.to_thread(self._turn, text, message, language)
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

    def _turn(self, text: str, message: MessageId, language: str | None) -> Answer:
        assistant = self._gateway.assistant
        with assistant.store.read() as work:
            named = chosen(work.last_answer(self._sender), text)
        text, language = text if named is None else named, language or self._saying.language
        asked = UserMessage(self._sender, text, message, language, self._voice.channel)
        with metrics.turn_timer():
            answer = answered(assistant, asked)
        metrics.count_turn(answer)
        return answer

    async def _tell(self, answer: Answer, message: MessageId) -> None:
        turn = answer[-1]["custom"]["turn"]
        language = turn["language"]
        speech = speech_of(answer, language, self._gateway.assistant.domain)
        await self._saying.speak_in(language)
        if speech.sentences:
            self._saying.begins(speech.text, message)
            await self._saying.say(speech)
        if turn["outcome"] == HANDOFF and await self._board.in_thread(self._handed_on):
            await asyncio.sleep(self._voice.seconds(speech))
            self._ending = HANDED_OFF
            told = json.dumps(self._handoff(language), ensure_ascii=False)
            await self._saying.send({"type": "end", "handoffData": told})

    def _handed_on(self) -> bool:
        """Whether a person takes over now: asked for, and the desk is open; else the caller is called back."""
        assistant = self._gateway.assistant
        with assistant.store.read() as work:
            waits = work.talks.open_of(self._sender) is not None
        return waits and assistant.hours.opens_after(assistant.clock()) is None

    def _handoff(self, language: str) -> dict[str, Any]:
        """What the telephone system is told of the caller; no words of the call."""
        return {"reasonCode": "live-agent", "language": language, "sender": self._sender}
