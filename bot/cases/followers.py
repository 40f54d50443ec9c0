"""Citizens who follow another's case instead of filing it again, inside one transaction."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, select

from bot.cases.case import CITIZEN, Case, Facts
from bot.cases.number import CaseNumber
from bot.cases.store import DatabaseCases
from bot.cases.tables import case_followers, cases
from bot.database import insert_into
from bot.messages import SenderId

FOLLOWED = "followed"


class Followers:
    """Who follows what."""

    def __init__(self, connection: Connection, store: DatabaseCases) -> None:
        self._connection = connection
        self._store = store

    def follow(self, number: CaseNumber, sender: SenderId, now: datetime) -> Case:
        """Follow a case; following it again does nothing. Raises UnknownCase."""
        case = self._store.by_number(number)
        made = insert_into(self._connection, case_followers).values(
            number=number, sender=sender, at=now.astimezone(UTC)
        )
        kept = made.on_conflict_do_nothing().returning(case_followers.c.number)
        if self._connection.execute(kept).scalar() is not None:
            self._store.record(number, FOLLOWED, CITIZEN, Facts(), case.status)
        return self._store.by_number(number)

    def leave(self, number: CaseNumber, sender: SenderId) -> None:
        """Follow a case no longer; not following it does nothing."""
        followed = (case_followers.c.number == number) & (case_followers.c.sender == sender)
        self._connection.execute(delete(case_followers).where(followed))

    def of_sender(self, sender: SenderId) -> tuple[Case, ...]:
        """The cases a sender follows, the newest first."""
        followed = select(case_followers.c.number).where(case_followers.c.sender == sender)
        return self._store.found_by(
            select(cases).where(cases.c.number.in_(followed)).order_by(cases.c.filed_at.desc(), cases.c.number.desc())
        )

    def reported(self, number: CaseNumber) -> int:
        """How many citizens reported what a case is about: its own, those merged into it, those who follow it."""
        merged = select(func.count()).where(cases.c.merged_into == number)
        followed = select(func.count()).select_from(case_followers).where(case_followers.c.number == number)
        counts = (int(self._connection.execute(query).scalar_one()) for query in (merged, followed))
        return 1 + sum(counts)
