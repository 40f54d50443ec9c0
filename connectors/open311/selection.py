"""Which cases a reader is shown: those of public items and those that the reader's key filed, as far as asked for."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, false, or_

from bot.cases.case import Case
from bot.cases.states import ENDED
from bot.cases.tables import cases
from bot.messages import SenderId
from connectors.open311.asked import Asked

SOURCE = "open311"


def sender_of(owner: str, account: str) -> SenderId:
    """Who filed: the owner of a key, for an account of the caller's own."""
    return SenderId(f"{SOURCE}:{owner}:{account}")


def is_own(case: Case, owner: str | None) -> bool:
    """Whether a key's owner filed a case."""
    return owner is not None and case.sender.startswith(sender_of(owner, ""))


def visible(public: Collection[str], owner: str | None) -> ColumnElement[bool]:
    """The cases of public items, and the owner's."""
    mine = cases.c.sender.startswith(sender_of(owner, ""), autoescape=True) if owner else false()
    return or_(cases.c.service_item.in_(sorted(public)), mine)


def numbers_of(ids: tuple[str, ...]) -> list[str]:
    """Those that can be numbers of cases; no other ever reaches the database."""
    return [one.upper() for one in ids if len(one) <= 20 and one.isascii() and one.isprintable()]


def filters_of(asked: Asked) -> list[ColumnElement[bool]]:
    """The services and the status asked for."""
    found: list[ColumnElement[bool]] = []
    if asked.codes:
        found.append(cases.c.service_item.in_(asked.codes))
    if len(set(asked.statuses)) == 1:
        ended = cases.c.status.in_(sorted(ENDED))
        found.append(ended if asked.statuses[0] == "closed" else ~ended)
    return found
