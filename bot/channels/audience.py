"""Who is told of an event of a case, and at which place: one statement that writes the notices."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    CompoundSelect,
    DateTime,
    Insert,
    String,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)

from bot.cases.tables import case_followers, cases
from bot.channels.parcel import Kind, State
from bot.channels.tables import contacts, notice_places, outbox


@lru_cache(maxsize=2)
def posting(served: bool) -> Insert:
    """Writes the notices of an event, one to each citizen; made once, as every change of a case needs it.

    Where `served`, the places of the channels that it is told (`channels`) come before all others.
    """
    heard = _candidates().subquery()
    order: list[ColumnElement[Any]] = [
        heard.c.chosen_at.is_(None), heard.c.chosen_at.desc(), heard.c.sender != heard.c.person,
    ]  # fmt: skip
    if served:
        order.insert(0, contacts.c.channel.not_in(bindparam("channels", expanding=True)))
    first = func.row_number().over(partition_by=(heard.c.number, heard.c.person), order_by=order)
    language = func.coalesce(contacts.c.notice_language, contacts.c.language).label("language")
    told = (contacts.c.sender, contacts.c.channel, contacts.c.notices, language)
    ranked = (
        select(heard.c.number, heard.c.person, *told, first.label("rank"))
        .join_from(heard, contacts, contacts.c.sender == heard.c.sender)
        .where(contacts.c.reachable)
        .subquery()
    )
    now = bindparam("now", type_=DateTime(timezone=True))
    values: dict[str, Any] = {
        # As `notice_key` words it.
        "key": bindparam("stem", type_=String) + ranked.c.number + literal(":") + ranked.c.person,
        "sender": ranked.c.sender,
        "channel": ranked.c.channel,
        "kind": literal(str(Kind.NOTICE)),
        "language": ranked.c.language,
        "bubbles": bindparam("about", type_=JSON),
        "number": ranked.c.number,
        "state": literal(str(State.WAITING)),
        "next_try_at": now,
        "created_at": now,
        "changed_at": now,
    }
    columns = (value.label(name) for name, value in values.items())
    rows = select(*columns).where(ranked.c.rank == 1, ranked.c.notices)
    return insert(outbox).from_select(list(values), rows, include_defaults=False)


def _candidates() -> CompoundSelect[Any]:
    """Who may be told of a case, and where: `person` is whose case it is, or who follows it; `sender` the place."""
    number = bindparam("case", type_=String)
    mine = or_(cases.c.number == number, cases.c.merged_into == number)
    person, chosen_at = cases.c.sender.label("person"), notice_places.c.chosen_at
    ours = and_(notice_places.c.number == cases.c.number, notice_places.c.sender == cases.c.sender)
    kept_out = func.coalesce(notice_places.c.excluded, false())
    filed = select(cases.c.number, person, cases.c.sender, chosen_at).outerjoin(notice_places, ours)
    chosen = select(cases.c.number, person, notice_places.c.sender, chosen_at).join(
        notice_places, notice_places.c.number == cases.c.number
    )
    others = (notice_places.c.sender != cases.c.sender, chosen_at.is_not(None), ~notice_places.c.excluded)
    follower = case_followers.c.sender
    known = exists().where(notice_places.c.number == number, notice_places.c.sender == follower, *others[1:])
    never = cast(null(), DateTime(timezone=True)).label("chosen_at")
    followed = select(case_followers.c.number, follower.label("person"), follower, never)
    return union_all(
        filed.where(mine, ~kept_out),
        chosen.where(mine, *others),
        followed.where(case_followers.c.number == number, ~known),
    )
