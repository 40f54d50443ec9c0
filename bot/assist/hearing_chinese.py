"""Names of places that a recogniser wrote with other characters of the same sound (龙港 for 龙岗)."""

from __future__ import annotations

import re
from functools import lru_cache

import rjieba

from bot.assist.hearing import Found
from bot.nlu.gazetteer import by_form, names
from knowledge.city import City
from knowledge.words import sound

LABELS = ("district", "subdistrict", "road", "landmark")
SHORTEST, LONGEST = 2, 6
AFTER = re.compile(r"区|街道|镇|社区|地铁|站|大道|路|村|工业|市场|公园|那边|这边|那里|口岸")
BEFORE = re.compile(r"(?:^|[，。,\s在到住是叫从系喺对嗯的]|区|市|街道)$")
RUN = re.compile(r"[\u3400-\u9fff]+")


def miswritten(text: str, city: City, wanted: bool) -> tuple[Found, ...]:
    """The names in a Chinese text that only sound right, the longest first where they overlap.

    A name is believed before a word that follows names of places, or where one may begin in an answer to the question
    for it (`wanted`).
    """
    found: list[Found] = []
    for run in RUN.finditer(text):
        heard = [sound(char) for char in run.group()]
        at = 0
        while at < len(heard) - 1:
            one = _at(text, run.start(), heard, at, city, wanted)
            at = one.end - run.start() if one is not None else at + 1
            if one is not None and one.name != text[one.start : one.end]:
                found.append(one)
    return tuple(found)


def _at(text: str, base: int, heard: list[str], at: int, city: City, wanted: bool) -> Found | None:
    """The longest name that begins at a place."""
    for length in range(min(LONGEST, len(heard) - at), SHORTEST - 1, -1):
        start, end = base + at, base + at + length
        if text[start:end] in by_form(city):
            return Found(start, end, text[start:end])
        name = _by_sound(city).get("|".join(heard[at : at + length]))
        if name is None or (length == SHORTEST and _ordinary(text[start:end])):
            continue
        follows = AFTER.match(text, end)
        opens = BEFORE.search(text[:start]) or length > SHORTEST
        if length > SHORTEST + 1 or (follows and (wanted or opens)) or (wanted and opens):
            return Found(start, end, name)
    return None


@lru_cache(maxsize=4096)
def _ordinary(pair: str) -> bool:
    """Whether two characters are a word that names no place or person."""
    tags = _jieba().tag(pair, hmm=False)
    return len(tags) == 1 and not tags[0][1].startswith(("ns", "nr", "nz"))


@lru_cache(maxsize=1)
def _jieba() -> rjieba.Jieba:
    return rjieba.Jieba()


@lru_cache(maxsize=4)
def _by_sound(city: City) -> dict[str, str]:
    """Chinese names by their sounds; of two that sound alike the district wins."""
    table: dict[str, str] = {}
    for label in LABELS:
        for name in names(city):
            fits = name.label == label and SHORTEST <= len(name.form) <= LONGEST
            if fits and RUN.fullmatch(name.form):
                table.setdefault("|".join(map(sound, name.form)), name.form)
    return table
