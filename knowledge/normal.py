"""Text brought to one form, so that full-width, traditional and Cantonese writing meet the same words."""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import opencc

LOOKUPS = Path(__file__).resolve().parents[1] / "nlu_data" / "lookups"
_TO_SIMPLIFIED = opencc.OpenCC("t2s")
INVISIBLE = {"Cf", "Cc", "Mn", "Me", "So", "Sk", "Cs", "Co", "Cn"}


@dataclass(frozen=True)
class NormalText:
    """A text in normal form; `origin[i]` is where character i stood in the original."""

    text: str
    origin: tuple[int, ...]
    original: str

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of a span in the normal form."""
        if start >= end:
            return (0, 0)
        return self.origin[start], self.origin[end - 1] + 1


@lru_cache(maxsize=20000)
def normal_character(char: str) -> str:
    """One character in normal form: NFKC, simplified, lower case; invisible ones and symbols vanish."""
    if char in "\n\t\r":
        return " "
    folded = unicodedata.normalize("NFKC", char)
    kept = "".join(c for c in folded if unicodedata.category(c) not in INVISIBLE)
    return _TO_SIMPLIFIED.convert(kept).lower() if kept else ""


@lru_cache(maxsize=1024)
def normalise(text: str) -> NormalText:
    """The normal form of a text, with an offset map."""
    characters: list[str] = []
    origin: list[int] = []
    for index, char in enumerate(text):
        for folded in normal_character(char):
            if folded == " " and (not characters or characters[-1] == " "):
                continue
            characters.append(folded)
            origin.append(index)
    return NormalText("".join(characters), tuple(origin), text)


@lru_cache(maxsize=1)
def _cantonese() -> tuple[re.Pattern[str], dict[str, str]]:
    with (LOOKUPS / "cantonese.csv").open(encoding="utf-8") as lines:
        table = {normalise(row["cantonese"]).text: row["mandarin"] for row in csv.DictReader(lines)}
    longest_first = sorted(table, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), table


@lru_cache(maxsize=1)
def _fillers() -> re.Pattern[str]:
    with (LOOKUPS / "fillers.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    zh = sorted((row["filler"] for row in rows if row["language"] == "zh"), key=len, reverse=True)
    en = sorted((row["filler"] for row in rows if row["language"] == "en"), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, zh)) + r"|\b(?:" + "|".join(map(re.escape, en)) + r")\b")


@lru_cache(maxsize=1024)
def canonical(text: str, cantonese: bool = False) -> str:
    """The text that search and classifiers see: normal form, Cantonese in Mandarin words, no fillers.

    A text of fillers only is returned in normal form, so nothing ever becomes empty by cleaning.
    """
    normal = normalise(text).text.strip()
    if cantonese:
        pattern, table = _cantonese()
        normal = pattern.sub(lambda found: table[found.group()], normal)
    cleaned = re.sub(r"\s+", " ", _fillers().sub(" ", normal)).strip(" ,.;:!?，。；：！？、~…")
    return cleaned or normal
