"""What agents did with suggestions: accepted, edited or dismissed; no text is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Column, Connection, func, insert, select

from bot.desk.tables import suggestions_used


class Use(StrEnum):
    """What an agent did with a suggestion."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    DISMISSED = "dismissed"


@dataclass(frozen=True)
class Used:
    """One suggestion dealt with; `place` counts from 1 in its list, `service` where it is about one."""

    login: str
    talk: int | None
    kind: str
    service: str | None
    place: int
    confidence: float
    use: Use


@dataclass(frozen=True)
class Figure:
    """How often suggestions were used, by one agent or about one service (None: about none)."""

    name: str | None
    accepted: int
    edited: int
    dismissed: int


class SuggestionLog:
    """The log inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, used: Used, at: datetime) -> None:
        """Add a line."""
        self._connection.execute(insert(suggestions_used).values(at=at.astimezone(UTC), **vars(used)))

    def by_agent(self, since: datetime) -> tuple[Figure, ...]:
        """The figures of each agent since a moment."""
        return self._figures(suggestions_used.c.login, since)

    def by_service(self, since: datetime) -> tuple[Figure, ...]:
        """The figures of each service since a moment."""
        return self._figures(suggestions_used.c.service, since)

    def _figures(self, column: Column[str], since: datetime) -> tuple[Figure, ...]:
        used = suggestions_used.c
        query = select(column, used.use, func.count()).where(used.at >= since.astimezone(UTC))
        counts: dict[str | None, dict[str, int]] = {}
        for name, use, count in self._connection.execute(query.group_by(column, used.use)).all():
            counts.setdefault(name, {})[use] = int(count)
        names = sorted(counts, key=lambda name: (name is None, name or ""))
        return tuple(Figure(name, *(counts[name].get(use, 0) for use in Use)) for name in names)
