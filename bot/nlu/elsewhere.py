"""Places outside the city: whether a message asks about one of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from bot.nlu.parse import Parse
from knowledge.normal import LOOKUPS, normalise

LOCAL = ("district", "subdistrict", "landmark", "road")
LIES_BEFORE = re.compile(r"(?:^|[\s,，。]|在|喺|问|查)$")
LIES_BEFORE_ENGLISH = re.compile(r"(?:^|(?<!use )\b(?:in|at|of|around|near) )(?:the )?$")
COMES_AFTER = re.compile(r"人|籍|户口|护照|车牌|牌|驾照|签证|签注|通行|身份|朋友|亲戚|客|老板|来|回")
CROSSES = re.compile(
    r"转|迁|从|由|来|异地|调|回|内地|国内|中国|这边|去(?!哪|边|邊)|到(?!哪)|落地|报销|出差|旅游|"
    r"transfer|\bmov(?:e|ed|ing)\b|\b(?:from|back|here|was|were|born|visit|travel|hukou|chinese|china|mainland)\b|"
    r"\b(?:studied|passed|issued|hospitalised|hospitalized|treated|invited|posted|lived|worked|married|registered)\b"
)


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
    return next((place.group() for place in _places(parse, here)), None)


def lies_elsewhere(parse: Parse, here: Collection[str]) -> str | None:
    """The place outside the city where the whole matter of a message lies: nothing comes from there or goes there.

    "Garage permit in Berlin" lies elsewhere; "my licence is from Berlin" and "I move to Berlin" do not.
    """
    text = parse.canonical
    if CROSSES.search(text) or any(name in text for name in here):
        return None
    lies = (place for place in _places(parse, here) if not COMES_AFTER.match(text, place.end()))
    before = {True: LIES_BEFORE_ENGLISH, False: LIES_BEFORE}
    return next((at.group() for at in lies if before[at.group().isascii()].search(text[: at.start()])), None)


def _places(parse: Parse, here: Collection[str]) -> Iterator[re.Match[str]]:
    """The places outside the city that a message names, none where it names one of the city's own."""
    if parse.first(*LOCAL) is None:
        yield from (found for found in _names().finditer(parse.canonical) if found.group() not in here)
