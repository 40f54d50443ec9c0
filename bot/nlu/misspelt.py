"""English words one slip of the keyboard away from a few that matter: "conect", "humna"."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from functools import lru_cache

from knowledge.queries import NLU_DATA

WORD_FILES = (NLU_DATA / "lookups" / "english_words.csv", NLU_DATA / "lookups" / "english_words_more.csv")
WORD = re.compile(r"[a-z]{4,}")
# From so many letters on two slips are forgiven, or one letter more or less.
LONG, ANY = 9, 5


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Ordinary English words."""
    found: set[str] = set()
    for path in WORD_FILES:
        with path.open(encoding="utf-8", newline="") as rows:
            found |= {row["word"] for row in csv.DictReader(rows)}
    return frozenset(found)


def written_right(text: str, keys: Collection[str]) -> str:
    """A text in small letters with every word that is none, but nearly a key word, as that key word."""
    return WORD.sub(lambda found: _meant(found.group(), frozenset(keys)), text)


@lru_cache(maxsize=1024)
def _meant(word: str, keys: frozenset[str]) -> str:
    if word in keys or word in english_words():
        return word
    near = sorted((slips(word, key), key) for key in keys if abs(len(word) - len(key)) <= 2)
    for count, key in near:
        most = 2 if len(key) >= LONG else 1
        if count <= most and (len(key) >= ANY or (len(word) == len(key) and sorted(word) == sorted(key))):
            return key
    return word


def slips(word: str, meant: str) -> int:
    """How many letters are missing, too many, wrong, or changed places with the next."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for place, letter in enumerate(word, 1):
        last, before, row = before, row, [place]
        for other, wanted in enumerate(meant, 1):
            cost = min(before[other] + 1, row[-1] + 1, before[other - 1] + (letter != wanted))
            if place > 1 and other > 1 and letter == meant[other - 2] and word[place - 2] == wanted:
                cost = min(cost, last[other - 2] + 1)
            row.append(cost)
    return row[-1]
