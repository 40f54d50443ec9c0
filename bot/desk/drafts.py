"""Answers that wait for a person's approval, each at most for some minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from bot.desk.tables import drafts
from bot.errors import DraftDecided, UnknownDraft
from bot.messages import SenderId
from bot.moments import in_utc


class Decision(StrEnum):
    """What became of a draft; LAPSED went out as it was, as nobody decided in time."""

    APPROVED = "approved"
    EDITED = "edited"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class Draft:
    """An answer not given yet; `confidence` is what the assistant believed of it."""

    number: int
    sender: SenderId
    language: str
    question: str
    answer: list[dict[str, Any]]
    confidence: float
    at: datetime
    due_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decision: Decision | None


class Drafts:
    """Drafts inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changed = False

    def keep(
        self,
        sender: SenderId,
        language: str,
        question: str,
        answer: Sequence[dict[str, Any]],
        confidence: float,
        at: datetime,
        due_at: datetime,
    ) -> int:
        """Keep an answer for approval; gives its number."""
        self.changed = True
        made = self._connection.execute(
            insert(drafts)
            .values(
                sender=sender, language=language, question=question, answer=list(answer), confidence=confidence,
                at=at.astimezone(UTC), due_at=due_at.astimezone(UTC),
            )
            .returning(drafts.c.id)
        )  # fmt: skip
        return int(made.scalar_one())

    def by_number(self, number: int) -> Draft:
        """A draft; raises UnknownDraft."""
        found = self._all(select(drafts).where(drafts.c.id == number))
        if not found:
            raise UnknownDraft(f"no draft {number}")
        return found[0]

    def waiting(self) -> tuple[Draft, ...]:
        """Drafts nobody decided yet, the most urgent first."""
        return self._all(select(drafts).where(drafts.c.decided_at.is_(None)).order_by(drafts.c.due_at, drafts.c.id))

    def due(self, now: datetime) -> tuple[Draft, ...]:
        """Drafts whose time is over."""
        late = drafts.c.decided_at.is_(None) & (drafts.c.due_at <= now.astimezone(UTC))
        return self._all(select(drafts).where(late).order_by(drafts.c.id))

    def decide(self, number: int, decision: Decision, login: str | None, now: datetime) -> None:
        """Decide once, whoever comes first; raises DraftDecided for who comes later."""
        done = self._connection.execute(
            update(drafts)
            .where(drafts.c.id == number, drafts.c.decided_at.is_(None))
            .values(decided_at=now.astimezone(UTC), decided_by=login, decision=decision)
        )
        if done.rowcount == 0:
            raise DraftDecided(f"draft {number} is decided")
        self.changed = True

    def _all(self, query: Select[Any]) -> tuple[Draft, ...]:
        return tuple(_draft(row) for row in self._connection.execute(query).all())


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        row.id, SenderId(row.sender), row.language, row.question, row.answer, row.confidence, in_utc(row.at),
        in_utc(row.due_at), in_utc(row.decided_at) if row.decided_at else None, row.decided_by,
        Decision(row.decision) if row.decision else None,
    )  # fmt: skip
