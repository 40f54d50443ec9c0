"""Who leads next: what becomes of the merged cases when the one they were merged into is out of the way."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import Select, select

from bot.cases.case import SYSTEM, Actor, Case, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Status
from bot.cases.tables import cases

# Moves after which a case leads no longer -> the reason that the timelines of those merged into it give. One that was
# transferred or closed keeps them: its answer is theirs.
LEAVING: Mapping[Move, str] = MappingProxyType(
    {Move.WITHDRAW: "leader withdrawn", Move.REJECT: "leader not accepted", Move.MERGE: "leader merged"}
)


class Moving(Protocol):
    """What succession needs of the store."""

    def found_by(self, query: Select[Any]) -> tuple[Case, ...]:
        """The cases of a query."""

    def move(self, number: CaseNumber, move: Move, actor: Actor = ..., facts: Facts = ...) -> Case:
        """Make a change."""


def led_by(store: Moving, number: CaseNumber) -> tuple[Case, ...]:
    """The cases merged into one and still merged, the oldest first."""
    query = select(cases).where(cases.c.merged_into == number, cases.c.status == Status.MERGED)
    return store.found_by(query.order_by(cases.c.filed_at, cases.c.number))


def succeed(store: Moving, number: CaseNumber, move: Move, leader: CaseNumber | None) -> CaseNumber | None:
    """Give the cases merged into one that leads no longer a new leader, and tell which.

    That is the case it was merged into itself, else the oldest of them, which is on its own again.
    """
    led, why = led_by(store, number), Facts(reason=f"{LEAVING[move]}: {number}")
    if not led:
        return None
    heir = leader or led[0].number
    for case in led:
        store.move(case.number, Move.UNMERGE, SYSTEM, why)
        if case.number != heir:
            store.move(case.number, Move.MERGE, SYSTEM, Facts(reason=why.reason, leader=heir))
    return heir
