"""When things are due: working days on the Chinese calendar, and hours for urgent matters."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

from knowledge.catalogue import CATALOGUE
from knowledge.yaml_file import read_yaml

logger = logging.getLogger("chengda")
END_OF_DAY = time(18, 0)
NORMAL = "normal"


@dataclass(frozen=True)
class Limits:
    """The limits of `deadlines.yml`; days are working days, hours and minutes go by the clock."""

    answer_days: Mapping[str, int]
    answer_hours: Mapping[str, float]
    contact_hours: Mapping[str, float]
    dispatch_minutes: Mapping[str, float]
    due_soon_hours: Mapping[str, float]
    extension_days: int
    supervise_days: int
    circular_days: int
    review_hours: float
    callback_days: int
    suspend_days: int


@lru_cache(maxsize=1)
def calendar(path: Path = CATALOGUE / "calendars" / "cn.csv") -> Mapping[date, bool]:
    """Days off (False) and make-up working days (True) that differ from the week."""
    with path.open(encoding="utf-8") as rows:
        return {date.fromisoformat(row["date"]): row["day"] == "work" for row in csv.DictReader(rows)}


@lru_cache(maxsize=1)
def limits(path: Path = CATALOGUE / "deadlines.yml") -> Limits:
    """The limits of the office."""
    return Limits(**read_yaml(path))


@lru_cache(maxsize=1)
def calendar_years() -> frozenset[int]:
    """The years whose days off are published; a year's list may name the last days of the year before."""
    return frozenset(day.year for day in calendar() if day.month > 1)


def calendar_end() -> date:
    """The last day the calendar knows."""
    return date(max(calendar_years()), 12, 31)


@lru_cache
def _warn_of(year: int) -> None:
    logger.warning("the calendar has no year %s: Monday to Friday count as working days, no holiday does", year)


def is_working_day(day: date) -> bool:
    """By the published calendar; a year without one is Monday to Friday, which is logged once."""
    if day.year not in calendar_years():
        _warn_of(day.year)
    return calendar().get(day, day.weekday() < 5)


def working_days_after(start: datetime, days: int) -> datetime:
    """The end of the nth working day after a moment's day; 0 days is the end of that day."""
    day, left = start.date(), days
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return datetime.combine(day, END_OF_DAY, start.tzinfo)


def working_days_between(start: datetime, end: datetime) -> int:
    """How many working days end between two moments of one time zone."""
    days = (end.date() - start.date()).days
    return sum(is_working_day(start.date() + timedelta(days=n)) for n in range(1, days + 1))


def due(start: datetime, kind: str, urgency: str = NORMAL) -> datetime:
    """When an answer is due: hours for urgent matters, else the end of a working day by the type of demand."""
    hours = limits().answer_hours.get(urgency)
    return start + timedelta(hours=hours) if hours else working_days_after(start, limits().answer_days[kind])


def contact_by(start: datetime, urgency: str) -> datetime:
    """When the unit must have spoken with the citizen, counted from dispatch."""
    return start + timedelta(hours=limits().contact_hours[urgency])


def after_pause(expected: datetime, paused: datetime, resumed: datetime, urgency: str) -> datetime:
    """The new due time after a pause: by the clock for urgent matters, by working days for others."""
    if urgency in limits().answer_hours:
        return expected + (resumed - paused)
    lost = working_days_between(paused, resumed)
    return working_days_after(expected, lost) if lost else expected


def extended(expected: datetime) -> datetime:
    """The due time after the one extension."""
    return working_days_after(expected, limits().extension_days)
