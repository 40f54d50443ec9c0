"""Places told in English: names before a road or building word, numbered parts, and capitals after a preposition."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.queries import NLU_DATA

WORD_FILE = NLU_DATA / "lookups" / "place_words.csv"


@lru_cache(maxsize=1)
def place_words() -> dict[str, str]:
    """Alternatives of a pattern by kind: what ends a name, numbers a part, tells a side, names no place."""
    kinds: dict[str, list[str]] = {}
    with WORD_FILE.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            kinds.setdefault(row["kind"], []).append(row["word"])
    return {kind: "|".join(map(re.escape, sorted(words, key=len, reverse=True))) for kind, words in kinds.items()}


_KIND = place_words()["english_end"]
_SKIPPED = place_words()["english_grammar"]
_PART = place_words()["english_part"]
_LEAD = (
    r"at|in|on|near|by|beside|behind|opposite|outside|inside|around|next to|close to|in front of|across from|between|"
    r"of|from|to|is|it's|its|along|under|over"
)
_NUMBER = r"(?:no\.?\s*|number\s*)?(?:[a-z]?\d+(?:-\d+)*[a-z]?|[a-z])"
_COUNTED = r"\s(?:am|pm|minutes|hours|days|weeks|months|years|times|people)"
_LENGTH = r"(?:met(?:re|er)s?|k?m|minutes?|hours?|days?)\s"
_AFTER = rf"(?:,?\s(?:{_PART})\s{_NUMBER}(?![a-z0-9])|\s\d{{1,4}}[a-z]?(?![a-z0-9:.]|{_COUNTED}))*"
_PLACE = re.compile(
    rf"\b(?:{_LEAD})\s+(?P<place>(?:the\s+)?(?:(?!(?:{_SKIPPED})\b)[a-z0-9'\-]+\s+){{1,4}}(?:{_KIND}){_AFTER})(?![a-z0-9])"
)
_NAMED = re.compile(rf"(?<![a-z0-9])(?:(?!(?:{_SKIPPED})\b)[a-z0-9']+ ){{1,2}}(?:{_KIND})(?![a-z0-9])")
_GENERIC = re.compile(rf"^(?:(?:the|same|whole|main|entire|{place_words()['english_common']}) )*(?:{_KIND})$")
_NUMBERED = re.compile(
    rf"\b(?:{_PART})\s+{_NUMBER}(?![a-z0-9])"
    rf"|\b\d+(?:-\d+)*[a-z]?\s+(?!{_LENGTH})(?:(?:[a-z'\-]+|\d+(?:st|nd|rd|th))\s+){{0,3}}(?:road|rd|street|st|avenue|ave|lane)\b"
)
_WORD = r"[A-Z][A-Za-z]*(?:['\-][A-Za-z]+)*"
_NAME = rf"{_WORD}(?: (?:\d+(?:st|nd|rd|th) )?{_WORD})*"
_CAPITAL_KIND = re.compile(
    rf"(?<![A-Za-z])(?P<name>{_NAME}(?: \d+(?:st|nd|rd|th))?),? (?P<kind>(?i:{_KIND}))(?i:{_AFTER})(?![A-Za-z0-9])"
)
_CAPITAL_LED = re.compile(
    r"\b(?i:at|in|on|near|beside|behind|opposite|outside|inside|around|along|under|"
    r"place is|address is|location is|it is|it's) "
    rf"(?:the |The )?(?P<name>{_NAME})(?i:{_AFTER})(?![A-Za-z0-9])"
)
_NOT_NAMES = re.compile(rf"^(?:{place_words()['english_capital']})(?: |$)", re.I)
_SYLLABLE = (
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:i?ang|i?ong|u?ang|ing|eng|ia[no]?|ua[ni]?|i[eun]|u[eino]|a[ino]|e[inr]|ou|"
    r"[aeiouv])(?:ng?)?)"
)
_PINYIN = re.compile(rf"^{_SYLLABLE}{{2,}}(?:'{_SYLLABLE}+)?(?:\W.*)?$", re.I | re.S)
_VERB = re.compile(rf"^(?:{place_words()['english_verb']})$")
GLUE = re.compile(
    r"^\s*(?:,|and|at|in|of|near|on|the|by|opposite|next to|corner of|subdistrict|district|,\s*in|,\s*near|-|/)?"
    r"\s*(?:the\s*)?$"
)


def english_places(cased: str) -> Iterator[tuple[int, int]]:
    """Character spans of a text in normal form, but for its capitals, that tell a place in English."""
    text = cased.lower()
    for match in _PLACE.finditer(text):
        if not _GENERIC.match(match["place"]):
            yield match.span("place")
    for match in _NUMBERED.finditer(text):
        yield match.span()
    if re.search("[\u3400-\u9fff]", text):
        for match in _NAMED.finditer(text):
            if not _GENERIC.match(match.group()):
                yield match.span()
    yield from _capitals(cased)


def _capitals(cased: str) -> Iterator[tuple[int, int]]:
    """Names written with capitals; a text all in capitals, or in none, has no such cue."""
    if cased == cased.upper() or cased == cased.lower():
        return
    for pattern in (_CAPITAL_KIND, _CAPITAL_LED):
        for match in pattern.finditer(cased):
            start, end = match.start("name"), match.end()
            if pattern is _CAPITAL_KIND and _VERB.match(match["kind"]) and " " not in match["name"]:
                continue
            while (word := _NOT_NAMES.match(cased[start:end])) is not None:
                start += word.end()
            plain = pattern is _CAPITAL_KIND or _PINYIN.match(cased[start : match.end("name")])
            if plain and start < end and cased[start].isupper() and not _GENERIC.match(cased[start:end].lower()):
                yield start, end
