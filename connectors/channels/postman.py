"""The postman: answers what was kept, sends what is to be sent, and never says sent of what was not."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from bot.cases.telling import Telling
from bot.channels.contacts import Contact
from bot.channels.parcel import Kind, Parcel, State
from bot.messages import SenderId
from bot.store import Store, Work
from connectors import metrics
from connectors.channels.channel import Channel, Push, Pushed
from connectors.channels.gateway import Gateway

logger = logging.getLogger("chengda")
# How many messages of one channel are sent at once.
THREADS = 4
# A notice may go another way only after these: whatever else happened, it may have arrived or still will.
NOT_TAKEN = frozenset({Push.CLOSED, Push.REFUSED, Push.BROKEN})
# How often the boxes are looked into without being told: for what another process wrote, and for leases that ended.
IDLE_SECONDS = 1.0


class Postman:
    """A thread that empties inbox and outbox of a store while a server runs."""

    def __init__(self, store: Callable[[], Store], channels: Sequence[Channel], seconds: float = IDLE_SECONDS) -> None:
        self._store, self._seconds = store, seconds
        self.channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self.gateway: Gateway | None = None
        self.telling: Callable[[str], Telling] = self._told_by_assistant
        self._threads = ThreadPoolExecutor(THREADS * max(1, len(channels)), thread_name_prefix="chengda-post")
        self._busy, self._lock = Counter(dict.fromkeys(self.channels, 0)), threading.Lock()
        self._bell, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._walk, name="chengda-postman", daemon=True)

    def start(self) -> None:
        """Begin, where there is any channel; what waits at channels that are not served any more goes elsewhere."""
        if self.channels:
            with self._store().work() as work:
                work.mailing.unserved()
            self._thread.start()

    def ring(self) -> None:
        """There is something to do."""
        self._bell.set()

    def stop(self) -> None:
        """Send no more; what is under way is finished."""
        self._ended.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()
        self._threads.shutdown()

    def round(self) -> int:
        """Answer and send what is due now, and wait for it; gives how much was done."""
        answered = self.gateway.answer_kept() if self.gateway else 0
        begun = self._begin()
        for future in begun:
            future.result()
        return answered + len(begun)

    def _begin(self) -> list[Future[None]]:
        """Begin to send what is due, some of each channel: one that hangs holds up no other."""
        with self._lock:
            free = {name: THREADS - busy for name, busy in self._busy.items() if busy < THREADS}
        if not free:
            return []
        store = self._store()
        with store.read() as work:
            if not work.outbox.due(free, store.now()):
                return []
        with store.work() as work:
            parcels = [one for name, most in free.items() for one in work.outbox.claim([name], store.now(), most)]
        with self._lock:
            self._busy.update(parcel.channel for parcel in parcels)
        return [self._threads.submit(self._deliver_one, parcel) for parcel in parcels]

    def _walk(self) -> None:
        while not self._ended.is_set():
            self._bell.clear()
            try:
                done = len(self.gateway.begin_kept() if self.gateway else ()) + len(self._begin())
            except Exception as error:
                done = 0
                logger.error("reference %s: the postman failed", secrets.token_hex(4), exc_info=error)
            if not done:
                self._bell.wait(self._seconds)

    def _deliver_one(self, parcel: Parcel) -> None:
        """Deliver; what fails here is tried again when its lease ends."""
        try:
            self._deliver(parcel)
        except Exception:
            logger.exception("reference %s: a message was not delivered", secrets.token_hex(4))
        finally:
            with self._lock:
                self._busy[parcel.channel] -= 1
            self._bell.set()

    def _deliver(self, parcel: Parcel) -> None:
        store = self._store()
        with store.work() as work:
            contact = work.contacts.of(parcel.sender)
            letter = parcel if contact is None else self._letter(work, parcel, contact)
            if letter is None:
                _count(parcel, self._unsent(work, parcel, store.now()))
                return
            gone = contact is None or not contact.reachable
            once = parcel.kind is Kind.NOTICE and (gone or contact is None or not self._keyed(parcel, contact))
            if parcel.kind is Kind.NOTICE:
                work.outbox.begin(parcel, store.now())
        if once and parcel.begun:
            pushed = Pushed(Push.UNKNOWN, "it may have arrived before")
        elif contact is None or gone:
            pushed = Pushed(Push.REFUSED, "not reachable")
        else:
            pushed = self._pushed(letter, contact)
        doubtful = parcel.kind is Kind.NOTICE and (parcel.begun or pushed.outcome is Push.UNKNOWN)
        if pushed.outcome is Push.UNKNOWN and not once:
            # An answer is waited for: rather twice than not at all. With a key it is shown once anyway.
            pushed = replace(pushed, outcome=Push.LATER)
        if pushed.outcome is not Push.SENT:
            # Neither text nor receiver: a log is no place for personal data.
            logger.warning("message %s by %s: %s %s", parcel.id, parcel.channel, pushed.outcome, pushed.reason)
        with store.work() as work:
            state = self._settled(work, parcel, pushed, store.now(), doubtful)
        _count(parcel, state)

    def _unsent(self, work: Work, parcel: Parcel, now: datetime) -> State | None:
        """What becomes of a notice that is not to be sent: overtaken, told in the chat, or not wanted here any more."""
        if parcel.begun:
            return work.outbox.settle(parcel, State.UNKNOWN, now)
        strayed = work.mailing.strayed(parcel)
        moved = work.mailing.passed_on(parcel, False, "not chosen any more") if strayed else None
        return moved or work.outbox.settle(parcel, State.DROPPED, now)

    def _settled(self, work: Work, parcel: Parcel, pushed: Pushed, now: datetime, doubtful: bool) -> State | None:
        """What became of it; None where somebody else decided of it meanwhile. `doubtful` where it may have arrived."""
        if parcel.kind is Kind.NOTICE and pushed.outcome in NOT_TAKEN and not doubtful:
            elsewhere = self._elsewhere(work, parcel, pushed)
            if elsewhere is not None:
                return elsewhere
        match pushed.outcome:
            case Push.SENT:
                late = self._failed_already(work, parcel, pushed.external_id)
                if not work.outbox.sent(parcel, now, pushed.external_id):
                    return None
                if late is not None and pushed.external_id is not None:
                    work.mailing.failed_outside(parcel.channel, pushed.external_id, late)
                    return State.FAILED
                if parcel.kind is Kind.NOTICE:
                    work.mailing.sent(parcel)
                return State.SENT
            case Push.LATER:
                return work.outbox.again(parcel, now, pushed.reason, pushed.wait, doubtful)
            case Push.CLOSED:
                work.contacts.close_window(parcel.sender)
                return work.outbox.settle(parcel, State.HELD, now, pushed.reason, doubtful)
            case Push.REFUSED:
                work.contacts.reach(parcel.sender, False)
                return work.outbox.settle(parcel, State.REFUSED, now, pushed.reason)
            case Push.BROKEN:
                return work.outbox.settle(parcel, State.FAILED, now, pushed.reason)
            case Push.UNKNOWN:
                return work.outbox.settle(parcel, State.UNKNOWN, now, pushed.reason)

    def _keyed(self, parcel: Parcel, contact: Contact) -> bool:
        return self.channels[parcel.channel].keyed(parcel, contact)

    def _failed_already(self, work: Work, parcel: Parcel, external_id: str | None) -> str | None:
        """Why a message failed whose failure came before this was written down; the door holds the same lock."""
        if external_id is None:
            return None
        hold_outcome(work, parcel.channel, external_id)
        return work.seen.of(parcel.channel, failure_key(external_id))

    def _elsewhere(self, work: Work, parcel: Parcel, pushed: Pushed) -> State | None:
        """A notice that was surely not taken goes on to the citizen's next place; None where there is none."""
        closed = pushed.outcome is Push.CLOSED
        state = work.mailing.passed_on(parcel, closed, pushed.reason)
        if state is not None and closed:
            work.contacts.close_window(parcel.sender)
        elif state is not None and pushed.outcome is Push.REFUSED:
            work.contacts.reach(parcel.sender, False)
        return state

    def _letter(self, work: Work, parcel: Parcel, contact: Contact) -> Parcel | None:
        """What is sent: a notice is worded now, in the language wished; None for one that is not to be sent here."""
        if parcel.kind is not Kind.NOTICE:
            return parcel
        if work.mailing.strayed(parcel):
            return None
        telling = self.telling(work.mailing.language(parcel, contact))
        text = work.mailing.worded(parcel, contact, telling)
        return None if text is None else replace(parcel, language=telling.language, bubbles=[{"text": text}])

    def _told_by_assistant(self, language: str) -> Telling:
        assert self.gateway is not None
        ours = self.gateway.assistant
        return Telling(ours.domain, ours.catalogue, ours.analyst.city, language)

    def _pushed(self, parcel: Parcel, contact: Contact) -> Pushed:
        def progress(pieces: int) -> None:
            store = self._store()
            with store.work() as work:
                work.outbox.progressed(parcel, pieces, store.now())

        try:
            return self.channels[parcel.channel].push(parcel, contact, progress)
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("reference %s: a channel failed", reference)
            # Nobody knows how far it came.
            return Pushed(Push.UNKNOWN, f"reference {reference}", wait=timedelta(minutes=1))


def _count(parcel: Parcel, state: State | None) -> None:
    if state is not None:
        metrics.count_message(parcel.channel, parcel.kind, state)


def hold_outcome(work: Work, channel: str, external_id: str) -> None:
    """Let what is written of one message's fate come one after the other, in all processes."""
    work.hold(SenderId(f"fate:{channel}:{external_id}"))


def failure_key(external_id: str) -> str:
    """The key of a failure that is told before its sending."""
    return f"failed:{external_id}"
