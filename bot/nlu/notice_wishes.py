"""What citizens wish of notices, said in their words: stop, start, in which language. The whole message must say it."""

from __future__ import annotations

import csv
import re
from enum import IntEnum, StrEnum
from functools import lru_cache

from bot.nlu.said import LOOKUPS, TRIM
from knowledge.normal import canonical

WISHES_FILE = LOOKUPS / "notice_wishes.csv"
LEAD = re.compile(
    r"^(?:(?:你好|您好|请问?|麻烦(?:你|您)?|帮我|劳驾|唔该|我?(?:想|要)|以后|那|就|可以|能不能|可不可以|"
    r"hi|hello|hey|please|kindly|can you|could you|would you|i want (?:you )?to|i'd like (?:you )?to|ok|okay|"
    r"just)[\s,，]*)+"
)
TAIL = re.compile(r"(?:[\s,，]*(?:了|吧|啊|啦|喇|嘛|好吗|可以吗|谢谢|多谢|唔该|please|thanks|thank you|for now|now))+$")


class Heard(IntEnum):
    """What the citizen was told of cases: nothing, a notice in the last days, or a notice as the last word of ours."""

    NOTHING = 0
    LATELY = 1
    LAST = 2


# Marks of patterns that mean notices only after one was told.
WHEN = {"": Heard.NOTHING, "told": Heard.LATELY, "last": Heard.LAST}


class Wish(StrEnum):
    """What is wished."""

    STOP = "stop"
    START = "start"
    CHINESE = "zh"
    ENGLISH = "en"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[Wish, Heard, re.Pattern[str]], ...]:
    with WISHES_FILE.open(encoding="utf-8") as rows:
        table = list(csv.DictReader(rows))
    return tuple((Wish(row["wish"]), WHEN[row["when"]], re.compile(row["pattern"])) for row in table)


def forms_of(text: str) -> frozenset[str]:
    """A message as it is, and without the polite words around it."""
    return frozenset(TRIM.sub("", form) for one in _led(text) for form in (one, TAIL.sub("", one))) - {""}


def _led(text: str) -> frozenset[str]:
    clean = TRIM.sub("", canonical(text))
    return frozenset({clean, TRIM.sub("", LEAD.sub("", clean))}) - {""}


def wish_of(text: str, heard: Heard = Heard.NOTHING) -> Wish | None:
    """The wish that a message is, None where it says anything else.

    "STOP" or "TD" alone is one only where the citizen was told of a case lately, "T" or "quit" only right after that.
    What follows such a word counts: 停了 tells that something stopped, and wishes nothing.
    """
    forms, led = forms_of(text), _led(text)
    found = (
        wish
        for wish, when, pattern in _patterns()
        if when <= heard
        for form in (led if when else forms)
        if pattern.fullmatch(form)
    )
    return next(found, None)
