"""Lists of phrases in nlu_data/lookups, read as one pattern."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from knowledge.normal import LOOKUPS, normalise


@lru_cache(maxsize=8)
def phrases(name: str) -> re.Pattern[str]:
    """Any phrase of a list in normal form, the longest first; an English one only as whole words."""
    with (LOOKUPS / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
        listed = sorted((normalise(row["phrase"]).text for row in csv.DictReader(rows)), key=len, reverse=True)
    return re.compile("|".join(rf"\b{re.escape(one)}\b" if one.isascii() else re.escape(one) for one in listed))
