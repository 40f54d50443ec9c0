"""Surges: many open cases of one matter at one place in a short time, more than is usual there, told once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, insert, select, update

from bot.cases.case import Case
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN
from bot.cases.store import DatabaseCases
from bot.cases.tables import alerts, cases
from bot.errors import AlertDecided, UnknownAlert
from knowledge.catalogue import CATALOGUE
from knowledge.yaml_file import read_yaml

VectorOf = Callable[[CaseNumber], NDArray[np.float32] | None]
PAGE = 100


class AlertState(StrEnum):
    """How far the desk has come with a surge."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


# state asked for -> the states it may follow
STEPS = {
    AlertState.ACKNOWLEDGED: frozenset({AlertState.OPEN}),
    AlertState.CLOSED: frozenset({AlertState.OPEN, AlertState.ACKNOWLEDGED}),
}


@dataclass(frozen=True)
class SurgeRules:
    """What counts as a surge; see `surges.yml`."""

    window_hours: float
    least: int
    times_usual: float
    usual_days: int
    cosine: float


@dataclass(frozen=True)
class Alert:
    """A surge as it is told: its first case, all cases so far, and what the desk did about it."""

    id: int
    leader: CaseNumber
    numbers: tuple[CaseNumber, ...]
    first_at: datetime
    last_at: datetime
    state: AlertState


@lru_cache(maxsize=1)
def surge_rules(path: Path = CATALOGUE / "surges.yml") -> SurgeRules:
    """The rules of the office."""
    return SurgeRules(**read_yaml(path))


class Alerts:
    """Surges inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def listed(self, state: AlertState | None = None) -> tuple[Alert, ...]:
        """The newest surges, of one state or all."""
        query = select(alerts).order_by(alerts.c.id.desc()).limit(PAGE)
        rows = self._connection.execute(query.where(alerts.c.state == state) if state else query).all()
        return tuple(_alert(row) for row in rows)

    def set_state(self, key: int, state: AlertState, now: datetime) -> Alert:
        """Acknowledge or close; raises UnknownAlert or AlertDecided."""
        row = self._connection.execute(select(alerts).where(alerts.c.id == key).with_for_update()).one_or_none()
        if row is None:
            raise UnknownAlert(str(key))
        if AlertState(row.state) not in STEPS[state]:
            raise AlertDecided(f"a surge that is {row.state} cannot become {state}", {"state": row.state})
        changed = {"state": state, "changed_at": now.astimezone(UTC)}
        self._connection.execute(update(alerts).where(alerts.c.id == key).values(changed))
        return self.listed_one(key)

    def listed_one(self, key: int) -> Alert:
        """One surge."""
        return _alert(self._connection.execute(select(alerts).where(alerts.c.id == key)).one())


def find_surges(
    connection: Connection, store: DatabaseCases, vector_of: VectorOf, now: datetime, rules: SurgeRules | None = None
) -> tuple[Alert, ...]:
    """Look at the open cases of the window and write new surges; one known before grows instead.

    Cases are of one matter by their hotline item, without one by meaning; of one place by sub-district, without one by
    district. A surge that grows after it was closed is told anew under the first case that was not in it.
    """
    rules = rules or surge_rules()
    since = now - timedelta(hours=rules.window_hours)
    query = select(cases).where(cases.c.filed_at >= since.astimezone(UTC), cases.c.status.in_(OPEN))
    fresh = store.found_by(query.order_by(cases.c.filed_at, cases.c.number))
    told = []
    for area, own in _by_area(fresh).items():
        for group in _by_matter(own, vector_of, rules.cosine):
            people = {case.sender for case in group}
            usual = _usual(connection, group, area, since, rules)
            if len(people) >= rules.least and len(group) >= rules.times_usual * usual:
                told.append(_tell(connection, group, rules.least, now))
    return tuple(alert for alert in told if alert is not None)


def _by_area(found: Sequence[Case]) -> dict[tuple[str, str], list[Case]]:
    areas: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in found:
        if case.draft.subdistrict:
            areas["subdistrict", case.draft.subdistrict].append(case)
        elif case.draft.district:
            areas["district", case.draft.district].append(case)
    return areas


def _by_matter(found: Sequence[Case], vector_of: VectorOf, cosine: float) -> list[list[Case]]:
    """Groups of one matter, each joined to the first group it is like."""
    groups: list[list[Case]] = []
    for case in found:
        home = next((group for group in groups if _same_matter(case, group[0], vector_of, cosine)), None)
        if home is None:
            groups.append([case])
        else:
            home.append(case)
    return groups


def _same_matter(one: Case, other: Case, vector_of: VectorOf, cosine: float) -> bool:
    if one.draft.service_item and other.draft.service_item:
        return one.draft.service_item == other.draft.service_item
    first, second = vector_of(one.number), vector_of(other.number)
    return first is not None and second is not None and float(first @ second) >= cosine


def _usual(
    connection: Connection, group: Sequence[Case], area: tuple[str, str], since: datetime, rules: SurgeRules
) -> float:
    """How many such reports a window usually has there: those of the item, else of the category, in the days before."""
    first, (column, name) = group[0].draft, area
    query = select(func.count()).where(
        cases.c.filed_at >= (since - timedelta(days=rules.usual_days)).astimezone(UTC),
        cases.c.filed_at < since.astimezone(UTC),
        cases.c[column] == name,
        cases.c.service_item == first.service_item if first.service_item else cases.c.category == first.category,
    )
    before = int(connection.execute(query).scalar_one())
    return before * rules.window_hours / (24 * rules.usual_days)


def _tell(connection: Connection, group: Sequence[Case], least: int, now: datetime) -> Alert | None:
    """Write a surge, or let a known one grow; None when nothing is new."""
    numbers = {case.number for case in group}
    rows = connection.execute(select(alerts).where(alerts.c.last_at >= _first(group)).with_for_update()).all()
    for row in rows:
        known = set(row.numbers)
        if known & numbers and row.state != AlertState.CLOSED:
            if numbers <= known:
                return None
            grown = {"numbers": sorted(known | numbers), "last_at": _last(group), "changed_at": now.astimezone(UTC)}
            connection.execute(update(alerts).where(alerts.c.id == row.id).values(grown))
            return Alerts(connection).listed_one(row.id)
        numbers -= known
    left = [case for case in group if case.number in numbers]
    if len({case.sender for case in left}) < least:
        return None
    made = connection.execute(
        insert(alerts)
        .values(
            leader=left[0].number,
            numbers=sorted(numbers),
            first_at=_first(left),
            last_at=_last(left),
            state=AlertState.OPEN,
            changed_at=now.astimezone(UTC),
        )
        .returning(alerts.c.id)
    )
    return Alerts(connection).listed_one(int(made.scalar_one()))


def _first(group: Sequence[Case]) -> datetime:
    return min(case.filed_at for case in group).astimezone(UTC)


def _last(group: Sequence[Case]) -> datetime:
    return max(case.filed_at for case in group).astimezone(UTC)


def _alert(row: Row[tuple[object, ...]]) -> Alert:
    numbers = tuple(map(CaseNumber, row.numbers))
    return Alert(row.id, row.leader, numbers, row.first_at, row.last_at, AlertState(row.state))
