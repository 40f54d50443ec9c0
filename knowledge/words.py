"""The terms that lexical search and classifiers see: characters, words, English stems and sounds."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

import rjieba
import snowballstemmer

from knowledge.pinyin import toneless

UNIT = re.compile(r"[a-z0-9][a-z0-9'’\-]*|[\u3400-\u9fff]+")
_STEMMER = snowballstemmer.stemmer("english")
STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "i",
        "my",
        "me",
        "you",
        "your",
        "we",
        "our",
        "it",
        "its",
        "is",
        "are",
        "am",
        "be",
        "was",
        "were",
        "do",
        "does",
        "did",
        "to",
        "of",
        "in",
        "on",
        "at",
        "for",
        "from",
        "with",
        "and",
        "or",
        "but",
        "if",
        "so",
        "that",
        "this",
        "these",
        "those",
        "there",
        "here",
        "have",
        "has",
        "had",
        "can",
        "could",
        "will",
        "would",
        "shall",
        "should",
        "may",
        "might",
        "must",
        "please",
        "how",
        "what",
        "where",
        "when",
        "which",
        "who",
        "why",
        "need",
        "want",
        "get",
        "about",
        "just",
        "now",
        "im",
        "i'm",
        "dont",
        "don't",
        "it's",
    ]
)
SOUND_MERGES = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))


@lru_cache(maxsize=20000)
def stem(word: str) -> str:
    """An English word without its ending."""
    return str(_STEMMER.stemWord(word.replace("’", "'").removesuffix("'s")))


@lru_cache(maxsize=20000)
def sound(char: str) -> str:
    """The toneless sound of a Chinese character, with the pairs merged that southern speakers merge."""
    syllable = toneless(char)
    for one, other in SOUND_MERGES:
        syllable = syllable.replace(one, other)
    return "l" + syllable[1:] if syllable.startswith("n") else syllable


@lru_cache(maxsize=256)
def search_terms(text: str) -> tuple[str, ...]:
    """Terms of a canonical text for BM25: zh characters, pairs of them and of their sounds, en stems and pairs."""
    terms: list[str] = []
    previous = ""
    for unit in UNIT.findall(text):
        if unit[0].isascii():
            if unit in STOP:
                continue
            stemmed = stem(unit)
            terms.append(stemmed)
            if previous:
                terms.append(f"{previous} {stemmed}")
            previous = stemmed
            continue
        previous = ""
        terms.extend(unit)
        pairs = list(itertools.pairwise(unit))
        terms.extend(one + other for one, other in pairs)
        terms.extend(f"{sound(one)}_{sound(other)}" for one, other in pairs)
    return tuple(terms)


@lru_cache(maxsize=256)
def features(text: str) -> tuple[str, ...]:
    """Terms of a canonical text for classifiers: runs of 1-3 zh characters, words, sounds, en stems and pieces."""
    terms: list[str] = []
    english: list[str] = []
    for unit in UNIT.findall(text):
        if unit[0].isascii():
            english.append(stem(unit))
            padded = f"<{unit}>"
            terms.extend("#" + padded[i : i + 4] for i in range(max(1, len(padded) - 3)))
            continue
        for size in (1, 2, 3):
            terms.extend(unit[i : i + size] for i in range(len(unit) - size + 1))
        sounds = [sound(char) for char in unit]
        terms.extend(f"{one}_{other}" for one, other in itertools.pairwise(sounds))
        terms.extend("w:" + word for word in rjieba.cut(unit, False) if len(word) > 1)
    terms.extend("e:" + word for word in english)
    terms.extend(f"e:{one} {other}" for one, other in itertools.pairwise(english))
    if text.endswith(("?", "？", "吗", "呢")):
        terms.append("?end")
    return tuple(terms)
