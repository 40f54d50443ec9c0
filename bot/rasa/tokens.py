"""Tokens as Rasa counts them, and the smaller units our own tagger reads; offsets in characters of the message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import rjieba

HAN = "\u3400-\u9fff\uf900-\ufaff"
JIEBA, WHITESPACE = "JiebaTokenizer", "WhitespaceTokenizer"
_CHUNK = re.compile(r"\S+")
# What a word may hold inside besides letters and digits; anything else parts it unless it stands at a digit.
_PARTING = re.compile(r"(?<=[^0-9\s])[^\w._~:/?#\[\]()@!$&*+,;=\-]+(?=[^0-9\s])")
_EDGES = "#@&"
_UNIT = re.compile(rf"[{HAN}]|[^\W\d_{HAN}]+|\d+|\S")
_HAN_RUN = re.compile(rf"[{HAN}]+")


@dataclass(frozen=True)
class Token:
    """A stretch of a message; `word` is the segmenter's word around it and `place` where in that word it stands."""

    start: int
    end: int
    text: str
    word: str = ""
    place: str = "S"


def tokenize(text: str, tokenizer: str) -> tuple[Token, ...]:
    """The tokens of the pipeline's tokenizer: segmented words for Chinese, else what stands between spaces."""
    if tokenizer == JIEBA:
        return _segmented(text, guessing=True)
    found = [token for chunk in _CHUNK.finditer(text) for token in _words(text, chunk.start(), chunk.end())]
    return tuple(found) if found else (Token(0, len(text), text),)


def _words(text: str, start: int, end: int) -> list[Token]:
    """The words of a run without spaces, without the marks at its edges."""
    found, at = [], start
    for gap in [*_PARTING.finditer(text, start, end), None]:
        stop = gap.start() if gap else end
        first, last = at, stop
        while first < last and not _is_of_word(text[first]) and not text[first + 1 : first + 2].isdigit():
            first += 1
        while last > first and not _is_of_word(text[last - 1]):
            last -= 1
        if first < last:
            found.append(Token(first, last, text[first:last]))
        at = gap.end() if gap else end
    return found


def _is_of_word(char: str) -> bool:
    return char.isalnum() or char == "_" or char in _EDGES


@lru_cache(maxsize=1)
def _segmenter() -> rjieba.Jieba:
    return rjieba.Jieba()


def _segmented(text: str, guessing: bool) -> tuple[Token, ...]:
    """The segmenter's words; with `guessing` it makes up words it does not know, as Rasa's does."""
    found, at = [], 0
    for word in _segmenter().cut(text, guessing):
        found.append(Token(at, at + len(word), word))
        at += len(word)
    return tuple(found)


def units(text: str) -> tuple[Token, ...]:
    """Han characters, runs of other letters, runs of digits and single marks, with the words around the characters."""
    around: dict[int, tuple[str, str]] = {}
    for run in _HAN_RUN.finditer(text):
        for word in _segmented(run.group(), guessing=False):
            last = word.end - word.start - 1
            for offset in range(last + 1):
                place = "S" if last == 0 else "B" if offset == 0 else "E" if offset == last else "M"
                around[run.start() + word.start + offset] = (word.text, place)
    found = []
    for match in _UNIT.finditer(text):
        around_it, stands = around.get(match.start(), (match.group().lower(), "S"))
        found.append(Token(match.start(), match.end(), match.group(), around_it, stands))
    return tuple(found)
