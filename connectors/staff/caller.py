"""Who calls: the session behind a request and the right that an endpoint asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bot.cases.duplicate_finder import DuplicateFinder
from bot.cases.taught import TaughtDispatcher
from bot.domain import Domain
from bot.errors import NotAllowed, SessionEnded
from bot.settings import Settings
from bot.staff.accounts import Account
from bot.staff.desk import CaseDesk
from bot.staff.door import StaffDoor
from bot.staff.rights import Right, may
from bot.staff.sessions import Session, signing_key
from bot.store import Store, Work
from connectors.limits import address_of
from connectors.problem import language_of
from connectors.throttle import LoginLimits, Throttle, login_limits
from knowledge.catalogue import Catalogue

BEARER = HTTPBearer(auto_error=False, description="The token of `POST /staff/login`.")


@dataclass(frozen=True)
class StaffParts:
    """What the staff's doors need of the running application."""

    store: Store
    clock: Callable[[], datetime]
    domain: Domain
    catalogue: Catalogue
    door: StaffDoor
    throttle: Throttle
    logins: LoginLimits
    trusted_proxy: int
    dispatcher: Callable[[], TaughtDispatcher]
    finder: Callable[[], DuplicateFinder | None]


@dataclass(frozen=True)
class Caller:
    """A member of the staff with an open session, the address called from and the language wanted."""

    session: Session
    address: str
    language: str
    parts: StaffParts

    @property
    def account(self) -> Account:
        """The account as it stands now."""
        return self.session.account

    @contextmanager
    def desk(self) -> Iterator[CaseDesk]:
        """One transaction at the desk."""
        with self.parts.store.work() as work:
            yield self.desk_in(work)

    def desk_in(self, work: Work) -> CaseDesk:
        """The desk inside a transaction that does more."""
        return CaseDesk(work, self.account, self.parts.clock(), self.address)


def staff_parts(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime],
    domain: Domain,
    catalogue: Catalogue,
    throttle: Throttle,
    dispatcher: Callable[[], TaughtDispatcher],
    finder: Callable[[], DuplicateFinder | None] = lambda: None,
) -> StaffParts:
    """The parts of a running application; makes the first administrator when a password for it is set."""
    door = StaffDoor(store, signing_key(settings.secret.get_secret_value(), settings.data_dir))
    password = settings.admin_password.get_secret_value()
    if password:
        door.first_admin(password)
    logins = login_limits(settings.logins_by_address, settings.logins_by_account)
    return StaffParts(
        store, clock, domain, catalogue, door, throttle, logins, settings.trusted_proxy, dispatcher, finder
    )  # fmt: skip


def parts_of(request: Request) -> StaffParts:
    """The parts of the running application."""
    parts: StaffParts = request.app.state.staff
    return parts


def caller_of(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> Caller:
    """Who calls; raises SessionEnded without an open session."""
    parts = parts_of(request)
    if given is None:
        raise SessionEnded("no token")
    session = parts.door.enter(given.credentials)
    return Caller(session, address_of(request.scope, parts.trusted_proxy), language_of(request), parts)


class Needs:
    """A dependency: the caller, when the role has the right; raises SessionEnded or NotAllowed."""

    def __init__(self, right: Right) -> None:
        self.right = right

    def __call__(self, caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not may(caller.account.role, self.right):
            raise NotAllowed(f"{caller.account.role} has no right to {self.right}")
        return caller


Own = Annotated[Caller, Depends(Needs(Right.OWN))]
Accountant = Annotated[Caller, Depends(Needs(Right.ACCOUNTS))]
Auditor = Annotated[Caller, Depends(Needs(Right.AUDIT))]
Looker = Annotated[Caller, Depends(Needs(Right.CASES))]
Mover = Annotated[Caller, Depends(Needs(Right.MOVE))]
Revealer = Annotated[Caller, Depends(Needs(Right.REVEAL))]
Sender = Annotated[Caller, Depends(Needs(Right.DISPATCH))]
Ruler = Annotated[Caller, Depends(Needs(Right.RULE))]
Merger = Annotated[Caller, Depends(Needs(Right.DUPLICATES))]
Adder = Annotated[Caller, Depends(Needs(Right.ADD_EVIDENCE))]
Listener = Annotated[Caller, Depends(Needs(Right.CALLS))]
Talker = Annotated[Caller, Depends(Needs(Right.TALKS))]
Counter = Annotated[Caller, Depends(Needs(Right.FIGURES))]
Parts = Annotated[StaffParts, Depends(parts_of)]
