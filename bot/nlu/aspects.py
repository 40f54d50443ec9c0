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
WHETHER = re.compile(
    r"能不能|可不可以|可唔可以|得唔得|行不行|够不够|算不算|符不符合|"
    r"(?:能|可以|够|满足|符合|轮得到)[^,，。]{0,14}(?:吗|么|嘛|不|没|呀)(?:$|[?？,，])|"
    r"(?<!how )(?<!where )(?<!when )(?<!what )\b(?:can|could|may|would|do|does|am|are|is) "
    r"(?:i|we|he|she|they|my|our|his|her|their|someone|anyone)\b|"
    r"\b(?:he|she|i|we|they) can\b|\b(?:too old|too young|old enough|eligible|qualify)\b"
)
CIRCUMSTANCE = re.compile(
    r"\d|[一二三四五六七八九十]岁|周岁|户口|户籍|单身|离异|已婚|未成年|\byears? old\b|\baged\b|\bvisa\b|\bhukou\b"
)


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


def asks_whether(text: str) -> bool:
    """Whether a canonical text asks if somebody can or may do something."""
    return bool(WHETHER.search(text))


def tells_circumstance(text: str) -> bool:
    """Whether a canonical text tells an age, a number of years, a visa or a household registration."""
    return bool(CIRCUMSTANCE.search(text))


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
