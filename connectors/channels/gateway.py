"""The one way in for messengers: a message is answered once, however often and at how many doors it arrives.

Retries join the turn under way. An answer that is ready in time goes back in the request; one that is late is kept and
sent by the postman, exactly once, also when this process dies in between.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from bot.answer import render
from bot.assistant import AndThen, Assistant
from bot.cases.units import units_of
from bot.channels.inbox import LEASE, Kept
from bot.channels.parcel import Kind
from bot.channels.plain import chosen
from bot.errors import UnknownWebSession
from bot.messages import MessageId, SenderId, UserMessage
from bot.store import Work
from bot.turn import Outcome, Turn
from connectors import metrics
from connectors.channels.channel import Arrival, Channel, arrival_from, sender_of
from connectors.channels.media import TOLD, as_said, language_of

logger = logging.getLogger("chengda")
THREADS = 8
# How many of them answer kept messages; the others are for doors that wait for an answer.
KEPT_THREADS = 5
MAX_KEY = 200
Answer = list[dict[str, Any]]


@dataclass
class _Pending:
    """A turn under way; `late` once its answer was promised to the postman, `elsewhere` when another promised it."""

    future: Future[Answer] = field(default_factory=Future)
    late: bool = False
    elsewhere: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Gateway:
    """Takes messages of all messengers of this process to the assistant."""

    def __init__(self, assistant: Callable[[], Assistant], wake: Callable[[], None] = lambda: None) -> None:
        """`wake` tells the postman that there is something to send."""
        self._assistant, self._wake = assistant, wake
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="chengda-turn")
        self._pending: dict[tuple[SenderId, str], _Pending] = {}
        self._lock = threading.Lock()
        self._answering = 0

    @property
    def assistant(self) -> Assistant:
        """The running assistant."""
        return self._assistant()

    def ask(self, channel: Channel, arrival: Arrival, seconds: float) -> Answer | None:
        """The answer within some seconds, None when it is late: then the postman brings it."""
        sender = sender_of(channel.name, arrival.user)
        key = (sender, arrival.message_id)
        with self._lock:
            pending = self._pending.get(key)
            if pending is None:
                pending = self._pending[key] = _Pending()
                pending.future = self._threads.submit(self._asked, channel, sender, arrival, pending)
                pending.future.add_done_callback(lambda _: self._pending.pop(key, None))
        try:
            answer = pending.future.result(0 if pending.late else seconds)
        except TimeoutError:
            return None if self._promise(channel, sender, arrival, pending) else pending.future.result()
        return None if pending.late or pending.elsewhere else answer

    def keep(self, work: Work, channel: Channel, arrival: Arrival) -> bool:
        """Keep a message in a transaction of the door; `answer_kept` answers it later. False when kept before."""
        sender = sender_of(channel.name, arrival.user)
        if work.answer_of(sender, MessageId(arrival.message_id)) is not None:
            return False
        fresh = work.inbox.keep(channel.name, sender, arrival.message_id, arrival.as_json(), arrival.at)
        if fresh:
            self._wrote(work, channel, sender, arrival)
        return fresh

    def keep_all(self, channel: Channel, arrivals: Sequence[Arrival]) -> int:
        """Keep messages and have them answered; gives how many are new."""
        if not arrivals:
            return 0
        with self.assistant.store.work() as work:
            fresh = sum(self.keep(work, channel, one) for one in arrivals)
        self._wake()
        return fresh

    def ring(self) -> None:
        """Something was kept in a transaction that is over now: have it answered."""
        self._wake()

    def answer_kept(self) -> int:
        """Answer messages that wait in the inbox, those of one citizen in their order; gives how many."""
        begun = self.begin_kept()
        for future in begun:
            future.result()
        return len(begun)

    def begin_kept(self) -> list[Future[None]]:
        """Begin to answer what waits, no more than leaves room for those who wait at the door."""
        store = self.assistant.store
        with self._lock:
            free = KEPT_THREADS - self._answering
        if free <= 0:
            return []
        with store.read() as work:
            if not work.inbox.waits(store.now()):
                return []
        with store.work() as work:
            claimed = work.inbox.claim(store.now(), free)
        with self._lock:
            self._answering += len(claimed)
        return [self._threads.submit(self._answer_one, kept) for kept in claimed]

    def close(self) -> None:
        """Finish what is under way."""
        self._threads.shutdown()

    def _promise(self, channel: Channel, sender: SenderId, arrival: Arrival, pending: _Pending) -> bool:
        """Leave a late answer to the postman, once; False when it came just now."""
        with pending.lock:
            if pending.late:
                return True
            store = self.assistant.store
            with store.work() as work:
                now = store.now()
                mine = work.inbox.keep(channel.name, sender, arrival.message_id, arrival.as_json(), now, now + LEASE)
            if not mine:
                # Another process promised it, or one that died: the inbox has it.
                pending.late = True
                return True
            if pending.future.done():
                with store.work() as work:
                    work.inbox.answered(sender, arrival.message_id)
                return False
            pending.late = True
        kept = (channel.name, sender, arrival)
        pending.future.add_done_callback(lambda done: self._post(*kept, done.result()))
        return True

    def _asked(self, channel: Channel, sender: SenderId, arrival: Arrival, pending: _Pending) -> Answer:
        """The turn of a push; notes when its answer goes another way, as for a message that comes once more, later."""

        def look(work: Work, answer: Answer) -> None:
            waits = work.inbox.has(sender, arrival.message_id)
            pending.elsewhere = waits or work.outbox.has(key_of("reply", sender, arrival.message_id))

        self._noticed(channel, sender, arrival)
        return self._turn(channel.name, sender, arrival, look)

    def _turn(self, channel: str, sender: SenderId, arrival: Arrival, and_then: AndThen | None = None) -> Answer:
        message = self._message(channel, sender, arrival)

        def noted(work: Work, answer: Answer) -> None:
            work.contacts.speaks(sender, answer[-1]["custom"]["turn"]["language"])
            if and_then is not None:
                and_then(work, answer)

        with metrics.turn_timer():
            answer = answered(self.assistant, message, noted)
        metrics.count_turn(answer)
        return answer

    def _message(self, channel: str, sender: SenderId, arrival: Arrival) -> UserMessage:
        with self.assistant.store.read() as work:
            named = chosen(work.last_answer(sender), arrival.text)
        text = arrival.text if named is None else named
        return UserMessage(sender, text, MessageId(arrival.message_id), arrival.language, channel)

    def _answer_one(self, kept: Kept) -> None:
        """Answer a kept message; one that fails stays and is tried again when its lease ends."""
        try:
            self._answer(kept)
        except Exception:
            logger.exception("reference %s: a kept message was not answered", secrets.token_hex(4))
        finally:
            with self._lock:
                self._answering -= 1
            self._wake()

    def _answer(self, kept: Kept) -> None:
        arrival = arrival_from(dict(kept.arrival))
        with self.assistant.store.read() as work:
            tracker = work.tracker(kept.sender)
        text = as_said(arrival, tracker, self.assistant.domain)
        if text is None:
            self._tell_unread(kept, arrival, language_of(arrival, tracker))
            return
        arrival = replace(arrival, text=text)
        stored = False

        def post(work: Work, answer: Answer) -> None:
            nonlocal stored
            self._written(work, kept.channel, kept.sender, arrival, answer)
            stored = True

        answer = self._turn(kept.channel, kept.sender, arrival, post)
        if not stored:
            # The turn failed and was rolled back: the apology goes out in its place.
            self._post(kept.channel, kept.sender, arrival, answer)

    def _tell_unread(self, kept: Kept, arrival: Arrival, language: str) -> None:
        """Say that nothing in a message can be read; that is no turn."""
        bubble = {"text": self.assistant.domain.text(TOLD[arrival.source], language)}
        key, now = key_of("reply", kept.sender, arrival.message_id), self.assistant.store.now()
        with self.assistant.store.work() as work:
            work.outbox.post(key, kept.sender, kept.channel, Kind.REPLY, language, [bubble], now)
            work.inbox.answered(kept.sender, arrival.message_id)
        self._wake()

    def _post(self, channel: str, sender: SenderId, arrival: Arrival, answer: Answer) -> None:
        with self.assistant.store.work() as work:
            self._written(work, channel, sender, arrival, answer)
        self._wake()

    def _written(self, work: Work, channel: str, sender: SenderId, arrival: Arrival, answer: Answer) -> None:
        """The answer into the outbox, the message out of the inbox, in one transaction."""
        language = answer[-1]["custom"]["turn"]["language"]
        key = key_of("reply", sender, arrival.message_id)
        work.outbox.post(key, sender, channel, Kind.REPLY, language, answer, self.assistant.store.now())
        work.inbox.answered(sender, arrival.message_id)

    def _noticed(self, channel: Channel, sender: SenderId, arrival: Arrival) -> None:
        with self.assistant.store.work() as work:
            if work.answer_of(sender, MessageId(arrival.message_id)) is None:
                self._wrote(work, channel, sender, arrival)

    def _wrote(self, work: Work, channel: Channel, sender: SenderId, arrival: Arrival) -> None:
        now = self.assistant.store.now()
        window = channel.window(arrival)
        work.contacts.wrote(sender, channel.name, arrival.language or "zh", now, window, channel.kind)
        work.outbox.release(sender, now)


def key_of(what: str, sender: SenderId, message_id: str) -> str:
    """A key in the outbox; of a long one the hash, as a cut one might be another's."""
    key = f"{what}:{sender}:{message_id}"
    return key if len(key) <= MAX_KEY else f"{what}:{hashlib.sha256(key.encode()).hexdigest()}"


def answered(assistant: Assistant, message: UserMessage, and_then: AndThen | None = None) -> Answer:
    """The answer; a failure becomes an apology with a reference, the transaction is rolled back.

    Raises UnknownWebSession where `and_then` finds the conversation ended.
    """
    try:
        stand_in = assistant.stand_in
        return stand_in(assistant, message, and_then) if stand_in else assistant.handle(message, and_then)
    except UnknownWebSession:
        # Ended meanwhile: nobody is left to hear an apology.
        raise
    except Exception:
        return apology(assistant, message)


def apology(assistant: Assistant, message: UserMessage) -> Answer:
    """The answer to a message whose turn failed, while its error is handled; told to the log under a reference."""
    reference = secrets.token_hex(4)
    logger.exception("reference %s: a turn failed", reference)
    language = message.language_hint or "zh"
    words = assistant.domain.say("utter_error", language, reference=reference)
    turn = Turn(Outcome.ERROR, language, (words,), "none", 0.0)
    return render(turn, message.sender, assistant.catalogue, units_of(assistant.analyst.city))
