"""What the office did and a citizen was not told yet: told once, the next time the citizen writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from bot.cases.case import Case, CaseEvent
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN, Status
from bot.cases.store import DatabaseCases
from bot.cases.tables import case_events, cases
from bot.channels.outbox import Outbox
from bot.messages import SenderId

CALLED_BACK = "called_back"
# event -> the statuses in which it is still worth telling
TELLING: Mapping[str, frozenset[Status]] = {
    CALLED_BACK: frozenset({Status.CALLBACK}),
    "extended": frozenset(OPEN - {Status.CALLBACK, Status.REPLIED}),
    "suspended": frozenset({Status.SUSPENDED}),
    "rejected": frozenset({Status.NOT_ACCEPTED}),
    "transferred": frozenset({Status.TRANSFERRED}),
    "not_passed_on": frozenset(OPEN),
}
NEWEST_CASES = 20
KEPT = timedelta(days=30)


def mark_of(event: int) -> str:
    """The mark of an event that its citizen was told of."""
    return f"told:{event}"


def notice_key(event: int, number: str, sender: str) -> str:
    """The key in the outbox of an event told to one citizen of the citizen's own case."""
    return f"notice:{event}:{number}:{sender}"


@dataclass(frozen=True)
class Notice:
    """One thing to tell; `shown` is the case it happened to, `case` the citizen's own, `id` that of the event."""

    case: Case
    shown: Case
    event: CaseEvent
    id: int


class Notices:
    """Notices inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, store: DatabaseCases) -> None:
        self._connection = connection
        self._store = store
        self._box = Outbox(connection)

    def pending(self, sender: SenderId, now: datetime) -> tuple[Notice, ...]:
        """What a sender was not told yet, the oldest first."""
        own = (
            select(cases.c.number, cases.c.merged_into)
            .where(cases.c.sender == sender)
            .order_by(cases.c.filed_at.desc())
            .limit(NEWEST_CASES)
        )
        shown = {row.merged_into or row.number: CaseNumber(row.number) for row in self._connection.execute(own)}
        if not shown:
            return ()
        query = (
            select(case_events.c.id, case_events.c.number, case_events.c.kind)
            .where(
                case_events.c.number.in_(shown),
                case_events.c.kind.in_(TELLING),
                case_events.c.at > (now - KEPT).astimezone(UTC),
            )
            .order_by(case_events.c.id)
        )
        newest = {(row.number, row.kind): row for row in self._connection.execute(query).all()}
        found = (self._notice(CaseNumber(row.number), shown[row.number], row.kind, row.id) for row in newest.values())
        return tuple(notice for notice in found if notice is not None)

    def told(self, notice: Notice, now: datetime) -> bool:
        """Note that it is told here, and take back a message on it; False when it was told, or just goes out."""
        key = notice_key(notice.id, notice.case.number, notice.case.sender)
        free = self._box.taken_back(key, now) or notice.event.kind == CALLED_BACK
        return free and self._store.mark(notice.case.number, mark_of(notice.id))

    def _notice(self, number: CaseNumber, own: CaseNumber, kind: str, event_id: int) -> Notice | None:
        if mark_of(event_id) in self._store.marks(own):
            return None
        shown = self._store.by_number(number)
        if shown.status not in TELLING[kind]:
            return None
        event = next(event for event in reversed(shown.timeline) if event.kind == kind)
        return Notice(shown if own == number else self._store.by_number(own), shown, event, event_id)
