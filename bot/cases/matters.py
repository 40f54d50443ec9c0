"""What a report is about: things (a lamp, a lift) and troubles (dark, blocked) of a city, in either language.

The encoder tells matters apart by their drift; a shared thing or trouble named by both reports is the surer sign.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from knowledge.queries import NLU_DATA

WORD_FILE = NLU_DATA / "lookups" / "matter_words.csv"
FACETS = ("thing", "trouble")


@lru_cache(maxsize=1)
def _words() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    with WORD_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple((row["facet"], row["concept"], re.compile(row["pattern"])) for row in csv.DictReader(rows))


def matters_of(clean: str) -> dict[str, frozenset[str]]:
    """The things and troubles that a canonical text names, by facet."""
    found: dict[str, set[str]] = {facet: set() for facet in FACETS}
    for facet, concept, pattern in _words():
        if pattern.search(clean):
            found[facet].add(concept)
    return {facet: frozenset(concepts) for facet, concepts in found.items()}
