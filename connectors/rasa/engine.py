"""A running Rasa behind our doors: what a citizen says is asked there, and what it says becomes our turn.

No transaction waits for it. A message asked twice at one time is asked once; where the Rasa calls our actions, they
know the message by its id and do nothing twice. A Rasa that is away, slow or silent costs the citizen no message: a
person is called, and an action that comes after that does nothing.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from anyio.to_thread import current_default_thread_limiter

from bot.assistant import AndThen, Assistant
from bot.elsewhere import alone, run_of
from bot.errors import EngineAway, SettingsError
from bot.messages import MessageId, SenderId, UserMessage, behind
from bot.said import Said, read_said
from bot.settings import Settings
from bot.store import Work
from bot.turn import Outcome
from connectors import metrics
from connectors.limits import is_loopback
from connectors.rasa.rest_client import MARGIN, RestClient
from connectors.rasa.seal import PASS, Seal

# Of the threads of this process as many wait for the Rasa at most; the others answer what it asks us meanwhile.
WAITING, THREADS = 80, 160
logger = logging.getLogger("chengda")


class RasaEngine:
    """Asks a Rasa over its REST channel; `handle` stands in for the assistant's own."""

    def __init__(self, client: RestClient, seal: Seal) -> None:
        self.client = client
        self._seal = seal
        self._room = threading.BoundedSemaphore(WAITING)
        self._asked: dict[tuple[SenderId, MessageId], Future[Said]] = {}
        self._lock = threading.Lock()

    def handle(
        self, assistant: Assistant, message: UserMessage, and_then: AndThen | None = None
    ) -> list[dict[str, Any]]:
        """Answer a message as `Assistant.handle` does, by what the Rasa says.

        Raises EngineAway for a message that is asked already where no more may wait: its answer is still to come.
        """
        if alone(assistant, message):
            return assistant.handle(message, and_then)
        asked = replace(message, message_id=message.message_id or MessageId(uuid.uuid4().hex))

        def acted(work: Work) -> Sequence[dict[str, Any]] | None:
            conversation = behind(message.sender)
            work.hold(conversation)
            return work.answer_of(conversation, asked.message_id)

        with self._answer(asked) as said:
            return assistant.handle(asked, and_then, run_of(said, acted, assistant.run))

    def close(self) -> None:
        """End connections."""
        self.client.close()

    @contextmanager
    def _answer(self, message: UserMessage) -> Iterator[Said]:
        """What the Rasa says to a message; who asks the same before the turn is stored shares the answer."""
        key = (message.sender, message.message_id or MessageId(""))
        with self._lock:
            pending = self._asked.get(key)
            mine = pending is None
            if pending is None:
                pending = self._asked[key] = Future()
        if not mine:
            yield self._joined(pending)
            return
        said = Said()
        try:
            try:
                said = self._said(message)
            except EngineAway as away:
                logger.error("the Rasa behind our doors gave no answer: %s", away)
            finally:
                pending.set_result(said)
            yield said
        finally:
            with self._lock:
                self._asked.pop(key, None)

    def _joined(self, pending: Future[Said]) -> Said:
        with self._waiting():
            try:
                return pending.result(self.client.seconds + 2 * MARGIN)
            except TimeoutError:
                raise EngineAway("the answer to the same message is late") from None

    def _said(self, message: UserMessage) -> Said:
        """Ask the Rasa; raises EngineAway."""
        with self._waiting():
            items = self.client.ask(self._body(message))
        said = read_said(items)
        if said.turn is not None and said.turn["outcome"] == Outcome.ERROR:
            raise EngineAway("an action of ours failed")
        if not said.bubbles and said.turn is None:
            raise EngineAway("it said nothing")
        return said

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """A place among those who wait; raises EngineAway at once where none is free."""
        if not self._room.acquire(blocking=False):
            metrics.count_asked("full")
            raise EngineAway("too many messages wait for it")
        try:
            yield
        finally:
            self._room.release()

    def _body(self, message: UserMessage) -> dict[str, Any]:
        message_id = message.message_id or MessageId("")
        passed = self._seal.put(message.sender, message_id)
        metadata = {"message_id": message_id, "language": message.language_hint, PASS: passed}
        return {
            "sender": self._seal.name_of(message.sender),
            "message": message.text.encode("utf-8", "replace").decode(),
            "metadata": {name: value for name, value in metadata.items() if value},
        }


def engine_of(settings: Settings, seal: Seal) -> RasaEngine | None:
    """The Rasa of the settings, None where our own engine answers; raises SettingsError. Run in the event loop."""
    if settings.engine != "rasa":
        return None
    token = settings.rasa_auth_token.get_secret_value()
    client = RestClient(settings.rasa_url, token, settings.rasa_seconds, WAITING)
    if not is_loopback(client.host) and not settings.rasa_token.get_secret_value():
        client.close()
        raise SettingsError(
            "CHENGDA_RASA_URL is on another machine: its calls of our actions need CHENGDA_RASA_TOKEN "
            "Rasa 在另一台机器上，需要设置 CHENGDA_RASA_TOKEN"
        )
    limiter = current_default_thread_limiter()
    limiter.total_tokens = max(limiter.total_tokens, THREADS)
    return RasaEngine(client, seal)
