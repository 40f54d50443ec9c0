"""Turns to learn from: masked when they are written, without a sender, bounded in number and days."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from bot.domain import Domain
from bot.learning.reason import (
    LEARNT_FROM,
    REFUSABLE,
    Reason,
    reason_of,
    refused_services,
    refuses,
    tells_something,
)
from bot.privacy import redact
from bot.tables import learning_queue, turn_reviews

MAX_CHARS = 200
LONG_NUMBER = re.compile(r"\d(?:[\s\-./]*\d){5,}")
QUERY_CODE = re.compile(r"\b(?=[a-z]*\d)(?=\d*[a-z])[a-hjkmnp-z2-9]{8}\b", re.ASCII | re.I)


class Rating(StrEnum):
    """What a citizen thought of an answer."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Limits:
    """How many entries the queue keeps, and for how many days."""

    entries: int
    days: int


KEPT = Limits(entries=5000, days=90)


@dataclass(frozen=True)
class ToldTurn:
    """A stored turn: its number, what was said and what was answered."""

    number: int
    text: str
    answer: list[dict[str, Any]]


@dataclass(frozen=True)
class Candidate:
    """A service that was found for the words of an entry; `refused` when the citizen did not want it."""

    code: str
    score: float
    refused: bool


@dataclass(frozen=True)
class QueueEntry:
    """One masked message and what became of it."""

    number: int
    day: date
    text: str
    language: str
    reason: Reason
    outcome: str
    intent: str
    confidence: float
    services: tuple[Candidate, ...]


def masked(text: str) -> str:
    """A text without personal data: all that is known as such, and whatever looks like a long number or code."""
    clean = LONG_NUMBER.sub("[number]", redact(text).text)
    return QUERY_CODE.sub("[code]", clean)[:MAX_CHARS].strip()


class LearningQueue:
    """The queue and the ratings inside the transaction of a turn."""

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits

    def note(self, turn: ToldTurn, before: Callable[[], ToldTurn | None], domain: Domain, day: date) -> None:
        """Keep a turn that went wrong, or the one `before` it when this one tells so."""
        if refuses(turn.answer, domain):
            refused = before()
            if refused is not None and refused.answer[-1]["custom"]["turn"]["outcome"] in REFUSABLE:
                self._put(refused, Reason.NEITHER, day)
        elif (reason := reason_of(turn.answer, domain)) is not None:
            self._put(turn, reason, day)

    def rate(self, turn: ToldTurn, rating: Rating, domain: Domain, day: date) -> None:
        """Write how a turn was rated; the last rating counts, a bad one queues the turn, a good one takes it out."""
        known = self._connection.execute(select(turn_reviews.c.rating).where(turn_reviews.c.turn == turn.number))
        if known.scalar() == rating:
            return
        self._review(turn.number, rating=str(rating))
        reason = Reason.RATED_BAD if rating is Rating.BAD else reason_of(turn.answer, domain)
        if reason is None or reason is Reason.LOW_SHARE:
            self._take(turn.number)
        else:
            self._put(turn, reason, day)

    def ratings(self) -> dict[Rating, int]:
        """How many turns have each rating."""
        found = self._connection.execute(select(turn_reviews.c.rating)).scalars().all()
        return {rating: found.count(rating) for rating in Rating}

    def entries(self) -> tuple[QueueEntry, ...]:
        """All entries, oldest first."""
        rows = self._connection.execute(select(learning_queue).order_by(learning_queue.c.id)).all()
        return tuple(
            QueueEntry(
                row.id,
                row.day,
                row.text,
                row.language,
                Reason(row.reason),
                row.outcome,
                row.intent,
                row.confidence,
                tuple(Candidate(**service) for service in row.services),
            )
            for row in rows
        )

    def remove(self, numbers: Iterable[int]) -> None:
        """Take out entries that an editor has decided on."""
        for number in numbers:
            self._connection.execute(delete(learning_queue).where(learning_queue.c.id == number))

    def _put(self, turn: ToldTurn, reason: Reason, day: date) -> None:
        """Queue a turn once, under the reason that says most."""
        told = turn.answer[-1]["custom"]["turn"]
        if told["outcome"] not in LEARNT_FROM or not tells_something(turn.text):
            return
        if not tells_something(text := masked(turn.text)):
            return
        self._take(turn.number)
        refused = refused_services(turn.answer, reason)
        services: Sequence[dict[str, Any]] = [
            {"code": hit["code"], "score": hit["score"], "refused": hit["code"] in refused} for hit in told["services"]
        ]
        made = self._connection.execute(
            insert(learning_queue)
            .values(
                day=day,
                text=text,
                language=told["language"],
                reason=str(reason),
                outcome=told["outcome"],
                intent=told["intent"]["name"],
                confidence=told["intent"]["confidence"],
                services=services,
            )
            .returning(learning_queue.c.id)
        )
        self._review(turn.number, entry=int(made.scalar_one()))
        self._trim(day)

    def _take(self, turn: int) -> None:
        """Take a turn out of the queue."""
        query = select(turn_reviews.c.entry).where(turn_reviews.c.turn == turn)
        entry = self._connection.execute(query).scalar()
        if entry is not None:
            self._connection.execute(delete(learning_queue).where(learning_queue.c.id == entry))
            self._review(turn, entry=None)

    def _review(self, turn: int, **values: object) -> None:
        known = self._connection.execute(update(turn_reviews).where(turn_reviews.c.turn == turn).values(**values))
        if known.rowcount == 0:
            self._connection.execute(insert(turn_reviews).values(turn=turn, **values))

    def _trim(self, day: date) -> None:
        """Forget what is too old and the oldest of too many."""
        oldest = day - timedelta(days=self._limits.days)
        self._connection.execute(delete(learning_queue).where(learning_queue.c.day < oldest))
        newest = select(learning_queue.c.id).order_by(learning_queue.c.id.desc()).offset(self._limits.entries).limit(1)
        last = self._connection.execute(newest).scalar()
        if last is not None:
            self._connection.execute(delete(learning_queue).where(learning_queue.c.id <= last))
