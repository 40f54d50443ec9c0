"""What the assistant says into a call: sentence by sentence to the gateway, as far as heard to the transcript."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from bot.messages import MessageId
from bot.phone.segment import Segment, Speaker
from bot.phone.speech import Speech
from bot.phone.transcript import heard_of
from connectors.phone.live import LiveCall

logger = logging.getLogger("chengda")


@dataclass(frozen=True)
class Voice:
    """How the assistant speaks: the tag of each language, and characters a second for waiting until all is said.

    `dials` is whether the gateway then calls a person; else the caller waits on the line for the desk.
    """

    channel: str
    language: str
    tags: dict[str, str]
    pace: dict[str, float]
    greeting: dict[str, str]
    dials: bool = False

    def seconds(self, speech: Speech) -> float:
        """How long a speech takes; 0 where nobody waits for it."""
        pace = self.pace.get(speech.language, 0.0)
        return len(speech.text) / pace if pace > 0 else 0.0


@dataclass(frozen=True)
class _Line:
    """What the assistant is saying now."""

    segment: Segment
    message: MessageId | None


class Saying:
    """The assistant's side of one connection, which is one call."""

    def __init__(self, socket: WebSocket, voice: Voice) -> None:
        self._socket, self._voice = socket, voice
        self.language = voice.language
        self._call: LiveCall | None = None
        self._session, self._count = "", 0
        self._line: _Line | None = None

    def open(self, call: LiveCall, session: str, language: str) -> None:
        """The call has begun; what is said from now on stands in its transcript."""
        self._call, self._session, self.language = call, session, language

    async def send(self, frame: dict[str, Any]) -> bool:
        """One frame to the gateway; False when the caller is gone."""
        try:
            await self._socket.send_json(frame)
        except (RuntimeError, WebSocketDisconnect):
            logger.info("a caller hung up while the answer was on its way")
            return False
        return True

    async def speak_in(self, language: str) -> None:
        """Speak and listen in a language from now on."""
        if language != self.language:
            self.language, tag = language, self._voice.tags[language]
            await self.send({"type": "language", "ttsLanguage": tag, "transcriptionLanguage": tag})

    async def say(self, speech: Speech) -> bool:
        """Whether all of it went out."""
        last = len(speech.sentences) - 1
        gap = "" if speech.language == "zh" else " "
        for place, sentence in enumerate(speech.sentences):
            token = sentence if place == last else sentence + gap
            sent = await self.send(
                {
                    "type": "text", "token": token, "last": place == last, "lang": self._voice.tags[speech.language],
                    "interruptible": True, "preemptible": False,
                }
            )  # fmt: skip
            if not sent:
                return False
        return True

    def begins(self, text: str, message: MessageId | None = None) -> None:
        """Something is being said from now on, as the answer to a message or of our own accord."""
        self.ended()
        assert self._call is not None
        segment = Segment(self._call.id, f"bot-{self._session}-{self._count}", 0, Speaker.BOT, text, False)
        self._count += 1
        self._line = _Line(segment, message)
        self._take(segment, text, final=False)

    def ended(self) -> None:
        """What was being said was heard to its end."""
        line, self._line = self._line, None
        if line is not None:
            self._take(line.segment, line.segment.text, final=True)

    def cut_off(self, heard: str) -> tuple[MessageId | None, str] | None:
        """Keep no more of what was being said than the caller heard; gives that, and what it was the answer to."""
        line, self._line = self._line, None
        if line is None:
            return None
        text = heard_of(line.segment.text, heard)
        self._take(line.segment, text, final=True)
        return line.message, text

    def _take(self, segment: Segment, text: str, final: bool) -> None:
        assert self._call is not None
        tag = self._voice.tags[self.language]
        self._call.take(Segment(segment.call, segment.id, segment.rev + final, Speaker.BOT, text, final, language=tag))
