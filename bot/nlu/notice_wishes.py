"""What citizens wish of notices, said in their words: stop, start, in which language. The whole message must say it."""

from __future__ import annotations

import csv
import re
from enum import StrEnum
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

# Mark of patterns that mean notices only after one was told.
TOLD = "told"


class Wish(StrEnum):
    """What is wished."""

    STOP = "stop"
    START = "start"
    CHINESE = "zh"
    ENGLISH = "en"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[Wish, bool, re.Pattern[str]], ...]:
    with WISHES_FILE.open(encoding="utf-8") as rows:
        table = list(csv.DictReader(rows))
    return tuple((Wish(row["wish"]), row["when"] == TOLD, re.compile(row["pattern"])) for row in table)


def forms_of(text: str) -> frozenset[str]:
    """A message as it is, and without the polite words around it."""
    return frozenset(TRIM.sub("", form) for one in _led(text) for form in (one, TAIL.sub("", one))) - {""}


def _led(text: str) -> frozenset[str]:
    clean = TRIM.sub("", canonical(text))
    return frozenset({clean, TRIM.sub("", LEAD.sub("", clean))}) - {""}


def wish_of(text: str, told: bool = False) -> Wish | None:
    """The wish that a message is, None where it says anything else.

    A bare "stop" or "T" is one only where the citizen was `told` of a case and nothing else is being talked of.
    What follows it counts: 停了 tells that something stopped, and wishes nothing.
    """
    forms, led = forms_of(text), _led(text)
    found = (
        wish
        for wish, bare, pattern in _patterns()
        if told or not bare
        for form in (led if bare else forms)
        if pattern.fullmatch(form)
    )
    return next(found, None)
