"""Closing the loop: the citizen's rating of an answer, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from sqlalchemy import Connection, func, select

from bot.cases.case import CITIZEN, SYSTEM, Actor, Case, Facts
from bot.cases.number import CaseNumber
from bot.cases.progress import Progress, progress_of, round_of
from bot.cases.states import Move, Role, Status
from bot.cases.store import DatabaseCases
from bot.cases.tables import cases, ratings
from bot.database import insert_into
from bot.errors import IllegalTransition, MissingForMove
from bot.messages import SenderId

AXES = ("speed", "effect", "service", "feedback")
LEAST, MOST = 1, 5
# Scores alone say that the citizen is not satisfied where nothing came of it, or all of it was poor.
POOR_EFFECT, POOR_MEAN = 2, 2.5
RECENT = 20


@dataclass(frozen=True)
class Rating:
    """What a citizen thinks of an answer: four scores from 1 to 5, satisfied or not, and why not."""

    scores: Mapping[str, int] = field(default_factory=dict)
    satisfied: bool | None = None
    reason: str | None = None

    @property
    def content(self) -> bool | None:
        """Satisfied as said, else as the scores say; None when neither says."""
        if self.satisfied is not None or not self.scores:
            return self.satisfied
        return self.scores.get("effect", MOST) > POOR_EFFECT and fmean(self.scores.values()) > POOR_MEAN


@dataclass(frozen=True)
class UnitSatisfaction:
    """Ratings of one unit: how many, how many satisfied, the mean of each score given."""

    unit: str | None
    rated: int
    satisfied: int
    means: Mapping[str, float]


@dataclass(frozen=True)
class Satisfaction:
    """Ratings by unit, and apart the cases that are not asked about: withdrawn and not accepted ones."""

    units: tuple[UnitSatisfaction, ...]
    excluded: Mapping[Status, int]


class Closing:
    """Ratings inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, store: DatabaseCases) -> None:
        self._connection = connection
        self._store = store

    def progress(self, case: Case, now: datetime) -> Progress:
        """The track of a case, with the case it was merged into."""
        leader = self._store.leader_of(case)
        rated = leader is not None and self._rated(case.number, round_of(leader))
        return progress_of(case, now, leader, rated)

    def awaiting(self, sender: SenderId, now: datetime) -> tuple[Case, ...]:
        """A sender's cases that can be rated now, newest first."""
        asked = (Status.REPLIED, Status.CALLBACK, Status.MERGED)
        query = select(cases).where(cases.c.sender == sender, cases.c.status.in_(asked))
        found = self._store.found_by(query.order_by(cases.c.filed_at.desc()).limit(RECENT))
        return tuple(case for case in found if self.progress(case, now).rateable)

    def rate(self, number: CaseNumber, rating: Rating, now: datetime) -> Case:
        """Take a rating: satisfied closes the case, not satisfied sends it back to the unit with the reason.

        The citizen of a merged case rates for oneself: not being satisfied sends the leading case back, or, where that
        one is closed, makes the own case one of its own again. Raises IllegalTransition where nothing can be rated and
        MissingForMove without a verdict, or without a reason where it is a bad one.
        """
        case = self._store.by_number(number)
        leader = self._store.leader_of(case)
        shown = leader or case
        if not self.progress(case, now).rateable:
            raise IllegalTransition(f"case {number} has no answer to rate in status {shown.status}")
        if rating.content is None:
            raise MissingForMove("a rating needs scores, or satisfied or not")
        reason = (rating.reason or "").strip() or None
        if not rating.content and reason is None:
            raise MissingForMove("a rating that is not satisfied needs the reason")
        self._keep(number, rating, round_of(shown), now)
        told = Facts(reason=reason)
        if leader is not None:
            return self._rated_beside(case, leader, rating, told)
        return self._store.move(number, Move.RATE if rating.content else Move.REDO, CITIZEN, told)

    def satisfaction(self) -> Satisfaction:
        """How the citizens rated each unit, every rating counted once."""
        leader = cases.alias()
        unit = select(leader.c.unit).where(leader.c.number == cases.c.merged_into).scalar_subquery()
        query = select(ratings, cases.c.unit, unit.label("leading_unit")).join(
            cases, cases.c.number == ratings.c.number
        )
        by_unit: dict[str | None, list[Any]] = {}
        for row in self._connection.execute(query):
            by_unit.setdefault(row.unit or row.leading_unit, []).append(row)
        units = (_unit(name, rows) for name, rows in sorted(by_unit.items(), key=lambda item: item[0] or ""))
        out = (Status.WITHDRAWN, Status.NOT_ACCEPTED)
        counted = {status: self._count(status) for status in out}
        return Satisfaction(tuple(units), counted)

    def _count(self, status: Status) -> int:
        query = select(func.count()).select_from(cases).where(cases.c.status == status)
        return int(self._connection.execute(query).scalar_one())

    def _rated(self, number: CaseNumber, answer: int) -> bool:
        query = select(ratings.c.number).where(ratings.c.number == number, ratings.c.round == answer)
        return self._connection.execute(query).scalar() is not None

    def _keep(self, number: CaseNumber, rating: Rating, answer: int, now: datetime) -> None:
        row = {
            "number": number,
            "round": answer,
            **{axis: rating.scores.get(axis) for axis in AXES},
            "satisfied": rating.content,
            "reason": rating.reason,
            "at": now.astimezone(UTC),
        }
        made = insert_into(self._connection, ratings).values(row).on_conflict_do_nothing().returning(ratings.c.number)
        if self._connection.execute(made).scalar() is None:
            raise IllegalTransition(f"this answer to case {number} was rated before")

    def _rated_beside(self, case: Case, leader: Case, rating: Rating, told: Facts) -> Case:
        event = "rated" if rating.content else "redo"
        self._store.record(case.number, event, CITIZEN, told, case.status)
        if rating.content:
            return self._store.by_number(case.number)
        if leader.status is Status.CLOSED:
            return self._store.move(case.number, Move.UNMERGE, SYSTEM, told)
        self._store.move(leader.number, Move.REDO, Actor(Role.CITIZEN, case.number), told)
        return self._store.by_number(case.number)


def _unit(name: str | None, rows: Sequence[Any]) -> UnitSatisfaction:
    given = {axis: [score for row in rows if (score := getattr(row, axis)) is not None] for axis in AXES}
    means = {axis: fmean(scores) for axis, scores in given.items() if scores}
    return UnitSatisfaction(name, len(rows), sum(row.satisfied for row in rows), means)
