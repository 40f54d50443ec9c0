"""Staff accounts inside one transaction: made, found, changed, locked after wrong passwords."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.cases.case import Actor
from bot.cases.states import Role
from bot.errors import AccountRefused, LastAdmin, LoginTaken, UnknownAccount
from bot.moments import in_utc
from bot.staff.rights import OWN_UNIT_ONLY, STAFF_ROLES
from bot.staff.tables import staff, staff_sessions

Clock = Callable[[], datetime]
LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
# In a row from everywhere; the door counts five of one account and network.
MAX_FAILURES = 50
LOCKED_FOR = timedelta(minutes=15)
MAX_NAME, MAX_UNIT = 80, 60


@dataclass(frozen=True)
class Account:
    """One member of the staff; `unit` only for handling units."""

    id: int
    login: str
    name: str
    role: Role
    unit: str | None
    active: bool
    locked_until: datetime | None
    created_at: datetime

    @property
    def actor(self) -> Actor:
        """Who does something to a case."""
        return Actor(self.role, self.login, self.unit)


@dataclass(frozen=True)
class Attempt:
    """A login under way: the account, its hash, and whether it may come in at all."""

    account: Account
    password: str
    open: bool


class Accounts:
    """The accounts in the database; the caller commits."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, login: str, name: str, role: Role, unit: str | None, password: str) -> Account:
        """A new account with a hashed password; raises AccountRefused or LoginTaken."""
        login = login.strip().lower()
        check_account(login, name, role, unit)
        if self.find(login) is not None:
            raise LoginTaken(f"login {login} is taken", {"login": login})
        made = insert(staff).values(
            login=login,
            name=name.strip(),
            role=role,
            unit=unit,
            password=password,
            active=True,
            created_at=self._clock().astimezone(UTC),
        )
        try:
            self._connection.execute(made)
        except IntegrityError:
            raise LoginTaken(f"login {login} is taken", {"login": login}) from None
        return self.by_login(login)

    def find(self, login: str) -> Account | None:
        """The account of a login, if there is one."""
        row = self._connection.execute(select(staff).where(staff.c.login == login.strip().lower())).one_or_none()
        return _account(row) if row else None

    def by_login(self, login: str) -> Account:
        """The account of a login; raises UnknownAccount."""
        found = self.find(login)
        if found is None:
            raise UnknownAccount(f"no account {login}", {"login": login})
        return found

    def all(self) -> tuple[Account, ...]:
        """All accounts by login."""
        return tuple(_account(row) for row in self._connection.execute(select(staff).order_by(staff.c.login)).all())

    def any(self) -> bool:
        """Whether there is an account at all."""
        return self._connection.execute(select(staff.c.id).limit(1)).scalar() is not None

    def change(self, login: str, **columns: Any) -> Account:
        """Set name, role, unit, active or the hashed password; raises UnknownAccount, AccountRefused or LastAdmin.

        A new password and a closed account end all sessions; a new password also unlocks.
        """
        before = self.by_login(login)
        role = columns.get("role", before.role)
        unit = columns.get("unit", before.unit if role in OWN_UNIT_ONLY else None)
        columns |= {"unit": unit}
        check_account(before.login, columns.get("name", before.name), role, unit)
        stays = role is Role.ADMIN and columns.get("active", before.active)
        if before.role is Role.ADMIN and before.active and not stays and self._admins() < 2:
            raise LastAdmin("the last administrator stays")
        if "password" in columns:
            columns |= {"failures": 0, "locked_until": None}
        self._connection.execute(update(staff).where(staff.c.id == before.id).values(**columns))
        if "password" in columns or not columns.get("active", True):
            self.end_sessions(before)
        return self.by_login(login)

    def end_sessions(self, account: Account) -> None:
        """Revoke every session of an account."""
        self._connection.execute(
            update(staff_sessions)
            .where(staff_sessions.c.staff == account.id, staff_sessions.c.revoked_at.is_(None))
            .values(revoked_at=self._clock().astimezone(UTC))
        )

    def attempt(self, login: str) -> Attempt | None:
        """Begin a login: counted as a failure before the password is looked at, so parallel guesses count too."""
        query = select(staff).where(staff.c.login == login.strip().lower()).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        account, now = _account(row), self._clock()
        locked = account.locked_until
        failures = 0 if locked and locked <= now else row.failures
        may_enter = account.active and failures < MAX_FAILURES
        if may_enter:
            until = (now + LOCKED_FOR).astimezone(UTC) if failures + 1 == MAX_FAILURES else None
            self._connection.execute(
                update(staff).where(staff.c.id == account.id).values(failures=failures + 1, locked_until=until)
            )
        return Attempt(account, row.password, may_enter)

    def welcome(self, account: Account) -> None:
        """The password was right: forget the failures."""
        self._connection.execute(update(staff).where(staff.c.id == account.id).values(failures=0, locked_until=None))

    def _admins(self) -> int:
        query = select(func.count()).where(staff.c.role == Role.ADMIN, staff.c.active.is_(True))
        return int(self._connection.execute(query).scalar_one())


def check_account(login: str, name: str, role: Role, unit: str | None) -> None:
    """Raises AccountRefused for a login, name, role or unit that cannot be."""
    faults = {
        "login": not LOGIN.fullmatch(login),
        "name": not 0 < len(name.strip()) <= MAX_NAME,
        "role": role not in STAFF_ROLES,
        "unit": bool(unit) != (role in OWN_UNIT_ONLY) or len(unit or "") > MAX_UNIT,
    }
    wrong = [field for field, fault in faults.items() if fault]
    if wrong:
        errors = [{"field": field, "problem": RULES[field]} for field in wrong]
        raise AccountRefused("; ".join(f"{one['field']}: {one['problem']}" for one in errors), extra={"errors": errors})


RULES = {
    "login": "2 to 40 of a-z 0-9 . _ - and begins with a letter or digit",
    "name": "1 to 80 characters",
    "role": f"one of {', '.join(STAFF_ROLES)}",
    "unit": "needed for role unit, at most 60 characters; none for other roles",
}


def _account(row: Row[Any]) -> Account:
    return Account(
        row.id,
        row.login,
        row.name,
        Role(row.role),
        row.unit,
        bool(row.active),
        in_utc(row.locked_until) if row.locked_until else None,
        in_utc(row.created_at),
    )
