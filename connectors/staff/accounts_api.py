"""Login, the own account, the accounts of all, and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from limits import RateLimitItem

from bot.errors import StaffError, TooManyLogins, WrongLogin
from bot.staff.accounts import Account
from bot.staff.audit import Action
from bot.staff.door import NewAccount
from bot.staff.rights import Right, may
from connectors.limits import address_of
from connectors.staff.caller import Accountant, Auditor, Own, Parts, StaffParts
from connectors.staff.schemas import (
    AccountChange,
    AccountRequest,
    AccountView,
    AuditPage,
    AuditQuery,
    AuditRow,
    LoginRequest,
    Me,
    Opened,
    PasswordChange,
    Problem,
)
from connectors.throttle import WRONG_LOGINS, Throttle, network_of

router = APIRouter(tags=["staff: accounts"])
Answers = dict[int | str, dict[str, Any]]
REFUSED: Answers = {
    401: {"model": Problem, "description": "Refused."},
    429: {"model": Problem, "description": "Too often."},
}
NEEDS_SESSION: Answers = {401: {"model": Problem, "description": "No open session."}}
NEEDS_RIGHT: Answers = NEEDS_SESSION | {403: {"model": Problem, "description": "The role may not."}}


@router.post(
    "/login",
    responses={
        401: {"model": Problem, "description": "Refused."},
        429: {"model": Problem, "description": "Too often."},
    },
)
def login(body: LoginRequest, request: Request, parts: Parts) -> Opened:
    """Open a session of 8 hours.

    An unknown login, a wrong password, a closed and a locked account get the same answer. Only wrong logins count:
    five in a row of one account close it for 15 minutes to the network they came from, an address may be wrong
    `CHENGDA_LOGINS_BY_ADDRESS` times a minute, an account `CHENGDA_LOGINS_BY_ACCOUNT` times in 15 minutes from
    everywhere.
    """
    address = address_of(request.scope, parts.trusted_proxy)
    with _counted(parts, network_of(address), body.login.strip().lower()):
        token, session = parts.door.login(body.login, body.password, address)
    return Opened(token=token, expires_at=session.expires_at, account=account_view(session.account))


@contextmanager
def _counted(parts: StaffParts, network: str, account: str) -> Iterator[None]:
    """One try of a password; raises TooManyLogins where too many were wrong.

    Of one account and network a try counts before it is looked at, so parallel guesses count too.
    """
    limits, throttle = parts.logins, parts.throttle
    own = (WRONG_LOGINS, "login-own", f"{account}@{network}")
    wrong = ((limits.address, "login-address", network), (limits.account, "login-account", account))
    for window in wrong:
        if throttle.spent(*window):
            raise _too_many(throttle, window)
    if not throttle.hit(*own):
        raise _too_many(throttle, own)
    try:
        yield
    except WrongLogin:
        for window in wrong:
            throttle.hit(*window)
        raise
    except StaffError:
        throttle.forget(*own)
        raise
    throttle.forget(*own)


def _too_many(throttle: Throttle, window: tuple[RateLimitItem, str, str]) -> TooManyLogins:
    wait = throttle.wait(*window)
    return TooManyLogins(f"{window[1]} spent", {"minutes": -(-wait // 60)}, {"headers": {"Retry-After": str(wait)}})


@router.post("/logout", status_code=204, responses=NEEDS_SESSION)
def logout(caller: Own) -> Response:
    """End the session; its token is worth nothing from now on."""
    caller.parts.door.logout(caller.session, caller.address)
    return Response(status_code=204)


@router.get("/me", responses=NEEDS_SESSION)
def me(caller: Own) -> Me:
    """The own account and what its role may do."""
    rights = [str(right) for right in Right if may(caller.account.role, right)]
    return Me(account=account_view(caller.account), expires_at=caller.session.expires_at, rights=rights)


@router.post("/password", status_code=204, responses=NEEDS_SESSION)
def password(body: PasswordChange, caller: Own) -> Response:
    """Set the own password; all own sessions end, this one too. A wrong old password counts like a wrong login."""
    with _counted(caller.parts, network_of(caller.address), caller.account.login):
        caller.parts.door.new_password(caller.session, body.old, body.new, caller.address)
    return Response(status_code=204)


@router.get("/accounts", responses=NEEDS_RIGHT)
def accounts(caller: Accountant) -> list[AccountView]:
    """All accounts by login."""
    with caller.parts.store.read() as work:
        return [account_view(account) for account in work.accounts.all()]


@router.post(
    "/accounts", status_code=201, responses=NEEDS_RIGHT | {409: {"model": Problem, "description": "Login taken."}}
)
def add_account(body: AccountRequest, caller: Accountant) -> AccountView:
    """Make an account."""
    new = NewAccount(body.login, body.name, body.role, body.unit, body.password)
    return account_view(caller.parts.door.add(caller.account, [new], caller.address)[0])


@router.patch(
    "/accounts/{login}",
    responses=NEEDS_RIGHT
    | {
        404: {"model": Problem, "description": "No such account."},
        409: {"model": Problem, "description": "Last admin."},
    },
)
def change_account(login: str, body: AccountChange, caller: Accountant) -> AccountView:
    """Change name, role, unit or password, or close (`active: false`) an account; closing ends its sessions."""
    changes = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    return account_view(caller.parts.door.change(caller.account, login, changes, caller.address))


@router.get("/audit", responses=NEEDS_RIGHT)
def audit(wanted: Annotated[AuditQuery, Query()], caller: Auditor) -> AuditPage:
    """Who looked at or changed what; reading the log stands in the log."""
    zone = caller.parts.clock().tzinfo
    since = datetime.combine(wanted.since, time(), zone) if wanted.since else None
    until = datetime.combine(_next(wanted.until), time(), zone) if wanted.until else None
    with caller.parts.store.work() as work:
        found = work.audit.page(wanted.after, wanted.size + 1, wanted.login, wanted.number, wanted.action, since, until)
        if wanted.after is None:
            work.audit.write(caller.account, Action.AUDIT_READ, caller.address, wanted.number)
    rows = [AuditRow(**asdict(entry)) for entry in found[: wanted.size]]
    return AuditPage(entries=rows, next=rows[-1].id if len(found) > wanted.size else None)


def _next(day: date) -> date:
    return day + timedelta(days=1)


def account_view(account: Account) -> AccountView:
    """An account as it is told."""
    told = asdict(account)
    return AccountView(**{name: told[name] for name in AccountView.model_fields})
