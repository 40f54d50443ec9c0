"""From text to the rows of the static encoder: normal form, units, help for unseen words."""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase

from opencc import OpenCC

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
LATIN = "0-9a-z\u00df-\u00f6\u00f8-\u024f"
RUNS = re.compile(rf"([{HAN}]+)|[{LATIN}]+(?:'[{LATIN}]+)*")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
TO_SIMPLIFIED = OpenCC("t2s")
SHORTEST_REPAIR = 5  # letters; shorter words have too many neighbours
CACHED_WORDS = 20_000
CACHED_TEXTS = 256  # both built-in faces read the same text
REPAIR_TARGETS = 10_000  # most frequent English words; a rarer one would swallow place names


@lru_cache(CACHED_TEXTS)
def normalise_text(text: str) -> str:
    """NFKC, lower case, simplified characters, one kind of apostrophe, nothing invisible."""
    text = unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).lower().replace("\u2019", "'")
    return str(TO_SIMPLIFIED.convert(text))


def is_han(unit: str) -> bool:
    """Whether a unit or run of RUNS is Chinese."""
    run = RUNS.match(unit)
    return bool(run and run[1])


class Vocabulary:
    """Maps text to weighted rows of the static model.

    Known units own rows 0 … len(units)-1: Chinese characters and words, which overlap,
    and English words, the most frequent first. A word outside them takes the row of the
    most frequent common word that is one slip away; where there is none, it is spread over
    `buckets` further rows, chosen by hashing its character n-grams.
    """

    def __init__(self, units: Sequence[str], buckets: int, grams: tuple[int, int]) -> None:
        self.units = tuple(units)
        self.buckets = buckets
        self.grams = grams
        self.row = {unit: row for row, unit in enumerate(self.units)}
        first_word = next((row for unit, row in self.row.items() if not is_han(unit)), 0)
        self._repair_end = first_word + REPAIR_TARGETS
        self._word_rows = lru_cache(CACHED_WORDS)(self._found_word)
        self._longest_han = max((len(unit) for unit in self.units if is_han(unit)), default=1)

    def read(self, text: str) -> tuple[list[int], list[float]]:
        """Rows of the text's units and their weights, in reading order."""
        rows: list[int] = []
        weights: list[float] = []
        for run in RUNS.finditer(normalise_text(text)):
            found = self._han_rows(run[0]) if run[1] else self._word_rows(run[0])
            rows += found
            weights += [1.0 if run[1] else 1.0 / len(found)] * len(found)
        return rows, weights

    def gram_rows(self, word: str) -> list[int]:
        """Bucket rows of the word's character n-grams, word edges marked; never empty."""
        marked = f"<{word}>"
        shortest, longest = self.grams
        return [
            len(self.units) + zlib.crc32(marked[start : start + size].encode()) % self.buckets
            for size in range(shortest, longest + 1)
            for start in range(max(1, len(marked) - size + 1))
        ]

    def _found_word(self, word: str) -> list[int]:
        if (row := self.row.get(word)) is not None:
            return [row]
        if len(word) >= SHORTEST_REPAIR and word.isalpha():
            near = min(self.row.get(form, self._repair_end) for form in one_slip_away(word))
            if near < self._repair_end:
                return [near]
        return self.gram_rows(word)

    def _han_rows(self, run: str) -> list[int]:
        row = self.row
        return [
            row[unit]
            for start in range(len(run))
            for end in range(start + 1, min(len(run), start + self._longest_han) + 1)
            if (unit := run[start:end]) in row
        ]


def one_slip_away(word: str) -> Iterator[str]:
    """Every form with two neighbours swapped, one letter dropped, replaced or added."""
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in ascii_lowercase)
        yield from (head + letter + tail for letter in ascii_lowercase)
