"""The two things a message compares: its text cut where one name may end and the other begin."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.said import LOOKUPS

WORD_FILE = LOOKUPS / "compare_words.csv"
JOIN, WEAK_JOIN, FRAME = "join", "weak_join", "frame"
MAX_CUTS = 6
EDGE = " ,，.。?？!！;；:："


@dataclass(frozen=True)
class Cut:
    """What stands on either side of one cut; a side that names nothing is empty."""

    left: str
    right: str


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    with WORD_FILE.open(encoding="utf-8") as rows:
        table = [(row["kind"], row["word"]) for row in csv.DictReader(rows)]
    patterns = {}
    for kind in (JOIN, WEAK_JOIN, FRAME):
        words = sorted((word for one, word in table if one == kind), key=len, reverse=True)
        parts = (
            rf"\b{re.escape(word)}(?!\w)" if word[0].isascii() and word.isascii() and word != "/" else re.escape(word)
            for word in words
        )
        patterns[kind] = re.compile("|".join(parts))
    return patterns


def cuts_of(text: str) -> tuple[Cut, ...]:
    """Every way to cut a canonical text in two at a joining word, the surer words first."""
    patterns = _patterns()
    found = [match for kind in (JOIN, WEAK_JOIN) for match in patterns[kind].finditer(text)]
    cuts = (Cut(_bare(text[: match.start()]), _bare(text[match.end() :])) for match in found)
    return tuple(dict.fromkeys(cuts))[:MAX_CUTS]


def one_mention(text: str) -> str:
    """What is left of a text that compares with something told before."""
    return _bare(_patterns()[JOIN].sub(" ", text))


def _bare(text: str) -> str:
    """A side without the words that only ask for a comparison."""
    frame = _patterns()[FRAME]
    return re.sub(r"\s+", " ", frame.sub(" ", text)).strip(EDGE)
