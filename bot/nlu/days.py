"""The days a message asks about."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from functools import lru_cache

from knowledge.normal import LOOKUPS


@lru_cache(maxsize=1)
def _days() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    with (LOOKUPS / "days.csv").open(encoding="utf-8", newline="") as rows:
        return tuple(
            (re.compile(rf"\b{row['word']}\b" if row["word"].isascii() else row["word"]), row["days"], row["weekday"])
            for row in csv.DictReader(rows)
        )


def days_told(text: str, today: date) -> tuple[date, ...]:
    """The days named in a canonical text, none of them past; empty when none is named."""
    for pattern, days, weekdays in _days():
        if not pattern.search(text):
            continue
        if days:
            return (today + timedelta(days=int(days)),)
        numbers = [int(number) for number in weekdays.split("|")]
        last = today + timedelta(days=(numbers[-1] - today.weekday()) % 7)
        named = (last - timedelta(days=numbers[-1] - number) for number in numbers)
        return tuple(day for day in named if day >= today)
    return ()
