"""Which detail of a service a message asks for: papers, fee, time, place, online, phone, steps, who can."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from knowledge.queries import NLU_DATA

ASPECT_FILE = NLU_DATA / "lookups" / "aspects.csv"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    with ASPECT_FILE.open(encoding="utf-8") as rows:
        table = list(csv.DictReader(rows))
    found: dict[str, list[str]] = {}
    for row in table:
        phrase = re.escape(row["phrase"])
        bounded = rf"\b{phrase}\b" if row["phrase"].isascii() else phrase
        found.setdefault(row["aspect"], []).append(bounded)
    return tuple(
        (aspect, re.compile("|".join(sorted(phrases, key=len, reverse=True)))) for aspect, phrases in found.items()
    )


def aspects_of(text: str) -> tuple[str, ...]:
    """The aspects a canonical text names, in the order of the table."""
    return tuple(aspect for aspect, pattern in _patterns() if pattern.search(text))


def without_aspects(text: str) -> str:
    """The canonical text with the words that name an aspect taken out."""
    for _, pattern in _patterns():
        text = pattern.sub(" ", text)
    return " ".join(text.split())
