"""Sessions of staff: a signed token that names a row in the database, so that it can be ended at once."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from sqlalchemy import Connection, delete, insert, select, update

from bot.errors import SessionEnded, SettingsError
from bot.moments import in_utc
from bot.staff.accounts import Account, Accounts, Clock
from bot.staff.tables import staff, staff_sessions

LASTS = timedelta(hours=8)
FORGOTTEN_AFTER = timedelta(days=30)
ALGORITHM, AUDIENCE = "HS256", "chengda-staff"
SECRET_FILE = "secret"
LEAST_SECRET = 32


@dataclass(frozen=True)
class Session:
    """An open session and the account as it stands now."""

    id: str
    account: Account
    expires_at: datetime


class Sessions:
    """The sessions inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def open(self, account: Account) -> Session:
        """A new session; long ended ones of the account are forgotten."""
        now = self._clock().astimezone(UTC)
        mine = staff_sessions.c.staff == account.id
        self._connection.execute(
            delete(staff_sessions).where(mine, staff_sessions.c.expires_at < now - FORGOTTEN_AFTER)
        )
        session = Session(secrets.token_urlsafe(24), account, now + LASTS)
        row = insert(staff_sessions).values(
            id=session.id, staff=account.id, created_at=now, expires_at=session.expires_at
        )
        self._connection.execute(row)
        return session

    def of(self, session_id: str) -> Session:
        """An open session; raises SessionEnded when it is unknown, over, revoked or its account closed."""
        query = (
            select(staff_sessions, staff.c.login)
            .join(staff, staff.c.id == staff_sessions.c.staff)
            .where(staff_sessions.c.id == session_id)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None or row.revoked_at is not None or in_utc(row.expires_at) <= self._clock():
            raise SessionEnded("the session is over")
        account = Accounts(self._connection, self._clock).by_login(row.login)
        if not account.active:
            raise SessionEnded("the account is closed")
        return Session(session_id, account, in_utc(row.expires_at))

    def end(self, session_id: str) -> None:
        """Revoke one session."""
        self._connection.execute(
            update(staff_sessions)
            .where(staff_sessions.c.id == session_id)
            .values(revoked_at=self._clock().astimezone(UTC))
        )


def token_of(session: Session, key: str) -> str:
    """The signed token of a session."""
    claims = {"sub": str(session.account.id), "jti": session.id, "aud": AUDIENCE, "exp": session.expires_at}
    return jwt.encode(claims, key, ALGORITHM)


def session_in(token: str, key: str) -> str:
    """The session a token names; raises SessionEnded for one that is not ours. The row tells when it ends."""
    try:
        options = {"require": ["jti", "exp", "sub"], "verify_exp": False}
        claims = jwt.decode(token, key, [ALGORITHM], audience=AUDIENCE, options=options)  # type: ignore[arg-type]
    except jwt.InvalidTokenError:
        raise SessionEnded("the token is not valid") from None
    return str(claims["jti"])


def signing_key(told: str, folder: Path) -> str:
    """The key that signs tokens: the one told, else one made once in the folder; a short one raises SettingsError."""
    if told:
        if len(told.encode()) < LEAST_SECRET:
            raise SettingsError(f"CHENGDA_SECRET needs {LEAST_SECRET} bytes or more")
        return told
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SECRET_FILE
    if not path.exists():
        # Written whole beside it and linked: of two processes that start together one wins and both read the same.
        fresh = path.with_name(f"{SECRET_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii").strip()
