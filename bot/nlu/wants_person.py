"""Words that ask for a person whatever else a message says, in more languages than the assistant speaks."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.misspelt import written_right
from knowledge.pinyin import toneless
from knowledge.queries import NLU_DATA

PERSON_FILE = NLU_DATA / "lookups" / "person_asked.csv"
PART = "part "
HAN = "\u3400-\u9fff"
BLANK_IN_HAN = re.compile(rf"(?<=[{HAN}])[\s\-_·.]+(?=[{HAN}])")
# What a whole message may have around the words that are only heard.
AROUND = re.compile(r"^(?:请|麻烦|帮我|给我|我要|我想|快|你好|您好|唔该)+|[\s吧啊呀呢啦喇了谢!！。.,，?？~～]+$")
# Sounds that many speakers and recognisers do not tell apart; zheng stays, as 郑 and 证人 are no 真人.
ALIKE = ((re.compile(r"([zcs])h"), r"\1"), (re.compile(r"((?:[ai]|re)n)g"), r"\1"))
MOST_HEARD = 8


@dataclass(frozen=True)
class _Words:
    """The table: what asks, what asks although it says no, what says no; words heard alike, and English key words."""

    asked: re.Pattern[str]
    again: re.Pattern[str]
    unless: re.Pattern[str]
    sounds: frozenset[str]
    keys: frozenset[str]


@lru_cache(maxsize=1)
def _words() -> _Words:
    with PERSON_FILE.open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    parts: dict[str, dict[str, str]] = {}
    for row in table:
        if row["rule"].startswith(PART):
            known = parts.setdefault(row["language"], {})
            known[row["rule"].removeprefix(PART)] = _filled(row["pattern"], known)
    told = {
        rule: [_filled(row["pattern"], parts.get(row["language"], {})) for row in table if row["rule"] == rule]
        for rule in ("asked", "again", "unless", "sound", "key")
    }
    asked, again, unless = (
        re.compile("|".join(f"(?:{one})" for one in told[rule]), re.I) for rule in ("asked", "again", "unless")
    )
    return _Words(asked, again, unless, frozenset(map(_alike, told["sound"])), frozenset(told["key"]))


def _filled(pattern: str, parts: Mapping[str, str]) -> str:
    for name, part in parts.items():
        pattern = pattern.replace(f"{{{name}}}", part)
    return pattern


@lru_cache(maxsize=256)
def person_wish(text: str, sounds: bool = True) -> bool | None:
    """What a canonical text says of a person to talk to: one is asked for, none is wanted; None where it says nothing.

    Characters set apart are read together; English words one slip off are read as meant. Where a message says both,
    what it asks for counts. A whole message that only sounds like it asks where `sounds` says so; pinyin always.
    """
    words, plain = _words(), BLANK_IN_HAN.sub("", text)
    if (sounds or plain.isascii()) and _heard(plain) in words.sounds:
        return True
    # As written first: another language has words one letter off ("una persona").
    forms = (plain, written_right(plain, words.keys))
    left = [words.unless.sub("\n", form) for form in forms]
    if any(map(words.again.search, forms)) or any(map(words.asked.search, left)):
        return True
    return None if left == list(forms) else False


def asks_person(text: str, sounds: bool = True) -> bool:
    """Whether a canonical text asks for a person in so many words."""
    return person_wish(text, sounds) is True


def _heard(text: str) -> str:
    """A short message as its sounds; empty for a longer one."""
    bare = AROUND.sub("", AROUND.sub("", text)).replace(" ", "")
    if len(re.findall(rf"[{HAN}]|[a-z]+", bare)) > MOST_HEARD or not re.fullmatch(rf"[{HAN}a-z]+", bare):
        return ""
    return _alike("".join(toneless(char) for char in bare))


def _alike(sounds: str) -> str:
    sounds = sounds.replace(" ", "")
    for pattern, kept in ALIKE:
        sounds = pattern.sub(kept, sounds)
    return sounds
