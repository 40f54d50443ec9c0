"""The stretch of a sentence that tells a place, built around names, road words and house numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from spacy.tokens import Doc

from bot.nlu.english_places import GLUE, english_places, place_words
from knowledge.queries import NLU_DATA

LOOKUPS = NLU_DATA / "lookups"
STOP_FILE = LOOKUPS / "no_place_words.csv"
BREAK = ","
NAMED = {"district", "subdistrict", "road", "landmark"}


_ENDS_IN_SUFFIX = re.compile(f"^.+(?:{place_words()['end']})$")
_IS_SUFFIX = re.compile(f"^(?:{place_words()['end']})$")
_UNIT = re.compile(f"^(?:{place_words()['unit']})$")
_NEAR = re.compile(f"^(?:{place_words()['near']})$")
_ALONE = re.compile(f"^(?:{place_words()['alone']})$")
_GRAMMAR = re.compile(f"^[{place_words()['grammar'].replace('|', '')}]$")
_NUMBERED = re.compile(f"^第?[一二三四五六七八九十]+(?:{place_words()['unit']})$")
_NUMBER = re.compile(r"^第?(?:[a-z]?\d+[a-z]?(?:-\d+)*|[a-z]|[一二三四五六七八九十]+)$")
_COUNTED = re.compile(r"^[一两几某那这每各]+[家个条间座处所栋辆位名些种]$")
_JOIN = re.compile(r"^(?:和|与|到|至|、|-|/|—|~|·|\(|\))$")
_AFTER = re.compile(r"^(?:在|到|是|于|从|住|去|[^\w\s]+)$")
_NO_NAME_TAGS = ("v", "p", "u", "d", "c", "r", "y", "e", "k", "o")
_GENERIC_KIND = re.compile(f"(?:{place_words()['generic']})$")
_VERB = re.compile(f"(?:{place_words()['verb']})$")
_COMMON = re.compile(f"^(?:{place_words()['common']})$")
NAMED_KIND_CHARS = 4


@lru_cache(maxsize=1)
def _stop_words() -> frozenset[str]:
    """Words that never belong to the name of a place."""
    with STOP_FILE.open(encoding="utf-8", newline="") as rows:
        return frozenset(row["word"] for row in csv.DictReader(rows))


def place_spans(
    doc: Doc, language: str, times: Sequence[tuple[int, int]] = (), cased: str = ""
) -> Iterator[tuple[int, int]]:
    """Character spans of a doc's text that tell a place; no word of a told time is part of one.

    `cased` is the same text with its capitals, where they are known.
    """
    spans = [*english_places(cased or doc.text), *_named(doc), *(() if language == "en" else _chinese(doc, times))]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and (start <= merged[-1][1] or GLUE.match(doc.text[merged[-1][1] : start])):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return iter(merged)


def _named(doc: Doc) -> Iterator[tuple[int, int]]:
    for span in doc.ents:
        if span.label_ in NAMED:
            yield span.start_char, span.end_char


def _chinese(doc: Doc, times: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    words = [BREAK if any(s <= token.idx < e for s, e in times) else token.text for token in doc]
    verbs = {
        token.text
        for token in doc
        if (token.tag_.startswith(_NO_NAME_TAGS) and token.tag_ != "vn") or (token.tag_ == "t" and len(token) > 1)
    }
    named = {index for span in doc.ents if span.label_ in NAMED for index in range(span.start, span.end)}
    index = 0
    while index < len(words):
        if not _opens(words, index, named, verbs):
            index += 1
            continue
        first, last = index, index + 1
        if index not in named:
            first = _back(words, index, named, verbs)
        while last < len(words) and (last in named or _continues(words, last, named, verbs)):
            last += 1
        while last > first + 1 and _JOIN.match(words[last - 1]):
            last -= 1
        text = "".join(words[first:last])
        generic = _COMMON.match(text) or (_GENERIC_KIND.search(text) and len(text) < NAMED_KIND_CHARS)
        generic = generic or _VERB.search(text)
        if any(position in named for position in range(first, last)) or (len(text) > 2 and not generic):
            yield doc[first].idx, doc[last - 1].idx + len(doc[last - 1])
        index = last


def _opens(words: list[str], index: int, named: set[int], verbs: set[str]) -> bool:
    word = words[index]
    if index in named:
        return True
    if word.isascii() or word in verbs or _ALONE.match(word):
        return False
    if _ENDS_IN_SUFFIX.match(word) and not _IS_SUFFIX.match(word):
        return True
    before = index - 1
    opened = before >= 0 and not _GENERIC_KIND.search(word) and _of_name(words[before])
    return bool(_IS_SUFFIX.match(word)) and (opened or _is_content(words, before, verbs))


def _is_content(words: list[str], index: int, verbs: set[str]) -> bool:
    if index < 0:
        return False
    word = words[index]
    return (
        word not in _stop_words()
        and not _GRAMMAR.match(word)
        and word not in verbs
        and not _COUNTED.match(word)
        and not _NEAR.match(word)
        and not _ALONE.match(word)
        and bool(re.match(r"^[\u3400-\u9fffa-z0-9]+$", word))
    )


def _back(words: list[str], index: int, named: set[int], verbs: set[str]) -> int:
    """Where the name before a road or estate word begins: two content words back, or where the clause opens."""
    first = index
    while first > 0 and index - first < 2 and _is_content(words, first - 1, verbs) and (first - 1) not in named:
        if len(words[first]) > 2 and not _IS_SUFFIX.match(words[first]):
            break
        first -= 1
    if _GENERIC_KIND.search(words[index]):
        return first
    far = first
    while far > max(0, index - 4) and (_is_content(words, far - 1, verbs) or _of_name(words[far - 1])):
        far -= 1
    opened = far == 0 or _AFTER.match(words[far - 1]) or (len(words[far - 1]) > 1 and words[far - 1] in verbs)
    return far if opened and not set(range(far, first)) & named else first


def _of_name(word: str) -> bool:
    """Whether one character may be part of a name, whatever its part of speech alone."""
    return bool(re.match("^[\u3400-\u9fff]$", word)) and not _GRAMMAR.match(word)


def _leads_on(words: list[str], index: int, named: set[int], verbs: set[str]) -> bool:
    """Whether one to four name words (or 的) come before a word that ends a place: 星河盛世旁边, 合水口村十巷."""
    start = index + (words[index] == "的")
    for ahead in range(start, min(start + 4, len(words) - 1)):
        if not (_is_content(words, ahead, verbs) or _of_name(words[ahead])):
            return False
        end = words[ahead + 1]
        counted = _NUMBER.match(end) and ahead + 2 < len(words) and _UNIT.match(words[ahead + 2])
        numbered = counted or _NUMBERED.match(end)
        closed = _ENDS_IN_SUFFIX.match(end) and not _ALONE.match(end)
        if _NEAR.match(end) or _IS_SUFFIX.match(end) or numbered or closed:
            return True
    return False


def _continues(words: list[str], index: int, named: set[int], verbs: set[str]) -> bool:
    word = words[index]
    if word == " ":
        return False
    if len(word) == 1 and index - 1 in named and _IS_SUFFIX.match(word) and _ENDS_IN_SUFFIX.match(words[index - 1]):
        return False  # 民治大道|路|灯不亮: the road is told in full
    if _NUMBER.match(word):
        following = words[index + 1] if index + 1 < len(words) else ""
        alone = following == "" and len(word) < 5
        if _UNIT.match(following) or _NEAR.match(following) or alone or (word[0].isalpha() and word.isascii()):
            return True
        return not word.isascii() and _leads_on(words, index, named, verbs)
    if any(pattern.match(word) for pattern in (_UNIT, _NUMBERED, _NEAR, _IS_SUFFIX)):
        return True
    if _ENDS_IN_SUFFIX.match(word) and not _ALONE.match(word):
        return True
    if _leads_on(words, index, named, verbs):
        return True
    following = words[index + 1] if index + 1 < len(words) else ""
    if _JOIN.match(word):
        return (
            index + 1 in named
            or bool(_ENDS_IN_SUFFIX.match(following))
            or (
                _is_content(words, index + 1, verbs)
                and index + 2 < len(words)
                and bool(_IS_SUFFIX.match(words[index + 2]))
            )
        )
    return word not in _stop_words() and word not in verbs and bool(_IS_SUFFIX.match(following)) and len(word) <= 4
