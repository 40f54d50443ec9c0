"""Cases as a list: filtered, a page at a time, and counted by status."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_

from bot.cases.case import Case
from bot.cases.clocks import RUNNING
from bot.cases.handover import State
from bot.cases.number import CaseNumber, is_case_number
from bot.cases.states import Status
from bot.cases.store import DatabaseCases
from bot.cases.tables import cases, handovers

MOST_A_PAGE = 200


@dataclass(frozen=True)
class Filters:
    """What a case must be to stand in the list; empty means any. `filed_until` is the first moment outside."""

    status: tuple[Status, ...] = ()
    unit: str | None = None
    service_item: str | None = None
    category: str | None = None
    district: str | None = None
    subdistrict: str | None = None
    urgency: str | None = None
    overdue: bool | None = None
    text: str | None = None
    filed_from: datetime | None = None
    filed_until: datetime | None = None


@dataclass(frozen=True)
class Cursor:
    """The last case of a page: when it was filed and its number."""

    filed_at: datetime
    number: CaseNumber

    def __str__(self) -> str:
        told = f"{self.filed_at.astimezone(UTC).isoformat()} {self.number}"
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def cursor_of(text: str) -> Cursor:
    """The cursor a page told; raises ValueError for any other text."""
    try:
        told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        at, number = told.split(" ")
        moment = datetime.fromisoformat(at)
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("not a cursor") from error
    if moment.tzinfo is None or not is_case_number(number):
        raise ValueError("not a cursor")
    return Cursor(moment, CaseNumber(number))


@dataclass(frozen=True)
class Page:
    """Cases, the newest first, and where the next page begins; None after the last."""

    cases: tuple[Case, ...]
    next: Cursor | None = field(default=None)


class Listing:
    """Lists of cases inside one transaction; `units_own` keeps it to the cases a unit leads or assists."""

    def __init__(self, store: DatabaseCases, now: datetime, units_own: str | None = None) -> None:
        self._store = store
        self._now = now
        self._own = units_own

    def page(self, filters: Filters, size: int, after: Cursor | None = None) -> Page:
        """At most `size` cases after the cursor."""
        query = select(cases).where(*self._conditions(filters))
        if filters.status:
            query = query.where(cases.c.status.in_(filters.status))
        if after is not None:
            query = query.where(
                tuple_(cases.c.filed_at, cases.c.number) < (after.filed_at.astimezone(UTC), after.number)
            )
        query = query.order_by(cases.c.filed_at.desc(), cases.c.number.desc()).limit(size + 1)
        found = self._store.found_by(query)
        last = found[size - 1] if len(found) > size else None
        return Page(found[:size], Cursor(last.filed_at, last.number) if last else None)

    def counts(self, filters: Filters) -> dict[str, int]:
        """How many cases fit by status, whatever status the filters ask for."""
        query: Select[Any] = select(cases.c.status, func.count().label("cases")).where(*self._conditions(filters))
        return {row.status: row.cases for row in self._store.rows_of(query.group_by(cases.c.status))}

    def _conditions(self, filters: Filters) -> list[ColumnElement[bool]]:
        one = cases.c
        found = [
            column == wanted
            for column, wanted in (
                (one.service_item, filters.service_item),
                (one.category, filters.category),
                (one.district, filters.district),
                (one.subdistrict, filters.subdistrict),
                (one.urgency, filters.urgency),
            )
            if wanted is not None
        ]
        found += [of_unit(unit) for unit in (filters.unit, self._own) if unit is not None]
        if filters.filed_from is not None:
            found.append(one.filed_at >= filters.filed_from.astimezone(UTC))
        if filters.filed_until is not None:
            found.append(one.filed_at < filters.filed_until.astimezone(UTC))
        if filters.overdue is not None:
            late = one.status.in_(RUNNING) & (one.expected_at < self._now.astimezone(UTC))
            found.append(late if filters.overdue else ~late)
        if filters.text:
            found.append(_says(filters.text.strip()))
        return found


def of_unit(unit: str) -> ColumnElement[bool]:
    """Whether a unit leads a case or assists with it."""
    handed = select(handovers.c.number).where(handovers.c.unit == unit, handovers.c.state != State.RECALLED)
    return or_(cases.c.unit == unit, cases.c.number.in_(handed))


def _says(text: str) -> ColumnElement[bool]:
    if is_case_number(text):
        return cases.c.number == text.upper()
    return or_(cases.c.description.icontains(text, autoescape=True), cases.c.location.icontains(text, autoescape=True))
