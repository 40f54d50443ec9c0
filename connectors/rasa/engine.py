"""A running Rasa behind our doors: what a citizen says is asked there, and what it says becomes our turn.

No transaction waits for it. A message asked twice at one time is asked once; where the Rasa calls our actions, they
know the message by its id and do nothing twice. A Rasa that is away, slow or silent costs the citizen no message: a
person is called, and an action that comes after that does nothing.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import httpx
from anyio.to_thread import current_default_thread_limiter

from bot.assistant import AndThen, Assistant
from bot.elsewhere import Said, alone, read_said, run_of
from bot.errors import EngineAway, SettingsError
from bot.messages import MessageId, SenderId, UserMessage, behind
from bot.settings import Settings
from bot.store import Work
from connectors.rasa.seal import Seal

REST = "/webhooks/rest/webhook"
# Of the threads of this process as many wait for the Rasa at most; the others answer what it asks us meanwhile.
WAITING, THREADS = 80, 160
MOST_BYTES = 1024 * 1024
logger = logging.getLogger("chengda")


class RasaEngine:
    """Asks a Rasa over its REST channel; `handle` stands in for the assistant's own."""

    def __init__(self, url: str, token: str, seconds: float, seal: Seal) -> None:
        self._seal, self._seconds = seal, seconds
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            timeout=seconds,
            params={"token": token} if token else None,
            limits=httpx.Limits(max_connections=WAITING, max_keepalive_connections=WAITING),
        )
        self._room = threading.BoundedSemaphore(WAITING)
        self._asked: dict[tuple[SenderId, MessageId], Future[Said]] = {}
        self._lock = threading.Lock()

    def handle(
        self, assistant: Assistant, message: UserMessage, and_then: AndThen | None = None
    ) -> list[dict[str, Any]]:
        """Answer a message as `Assistant.handle` does, by what the Rasa says."""
        if alone(assistant, message):
            return assistant.handle(message, and_then)
        asked = replace(message, message_id=message.message_id or MessageId(uuid.uuid4().hex))
        said = self._joined(asked)

        def acted(work: Work) -> Sequence[dict[str, Any]] | None:
            conversation = behind(message.sender)
            work.hold(conversation)
            return work.answer_of(conversation, asked.message_id)

        return assistant.handle(asked, and_then, run_of(said, acted, assistant.run))

    def close(self) -> None:
        """End connections."""
        self._http.close()

    def _joined(self, message: UserMessage) -> Said:
        """What the Rasa says to a message; who asks the same meanwhile waits for the same answer."""
        key = (message.sender, message.message_id or MessageId(""))
        with self._lock:
            pending = self._asked.get(key)
            mine = pending is None
            if pending is None:
                pending = self._asked[key] = Future()
        if not mine:
            return pending.result()
        said = Said()
        try:
            said = self._said(message)
        except EngineAway as away:
            logger.error("the Rasa behind our doors gave no answer: %s", away)
        finally:
            with self._lock:
                self._asked.pop(key, None)
            pending.set_result(said)
        return said

    def _said(self, message: UserMessage) -> Said:
        """Ask the Rasa; raises EngineAway."""
        if not self._room.acquire(timeout=self._seconds):
            raise EngineAway("too many messages wait for it")
        try:
            answer = self._http.post(REST, json=self._body(message))
        except httpx.HTTPError as gone:
            raise EngineAway(type(gone).__name__) from gone
        finally:
            self._room.release()
        if answer.status_code != 200:
            raise EngineAway(f"status {answer.status_code}")
        try:
            items = answer.json() if len(answer.content) <= MOST_BYTES else None
        except ValueError:
            items = None
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise EngineAway("its answer is no list of messages")
        said = read_said(items)
        if not said.bubbles and said.turn is None:
            raise EngineAway("it said nothing")
        return said

    def _body(self, message: UserMessage) -> dict[str, Any]:
        metadata = {"message_id": message.message_id, "language": message.language_hint}
        return {
            "sender": self._seal.put(message.sender),
            "message": message.text,
            "metadata": {name: value for name, value in metadata.items() if value},
        }


def engine_of(settings: Settings, seal: Seal) -> RasaEngine | None:
    """The Rasa of the settings, None where our own engine answers; raises SettingsError. Run in the event loop."""
    if settings.engine != "rasa":
        return None
    if not settings.rasa_url.startswith(("http://", "https://")):
        raise SettingsError(
            "CHENGDA_ENGINE=rasa needs CHENGDA_RASA_URL, such as http://127.0.0.1:5005 需要填写 Rasa 的地址"
        )
    limiter = current_default_thread_limiter()
    limiter.total_tokens = max(limiter.total_tokens, THREADS)
    return RasaEngine(settings.rasa_url, settings.rasa_auth_token.get_secret_value(), settings.rasa_seconds, seal)
