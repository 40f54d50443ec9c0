"""Names of places that a recogniser wrote with other characters of the same sound (龙港 for 龙岗)."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

import rjieba

from bot.assist.hearing import Found
from bot.nlu.gazetteer import by_form, names
from knowledge.city import City
from knowledge.queries import NLU_DATA
from knowledge.words import sound

LABELS = ("district", "subdistrict", "road", "landmark")
SHORTEST, LONGEST = 2, 6
HOMOPHONE_FILE = NLU_DATA / "lookups" / "real_homophones.csv"
AFTER = re.compile(r"区|街道|地铁|站|那边|这边|那里|口岸")
# Words that make a name one of its own (坪山, but 平山村): the whole must be known to be miswritten.
OWN_NAME = re.compile(
    r"新?村|社区|小区|花园|苑|家园|大?道|路|街(?!道)|巷|镇|乡|县|市场|市|工业区?|公园|广场|大厦|中心|医院|学校|[小中大]学|酒店"
)
BEFORE = re.compile(r"(?:^|[，。,\s在到住是叫从系喺对嗯的]|区|市|街道)$")
RUN = re.compile(r"[\u3400-\u9fff]+")


def miswritten(text: str, city: City, wanted: bool) -> tuple[Found, ...]:
    """The names in a Chinese text that only sound right, the longest first where they overlap.

    A name is believed before a word that follows names of places, or where one may begin in an answer to the question
    for it (`wanted`).
    """
    found: list[Found] = []
    told = _districts_told(text, city)
    real = [(one.start(), one.end()) for one in _real().finditer(text)]
    for run in RUN.finditer(text):
        heard = [sound(char) for char in run.group()]
        at = 0
        while at < len(heard) - 1:
            one = _at(text, run.start(), heard, at, city, wanted)
            at = one.end - run.start() if one is not None else at + 1
            if one is None or one.name == text[one.start : one.end]:
                continue
            kept = any(start < one.end and one.start < end for start, end in real)
            if not kept and not _contradicted(one, text, told, city):
                found.append(one)
    return tuple(found)


def _districts_told(text: str, city: City) -> frozenset[str | None]:
    """The districts that a text names rightly, by themselves or by a sub-district."""
    areas = (name for name in names(city) if name.label in ("district", "subdistrict") and name.form in text)
    return frozenset(name.district for name in areas)


def _contradicted(found: Found, text: str, told: frozenset[str | None], city: City) -> bool:
    """Whether a name lies in another district than the text tells; told as a district itself (…区) it counts."""
    district = by_form(city)[found.name].district
    as_district = found.name.endswith("区") or text.startswith("区", found.end)
    return bool(told) and district is not None and district not in told and not as_district


def _at(text: str, base: int, heard: list[str], at: int, city: City, wanted: bool) -> Found | None:
    """The longest name that begins at a place."""
    for length in range(min(LONGEST, len(heard) - at), SHORTEST - 1, -1):
        start, end = base + at, base + at + length
        if text[start:end] in by_form(city):
            return Found(start, end, text[start:end])
        name = _by_sound(city).get("|".join(heard[at : at + length]))
        if name is None or (length == SHORTEST and _ordinary(text[start:end])):
            continue
        if any(text[start:part] in by_form(city) for part in range(start + SHORTEST, end)):
            continue
        own = OWN_NAME.match(text, end)
        follows = AFTER.match(text, end) or (own and f"{name}{own.group()}" in by_form(city))
        if own and not follows and length <= SHORTEST + 1:
            continue
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


@lru_cache(maxsize=1)
def _real() -> re.Pattern[str]:
    """Real names that sound like others of the city."""
    with HOMOPHONE_FILE.open(encoding="utf-8", newline="") as rows:
        return re.compile("|".join(row["pattern"] for row in csv.DictReader(rows)))


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
