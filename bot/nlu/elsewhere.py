"""Places outside the city: whether a message asks about one of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from functools import lru_cache

from bot.nlu.parse import Parse
from knowledge.normal import LOOKUPS, normalise

LOCAL = ("district", "subdistrict", "landmark", "road")


@lru_cache(maxsize=1)
def _names() -> re.Pattern[str]:
    """Names of other cities, provinces and countries; English ones as whole words."""
    with (LOOKUPS / "elsewhere.csv").open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    chinese = sorted((normalise(row["zh"]).text for row in table), key=len, reverse=True)
    english = {form for row in table for form in _english_forms(normalise(row["en"]).text)}
    words = "|".join(map(re.escape, sorted(english, key=len, reverse=True)))
    return re.compile(rf"{'|'.join(map(re.escape, chinese))}|\b(?:{words})\b")


def _english_forms(name: str) -> set[str]:
    return {name, name.replace("'", "")}


def elsewhere(parse: Parse, here: Collection[str]) -> str | None:
    """The place outside the city a message names, None when it names none, or one of the city's own.

    `here` are the names of the city itself.
    """
    if parse.first(*LOCAL) is not None:
        return None
    named = (found.group() for found in _names().finditer(parse.canonical))
    return next((name for name in named if name not in here), None)
