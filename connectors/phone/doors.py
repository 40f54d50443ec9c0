"""Who may bring a call: a program with a key, or a member of the staff with an open session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.cases.keys import PREFIX
from bot.errors import NotAllowed, SessionEnded
from bot.staff.accounts import Account
from bot.staff.rights import Right, may
from connectors.staff.caller import StaffParts

# A browser can send no header with a socket, so the token may stand among the subprotocols.
IN_SUBPROTOCOL = "bearer."


@dataclass(frozen=True)
class Bringer:
    """Who brings a call: its owner's name, and the account where it is a person's."""

    owner: str
    account: Account | None = None


def token_in(header: str | None, subprotocols: Iterable[str] = ()) -> str:
    """The token of a request; raises SessionEnded without one."""
    kind, _, token = (header or "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip()
    for name in subprotocols:
        if name.startswith(IN_SUBPROTOCOL):
            return name.removeprefix(IN_SUBPROTOCOL)
    raise SessionEnded("no token")


def bringer_of(parts: StaffParts, token: str) -> Bringer:
    """Whose token it is; raises SessionEnded or NotAllowed."""
    if token.startswith(PREFIX):
        with parts.store.read() as work:
            owner = work.keys.owner_of(token)
        if owner is None:
            raise SessionEnded("the key is unknown")
        return Bringer(f"key:{owner}")
    account = parts.door.enter(token).account
    if not may(account.role, Right.CALLS):
        raise NotAllowed(f"{account.role} has no right to {Right.CALLS}")
    return Bringer(f"staff:{account.login}", account)
