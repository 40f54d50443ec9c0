"""When an answer is due: working days on the Chinese calendar with holidays and make-up working days."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

from knowledge.catalogue import CATALOGUE
from knowledge.yaml_file import read_yaml

END_OF_DAY = time(18, 0)


@lru_cache(maxsize=1)
def calendar(path: Path = CATALOGUE / "calendars" / "cn.csv") -> Mapping[date, bool]:
    """Days off (False) and make-up working days (True) that differ from the week."""
    with path.open(encoding="utf-8") as rows:
        return {date.fromisoformat(row["date"]): row["day"] == "work" for row in csv.DictReader(rows)}


@lru_cache(maxsize=1)
def limits() -> Mapping[str, int]:
    """Working days by type of demand."""
    found: dict[str, int] = read_yaml(CATALOGUE / "deadlines.yml")
    return found


def is_working_day(day: date) -> bool:
    """By the published calendar; a year without one is Monday to Friday."""
    return calendar().get(day, day.weekday() < 5)


def due(filed_at: datetime, kind: str) -> datetime:
    """The end of the working day on which an answer to this type is due."""
    day, left = filed_at.date(), limits()[kind]
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return datetime.combine(day, END_OF_DAY, filed_at.tzinfo)
