"""Sessions of the web chat: who holds the secret of one holds its conversation; only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from bot.channels.tables import contacts, inbox, outbox, web_sessions
from bot.database import insert_into
from bot.errors import UnknownWebSession
from bot.messages import SenderId, behind
from bot.moments import in_utc
from bot.tables import conversations, handoffs, turns

CHANNEL = "web"
PREFIX = f"{CHANNEL}:"
SECRET_BYTES = 32
# A session ends after this silence; whoever comes back later begins anew.
SILENCE = timedelta(days=30)
# That a session or a citizen was heard of is written no more often.
NOTED_EVERY = timedelta(hours=1)
TICKET_LIFE = timedelta(seconds=30)


@dataclass(frozen=True)
class WebSession:
    """One conversation of the web chat."""

    id: str
    language: str
    created_at: datetime
    expires_at: datetime

    @property
    def sender(self) -> SenderId:
        """The sender of its turns."""
        return SenderId(f"{PREFIX}{self.id}")


class WebSessions:
    """Sessions inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, language: str, now: datetime) -> tuple[WebSession, str]:
        """A new session and its secret, which is never told again."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        made = self._row(secrets.token_hex(16), secret, language, now)
        self._connection.execute(insert(web_sessions).values(**made))
        return _session(made), secret

    def adopt(self, secret: str, language: str, now: datetime) -> WebSession:
        """The session of a secret that a foreign widget made or was given; made when there is none."""
        name = hashlib.sha256(f"adopted {secret}".encode()).hexdigest()[:32]
        made = self._row(name, secret, language, now)
        self._connection.execute(insert_into(self._connection, web_sessions).values(**made).on_conflict_do_nothing())
        row = self._connection.execute(
            select(web_sessions).where(web_sessions.c.token_hash == made["token_hash"])
        ).one_or_none()
        if row is None or in_utc(row.expires_at) <= now:
            self._connection.execute(delete(web_sessions).where(web_sessions.c.token_hash == made["token_hash"]))
            self._connection.execute(insert(web_sessions).values(**made))
            return _session(made)
        return _told(row)

    def of_secret(self, secret: str, now: datetime, name: str | None = None) -> WebSession:
        """The session of a secret, of this name where one is told; raises UnknownWebSession."""
        query = select(web_sessions).where(web_sessions.c.token_hash == _hash(secret))
        row = self._connection.execute(query).one_or_none()
        if row is None or (name is not None and name != row.id) or in_utc(row.expires_at) <= now:
            raise UnknownWebSession(name or "")
        return _told(row)

    def still(self, session: WebSession, now: datetime) -> datetime:
        """Until when a session lives; raises UnknownWebSession once it was ended or went silent."""
        query = select(web_sessions.c.expires_at).where(web_sessions.c.id == session.id)
        until = self._connection.execute(query).scalar()
        if until is None or in_utc(until) <= now:
            raise UnknownWebSession(session.id)
        return in_utc(until)

    def lives(self, sender: SenderId, now: datetime) -> bool:
        """Whether the conversation of a sender is one that can still be opened."""
        query = select(web_sessions.c.expires_at).where(web_sessions.c.id == sender.removeprefix(PREFIX))
        until = self._connection.execute(query).scalar()
        return sender.startswith(PREFIX) and until is not None and in_utc(until) > now

    def used(self, session: WebSession, now: datetime) -> None:
        """Something was said: the session lives on."""
        self._set(session, expires_at=(now + SILENCE).astimezone(UTC))

    def ticket(self, session: WebSession, now: datetime) -> str:
        """A ticket for one socket, good once and for 30 seconds; an older one is void."""
        made = secrets.token_urlsafe(SECRET_BYTES)
        self._set(session, ticket_hash=_hash(made), ticket_until=(now + TICKET_LIFE).astimezone(UTC))
        return made

    def redeem(self, name: str, ticket: str, now: datetime) -> WebSession:
        """The session of a ticket, which is void from now on; raises UnknownWebSession."""
        moment = now.astimezone(UTC)
        good = (web_sessions.c.id == name) & (web_sessions.c.ticket_hash == _hash(ticket))
        alive = (web_sessions.c.ticket_until > moment) & (web_sessions.c.expires_at > moment)
        spent = self._connection.execute(update(web_sessions).where(good, alive).values(ticket_hash=None))
        if spent.rowcount == 0:
            raise UnknownWebSession(name)
        return _told(self._connection.execute(select(web_sessions).where(web_sessions.c.id == name)).one())

    def erase(self, session: WebSession, now: datetime) -> None:
        """Forget a conversation and all that is kept of who held it; cases that were filed stay."""
        sender = session.sender
        for table in (turns, conversations, contacts, inbox, outbox):
            self._connection.execute(delete(table).where(table.c.sender.in_((sender, behind(sender)))))
        waiting = handoffs.c.closed_at.is_(None) & (handoffs.c.sender == sender)
        self._connection.execute(update(handoffs).where(waiting).values(closed_at=now.astimezone(UTC)))
        self._connection.execute(delete(web_sessions).where(web_sessions.c.id == session.id))

    def sweep(self, now: datetime) -> int:
        """Forget secrets of sessions that ended; gives how many."""
        ended = web_sessions.c.expires_at <= now.astimezone(UTC)
        return self._connection.execute(delete(web_sessions).where(ended)).rowcount

    def _row(self, name: str, secret: str, language: str, now: datetime) -> dict[str, Any]:
        moment = now.astimezone(UTC)
        return {
            "id": name,
            "token_hash": _hash(secret),
            "language": language,
            "created_at": moment,
            "expires_at": moment + SILENCE,
        }

    def _set(self, session: WebSession, **values: Any) -> None:
        self._connection.execute(update(web_sessions).where(web_sessions.c.id == session.id).values(**values))


def _hash(secret: str) -> str:
    """A plain hash: secrets are random and long, so no slow one is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _session(row: dict[str, Any]) -> WebSession:
    return WebSession(row["id"], row["language"], row["created_at"], row["expires_at"])


def _told(row: Row[Any]) -> WebSession:
    return WebSession(row.id, row.language, in_utc(row.created_at), in_utc(row.expires_at))
