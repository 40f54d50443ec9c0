"""Conversations in the database: one transaction a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from bot.cases.closing import Closing
from bot.cases.counter import Numbers, numbers_of
from bot.cases.evidence import EvidenceStore
from bot.cases.followers import Followers
from bot.cases.forwarding import ForwardingCases
from bot.cases.handover import Handovers
from bot.cases.keys import ApiKeys
from bot.cases.notices import Notices
from bot.cases.store import DatabaseCases
from bot.channels.contacts import Contacts
from bot.channels.cursors import Cursors
from bot.channels.inbox import Inbox
from bot.channels.notices import Mailing
from bot.channels.outbox import Outbox
from bot.channels.seen import Seen
from bot.channels.transcript import Transcript
from bot.channels.web_sessions import WebSessions
from bot.database import POSTGRESQL, Writers, make_durable, reading
from bot.desk.drafts import Drafts
from bot.desk.suggestions import SuggestionLog
from bot.desk.talks import Talks
from bot.handoffs import HandoffQueue
from bot.learning.queue import KEPT, LearningQueue, Limits, ToldTurn
from bot.messages import MessageId, SenderId
from bot.phone.calls import Calls
from bot.staff.accounts import Accounts
from bot.staff.audit import Audit
from bot.staff.sessions import Sessions
from bot.tables import conversations, turns
from bot.tracker import Event, Tracker, from_json

Clock = Callable[[], datetime]


class Work:
    """The stores of one transaction."""

    def __init__(
        self,
        connection: Connection,
        prefix: str,
        clock: Clock,
        limits: Limits,
        numbers: Numbers,
        forward_to: str | None = None,
        channels: frozenset[str] | None = None,
    ) -> None:
        own = (connection, prefix, clock, numbers)
        self.cases = ForwardingCases(*own, forward_to) if forward_to else DatabaseCases(*own)
        self.rulings = self.cases.rulings
        self.handovers = Handovers(connection)
        self.closing = Closing(connection, self.cases)
        self.followers = Followers(connection, self.cases)
        self.notices = Notices(connection, self.cases)
        self.evidence = EvidenceStore(connection)
        self.keys = ApiKeys(connection)
        self.connection = connection
        self.handoffs = HandoffQueue(connection)
        self.talks = Talks(connection)
        self.drafts = Drafts(connection)
        self.suggestions = SuggestionLog(connection)
        self.contacts = Contacts(connection)
        self.inbox = Inbox(connection)
        self.outbox = Outbox(connection)
        self.mailing = self.cases.hearer = Mailing(connection, self.cases, self.outbox, clock, channels)
        self.cursors = Cursors(connection)
        self.seen = Seen(connection)
        self.web = WebSessions(connection)
        self.transcript = Transcript(connection)
        self.calls = Calls(connection)
        self.learning = LearningQueue(connection, limits)
        self.accounts = Accounts(connection, clock)
        self.sessions = Sessions(connection, clock)
        self.audit = Audit(connection, clock)

        # What no power cut may take back once it is committed.
        self.durable = (
            self.cases, self.rulings, self.handoffs, self.talks, self.drafts, self.audit, self.inbox, self.outbox,
            self.calls, self.cursors,
        )  # fmt: skip

    def hold(self, sender: SenderId) -> None:
        """Let turns of one conversation come one after the other, in all processes; SQLite has one writer anyway."""
        if self.connection.dialect.name == POSTGRESQL:
            self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(sender, 0))))

    def tracker(self, sender: SenderId) -> Tracker:
        """The state of a conversation; a new one for an unknown sender."""
        query = select(conversations.c.state).where(conversations.c.sender == sender)
        state = self.connection.execute(query).scalar()
        return Tracker(sender) if state is None else from_json(state)

    def answer_of(self, sender: SenderId, message_id: MessageId | None) -> list[dict[str, Any]] | None:
        """The stored answer to a message handled before."""
        if message_id is None:
            return None
        query = select(turns.c.answer).where(turns.c.sender == sender, turns.c.message_id == message_id)
        answer: list[dict[str, Any]] | None = self.connection.execute(query).scalar()
        return answer

    def last_answer(self, sender: SenderId) -> list[dict[str, Any]] | None:
        """The newest stored answer of a conversation."""
        query = select(turns.c.answer).where(turns.c.sender == sender).order_by(turns.c.id.desc()).limit(1)
        answer: list[dict[str, Any]] | None = self.connection.execute(query).scalar()
        return answer

    def told(self, sender: SenderId, message_id: MessageId | None = None, before: int | None = None) -> ToldTurn | None:
        """A stored turn: that of a message, or the newest one (`before` another)."""
        query = select(turns.c.id, turns.c.events, turns.c.answer).where(turns.c.sender == sender)
        if message_id is not None:
            query = query.where(turns.c.message_id == message_id)
        if before is not None:
            query = query.where(turns.c.id < before)
        row = self.connection.execute(query.order_by(turns.c.id.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        text = next((event.get("text") or "" for event in row.events if event["event"] == "user"), "")
        return ToldTurn(row.id, text, row.answer)

    def events(self, sender: SenderId) -> list[Event]:
        """Every event of a conversation, oldest first."""
        query = select(turns.c.events).where(turns.c.sender == sender).order_by(turns.c.id)
        rows = self.connection.execute(query).scalars().all()
        return [Event(**event) for row in rows for event in row]

    def save(
        self,
        tracker: Tracker,
        message_id: MessageId | None,
        events: Sequence[Event],
        answer: list[dict[str, Any]],
        at: datetime,
    ) -> int:
        """Write a finished turn and the state after it; gives the turn's number."""
        moment = at.astimezone(UTC)
        known = self.connection.execute(
            update(conversations)
            .where(conversations.c.sender == tracker.sender)
            .values(state=tracker.as_json(), updated_at=moment)
        )
        if known.rowcount == 0:
            self.connection.execute(
                insert(conversations).values(sender=tracker.sender, state=tracker.as_json(), updated_at=moment)
            )
        made = self.connection.execute(
            insert(turns)
            .values(
                sender=tracker.sender,
                message_id=message_id,
                at=moment,
                events=[event.as_json() for event in events],
                answer=answer,
            )
            .returning(turns.c.id)
        )
        return int(made.scalar_one())


class Store:
    """The door to the database for turns."""

    def __init__(
        self, engine: Engine, prefix: str, clock: Clock, limits: Limits = KEPT, forward_to: str | None = None
    ) -> None:
        self.engine = engine
        self._forward_to = forward_to
        self._limits = limits
        self._prefix = prefix
        self._clock = clock
        self._numbers = numbers_of(engine)
        self._writers = Writers(engine)
        # The channels that a server serves, told once they are open; None elsewhere.
        self.channels: frozenset[str] | None = None

    @contextmanager
    def work(self) -> Iterator[Work]:
        """One transaction: committed at the end, rolled back by any error; what must not be lost is on disk."""
        with self._writers.one(), self.engine.begin() as connection:
            work = self._work(connection)
            yield work
        if any(part.changed for part in work.durable):
            make_durable(self.engine)

    @contextmanager
    def read(self) -> Iterator[Work]:
        """One transaction that only reads and waits for no writer; writing in it is refused."""
        with reading(self.engine) as connection:
            yield self._work(connection)

    def now(self) -> datetime:
        """The time in the city."""
        return self._clock()

    def ready(self) -> bool:
        """Whether the tables can be read."""
        with reading(self.engine) as connection:
            connection.execute(select(conversations.c.sender).limit(1))
        return True

    def _work(self, connection: Connection) -> Work:
        own = (connection, self._prefix, self._clock, self._limits, self._numbers)
        return Work(*own, self._forward_to, self.channels)
