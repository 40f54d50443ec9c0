"""The audit log: who looked at or changed what, when and why; rows are only ever added."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from bot.moments import in_utc
from bot.staff.accounts import Account
from bot.staff.tables import audit_log

Clock = Callable[[], datetime]
NOBODY = "?"
MAX_REASON = 2000


class Action(StrEnum):
    """What is recorded."""

    LOGIN = "login"
    LOGIN_REFUSED = "login_refused"
    LOGOUT = "logout"
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_CHANGED = "account_changed"
    PASSWORD_CHANGED = "password_changed"
    AUDIT_READ = "audit_read"
    SEARCHED = "searched"
    VIEWED = "viewed"
    REVEALED = "revealed"
    MOVED = "moved"
    EVIDENCE_ADDED = "evidence_added"
    EVIDENCE_VIEWED = "evidence_viewed"
    RULED = "ruled"
    COMPARED = "compared"
    ALERTED = "alerted"
    TALK_CLAIMED = "talk_claimed"
    TALK_VIEWED = "talk_viewed"
    TALK_SAID = "talk_said"
    TALK_RELEASED = "talk_released"
    TALK_ENDED = "talk_ended"
    CASE_FILED = "case_filed"
    CASE_JOINED = "case_joined"
    DRAFT_DECIDED = "draft_decided"
    CALL_READ = "call_read"


@dataclass(frozen=True)
class Entry:
    """One row of the log."""

    id: int
    at: datetime
    login: str
    role: str
    action: str
    number: str | None
    fields: tuple[str, ...]
    reason: str | None
    address: str | None


class Audit:
    """The log inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self.changed = False

    def write(
        self,
        account: Account | None,
        action: str,
        address: str | None,
        number: str | None = None,
        fields: Iterable[str] = (),
        reason: str | None = None,
    ) -> None:
        """Add a row; `account` is None for someone who was not let in, `fields` what was seen or changed."""
        self.changed = True
        self._connection.execute(
            insert(audit_log).values(
                at=self._clock().astimezone(UTC),
                login=account.login if account else NOBODY,
                role=account.role if account else NOBODY,
                action=action,
                number=number,
                fields=list(fields),
                reason=reason[:MAX_REASON] if reason else None,
                address=address[:64] if address else None,
            )
        )

    def page(
        self,
        before: int | None = None,
        at_most: int = 50,
        login: str | None = None,
        number: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Entry, ...]:
        """Rows that fit, the newest first; `before` is the id of the last row of the page before."""
        log = audit_log.c
        query = select(audit_log).order_by(log.id.desc()).limit(at_most)
        for column, wanted in ((log.login, login), (log.number, number), (log.action, action)):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            query = query.where(log.id < before)
        if since is not None:
            query = query.where(log.at >= since.astimezone(UTC))
        if until is not None:
            query = query.where(log.at < until.astimezone(UTC))
        return tuple(_entry(row) for row in self._connection.execute(query).all())


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.id,
        in_utc(row.at),
        row.login,
        row.role,
        row.action,
        row.number,
        tuple(row.fields or ()),
        row.reason,
        row.address,
    )
