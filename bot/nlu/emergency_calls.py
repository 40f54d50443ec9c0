"""A message that only wants the police, an ambulance or the fire brigade called."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from bot.nlu.said import LEAD, LOOKUPS, TRIM
from knowledge.normal import normalise

CALL_FILE = LOOKUPS / "emergency_calls.csv"


def wants_emergency_call(text: str) -> bool:
    """Whether all that a message says is to call 110, 119, 120, 122 or those who answer there."""
    clean = TRIM.sub("", normalise(text).text)
    return any(pattern.fullmatch(form) for pattern in _patterns() for form in (clean, LEAD.sub("", clean)))


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], ...]:
    with CALL_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple(re.compile(row["pattern"]) for row in csv.DictReader(rows))
