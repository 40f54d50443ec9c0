"""Words that name a kind of live data, or an official warning, in a message."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import lru_cache

from knowledge.normal import LOOKUPS


@lru_cache(maxsize=1)
def _words() -> Mapping[str, re.Pattern[str]]:
    """One pattern a kind; English words from the start of a word."""
    forms: dict[str, list[str]] = {}
    with (LOOKUPS / "live_words.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            word = re.escape(row["word"])
            forms.setdefault(row["kind"], []).append(rf"\b{word}" if row["language"] == "en" else word)
    return {kind: re.compile("|".join(words)) for kind, words in forms.items()}


def kinds_named(text: str) -> frozenset[str]:
    """The kinds a canonical text names: `weather`, `roads`, `warnings`."""
    return frozenset(kind for kind, pattern in _words().items() if pattern.search(text))
