"""The door of the staff: login with password, the session behind a token, the first administrator."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.cases.states import Role
from bot.errors import AccountRefused, StaffError, WrongLogin
from bot.staff.accounts import Account, check_account
from bot.staff.audit import Action
from bot.staff.passwords import LEAST, Passwords, check_password
from bot.staff.sessions import Session, session_in, token_of
from bot.store import Store

logger = logging.getLogger("chengda")
FIRST_ADMIN = "admin"


@dataclass(frozen=True)
class NewAccount:
    """An account to be made."""

    login: str
    name: str
    role: Role
    unit: str | None
    password: str

    def check(self) -> None:
        """Raises AccountRefused or WeakPassword for what cannot be."""
        login = self.login.strip().lower()
        check_account(login, self.name, self.role, self.unit)
        check_password(self.password, login)


class StaffDoor:
    """Lets staff in; passwords are hashed outside any transaction, so nobody waits for the database meanwhile."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._passwords = Passwords()

    def login(self, login: str, password: str, address: str | None) -> tuple[str, Session]:
        """A token and its session; raises WrongLogin alike for unknown, closed and locked accounts."""
        with self._store.work() as work:
            attempt = work.accounts.attempt(login)
        right = self._passwords.fits(password, attempt.password if attempt and attempt.open else None)
        with self._store.work() as work:
            if attempt is None or not right:
                work.audit.write(attempt.account if attempt else None, Action.LOGIN_REFUSED, address)
                session = None
            else:
                work.accounts.welcome(attempt.account)
                session = work.sessions.open(attempt.account)
                work.audit.write(attempt.account, Action.LOGIN, address)
        if session is None:
            raise WrongLogin("login or password is wrong")
        return token_of(session, self._key), session

    def enter(self, token: str) -> Session:
        """The open session of a token; raises SessionEnded."""
        session_id = session_in(token, self._key)
        with self._store.read() as work:
            return work.sessions.of(session_id)

    def logout(self, session: Session, address: str | None) -> None:
        """End a session."""
        with self._store.work() as work:
            work.sessions.end(session.id)
            work.audit.write(session.account, Action.LOGOUT, address)

    def add(self, by: Account | None, people: Sequence[NewAccount], address: str | None) -> tuple[Account, ...]:
        """New accounts, all or none; raises AccountRefused, LoginTaken or WeakPassword."""
        for one in people:
            one.check()
        hashed = [self._passwords.hash(one.password) for one in people]
        with self._store.work() as work:
            made = []
            for one, password in zip(people, hashed, strict=True):
                made.append(work.accounts.add(one.login, one.name, one.role, one.unit, password))
                work.audit.write(by, Action.ACCOUNT_ADDED, address, fields=[made[-1].login])
        return tuple(made)

    def change(self, by: Account | None, login: str, changes: dict[str, object], address: str | None) -> Account:
        """Change an account; raises UnknownAccount, AccountRefused, LastAdmin or WeakPassword."""
        if not changes:
            raise AccountRefused("nothing to change", extra={"errors": [{"field": "", "problem": "nothing to change"}]})
        columns = dict(changes)
        if "password" in columns:
            check_password(str(columns["password"]), login.strip().lower())
            columns["password"] = self._passwords.hash(str(columns["password"]))
        with self._store.work() as work:
            account = work.accounts.change(login, **columns)
            work.audit.write(by, Action.ACCOUNT_CHANGED, address, fields=[account.login, *sorted(changes)])
        return account

    def new_password(self, session: Session, old: str, new: str, address: str | None) -> None:
        """Set one's own password, which ends all of one's sessions; raises WrongLogin or WeakPassword."""
        account = session.account
        check_password(new, account.login)
        with self._store.work() as work:
            attempt = work.accounts.attempt(account.login)
        if not self._passwords.fits(old, attempt.password if attempt and attempt.open else None):
            raise WrongLogin("the old password is wrong")
        hashed = self._passwords.hash(new)
        with self._store.work() as work:
            work.accounts.change(account.login, password=hashed)
            work.audit.write(account, Action.PASSWORD_CHANGED, address)

    def first_admin(self, password: str) -> Account | None:
        """The account `admin`, made when there is none yet and never changed afterwards; None when it was there."""
        with self._store.work() as work:
            if work.accounts.find(FIRST_ADMIN) is not None:
                return None
        if len(password) < LEAST:
            logger.warning("the first administrator's password is short; change it")
        hashed = self._passwords.hash(password)
        try:
            with self._store.work() as work:
                made = work.accounts.add(FIRST_ADMIN, FIRST_ADMIN, Role.ADMIN, None, hashed)
                work.audit.write(None, Action.ACCOUNT_ADDED, "start-up", fields=[FIRST_ADMIN])
        except StaffError:
            return None
        return made
