"""Which detail of a service a message asks for: papers, fee, time, place, online, phone, steps, who can."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from knowledge.queries import NLU_DATA
from knowledge.words import sound

ASPECT_FILE = NLU_DATA / "lookups" / "aspects.csv"
SHORTEST_HEARD = 3
CJK_START = "\u3400"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    with ASPECT_FILE.open(encoding="utf-8") as rows:
        table = list(csv.DictReader(rows))
    found: dict[str, list[str]] = {}
    for row in table:
        phrase = re.escape(row["phrase"])
        bounded = rf"(?<![a-z]){phrase}(?![a-z])" if row["phrase"].isascii() else phrase
        found.setdefault(row["aspect"], []).append(bounded)
    return tuple(
        (aspect, re.compile("|".join(sorted(phrases, key=len, reverse=True)))) for aspect, phrases in found.items()
    )


def aspects_of(text: str) -> tuple[str, ...]:
    """The aspects a canonical text names, in the order of the table; by sound where no word is written right."""
    found = tuple(aspect for aspect, pattern in _patterns() if pattern.search(text))
    if found or text.isascii():
        return found
    heard = sounds_of(text)
    return tuple(aspect for aspect, phrases in _sounds() if any(phrase in heard for phrase in phrases))


@lru_cache(maxsize=1)
def _sounds() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The sounds of each aspect's Chinese phrases of SHORTEST_HEARD characters and more."""
    with ASPECT_FILE.open(encoding="utf-8") as rows:
        table = [(row["aspect"], row["phrase"]) for row in csv.DictReader(rows)]
    long = [(aspect, phrase) for aspect, phrase in table if len(phrase) >= SHORTEST_HEARD and min(phrase) > CJK_START]
    return tuple(
        (name, tuple(sounds_of(phrase) for aspect, phrase in long if aspect == name)) for name, _ in _patterns()
    )


def sounds_of(text: str) -> str:
    """The sounds of a text's Chinese characters, each followed by a bar, so that only whole sounds meet."""
    return "".join(f"{sound(char)}|" for char in text if char > CJK_START)


def without_aspects(text: str) -> str:
    """The canonical text with the words that name an aspect taken out."""
    for _, pattern in _patterns():
        text = pattern.sub(" ", text)
    return " ".join(text.split())
