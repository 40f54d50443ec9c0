"""From text to the rows of the transformer: word pieces for Latin words, longest words in Chinese runs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

from knowledge.vocabulary import HAN, is_han, normalise_text

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
INSIDE = "##"  # marks a piece that continues a word
UNITS = re.compile(rf"([{HAN}]+)|([^\W_{HAN}]+)|[^\w\s]|_")
MARKS = str.maketrans("。、《》", '.,""')
LONGEST_WORD = 100  # letters; a longer one is unknown
CACHED_WORDS = 20_000


class Pieces:
    """Maps text to rows: START, the known pieces in reading order, END.

    A Chinese run is cut greedily into its longest known words, unknown characters left
    out; any other word into word pieces, as BERT does.
    """

    def __init__(self, units: Sequence[str]) -> None:
        self.units = tuple(units)
        self.row = {unit: row for row, unit in enumerate(self.units)}
        self.start, self.end, self.unknown = self.row[START], self.row[END], self.row[UNKNOWN]
        self._longest_han = max((len(unit) for unit in self.units if is_han(unit)), default=1)
        self._word_rows = lru_cache(CACHED_WORDS)(self._cut_word)

    def read(self, text: str, longest: int, shorten: Callable[[], bool] | None = None) -> list[int]:
        """Rows of at most `longest` pieces with START and END; none where no word is known.

        `shorten`, asked at every Chinese word of two characters or more, makes training
        see the same word in smaller parts now and then.
        """
        rows: list[int] = []
        known = False
        for unit in UNITS.finditer(plain(text)):
            if unit[1]:
                found = self._han_rows(unit[1], shorten)
                known = known or bool(found)
                rows += found
            elif unit[2]:
                known = True
                rows += self._word_rows(unit[2])
            else:
                rows.append(self.row.get(unit[0], self.unknown))
        return [self.start, *rows[: longest - 2], self.end] if known else []

    def _han_rows(self, run: str, shorten: Callable[[], bool] | None) -> list[int]:
        rows: list[int] = []
        at = 0
        while at < len(run):
            size = min(self._longest_han, len(run) - at)
            while size > 1 and (run[at : at + size] not in self.row or (shorten is not None and shorten())):
                size -= 1
            if (row := self.row.get(run[at : at + size])) is not None:
                rows.append(row)
            at += size
        return rows

    def _cut_word(self, word: str) -> tuple[int, ...]:
        rows: list[int] = []
        at, end = 0, len(word) if len(word) <= LONGEST_WORD else 0
        while end > at:
            piece = word[at:end] if at == 0 else INSIDE + word[at:end]
            if (row := self.row.get(piece)) is not None:
                rows.append(row)
                at, end = end, len(word)
            else:
                end -= 1
        return tuple(rows) if rows and at == len(word) else (self.unknown,)


def plain(text: str) -> str:
    """The normal form without accents and with Western full stops and commas."""
    text = normalise_text(text).translate(MARKS)
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")
