"""Words that ask for a person whatever else a message says, in more languages than the assistant speaks."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import lru_cache

from knowledge.queries import NLU_DATA

PERSON_FILE = NLU_DATA / "lookups" / "person_asked.csv"


@lru_cache(maxsize=1)
def _words() -> Mapping[str, re.Pattern[str]]:
    with PERSON_FILE.open(encoding="utf-8", newline="") as rows:
        table = [(row["rule"], row["pattern"]) for row in csv.DictReader(rows)]
    rules = ("asked", "unless")
    return {rule: re.compile("|".join(f"(?:{one})" for other, one in table if other == rule), re.I) for rule in rules}


def asks_person(text: str) -> bool:
    """Whether a canonical text, without what it takes back, asks for a person in so many words."""
    return bool(_words()["asked"].search(text)) and not _words()["unless"].search(text)
