"""Words that go back to something spoken of before ("back to the licence", "刚才那个")."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from knowledge.normal import LOOKUPS, normalise

RETURNS_FILE = LOOKUPS / "returns.csv"


@lru_cache(maxsize=1)
def _returns() -> re.Pattern[str]:
    with RETURNS_FILE.open(encoding="utf-8") as rows:
        phrases = sorted((normalise(row["phrase"]).text for row in csv.DictReader(rows)), key=len, reverse=True)
    return re.compile("|".join(rf"\b{re.escape(one)}\b" if one.isascii() else re.escape(one) for one in phrases))


def returns(text: str) -> bool:
    """Whether a canonical text says that it goes back to something."""
    return bool(_returns().search(text))


def without_return(text: str) -> str:
    """The canonical text with those words taken out."""
    return " ".join(_returns().sub(" ", text).split())
