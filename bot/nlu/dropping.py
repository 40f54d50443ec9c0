"""A running matter dropped in so many words, and what the same message wants beside that."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.said import LEAD, LOOKUPS, TRIM, short_answer
from knowledge.normal import normalise

WORD_FILE = LOOKUPS / "drop_words.csv"
CLAUSES = re.compile(r"[^,，.。!！;；~…?？]+[,，.。!！;；~…?？]*\s*")


@dataclass(frozen=True)
class Dropped:
    """Whether a message drops what is running, and its words without those that do."""

    drops: bool
    rest: str


def dropped(text: str) -> Dropped:
    """A message without the dropping clauses at both its ends ("算了，我想…", "forget the report, how do I …")."""
    clauses = CLAUSES.findall(text)
    first = next((at for at, clause in enumerate(clauses) if not _drops(clause)), len(clauses))
    last = next((at for at, clause in enumerate(reversed(clauses[first:])) if not _drops(clause)), 0)
    kept: Sequence[str] = clauses[first : len(clauses) - last]
    return Dropped(len(kept) < len(clauses), "".join(kept).strip())


def _drops(clause: str) -> bool:
    clean = TRIM.sub("", normalise(clause).text)
    return short_answer(clause) == "cancel" or any(
        pattern.fullmatch(form) for pattern in _patterns() for form in (clean, LEAD.sub("", clean))
    )


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], ...]:
    with WORD_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple(re.compile(row["pattern"]) for row in csv.DictReader(rows))
