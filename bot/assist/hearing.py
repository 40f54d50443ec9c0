"""Chinese names as an English recogniser writes them ("law who", "foo hwa road"), read by their sounds."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.assist.sounds import FAMILY, distance, is_pinyin, pinyin_sounds, sounds_of, spelt
from bot.nlu.english_places import place_words
from bot.nlu.gazetteer import by_form, names
from knowledge.city import City
from knowledge.queries import NLU_DATA

ELSEWHERE_FILE = NLU_DATA / "lookups" / "elsewhere.csv"
WORD_FILES = (NLU_DATA / "lookups" / "english_words.csv", NLU_DATA / "lookups" / "english_words_more.csv")
MOST_WORDS = 4
# How far the sounds may be off, with a word that is no ordinary English and without one.
DISTRICT, NEAR, WANTED, LED = (0.3, 0.17), (0.3, 0.1), (0.18, 0.1), (0.18, 0.08)
RARER = {"district": 0.0, "subdistrict": 0.04, "road": 0.02, "landmark": 0.04}
REMOTE, FAR_AWAY = "深汕特别合作区", 0.1
ALONE, SPELT = 0.1, 0.1
LEAST_LETTERS = 4
EDGES = frozenset((
    "the", "a", "at", "in", "by", "for", "to", "of", "on", "it's", "its", "it", "is", "i", "i'm", "i've", "we",
    "our", "or", "um", "uh", "er", "and", "behind", "near", "my", "this", "that", "with", "from", "yes", "yeah",
    "just", "but", "there", "here", "can", "do", "how", "so", "mr", "me", "now", "north", "south", "east", "west",
    "middle", "mid", "under",
))  # fmt: skip
LONG_ENOUGH, SHORT_NAME = 3, 5
_ORDINALS = {
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th", "seventh": "7th",
    "eighth": "8th", "one": "1st", "two": "2nd", "three": "3rd", "four": "4th", "five": "5th", "six": "6th",
    "seven": "7th", "eight": "8th",
}  # fmt: skip
ROAD = (
    rf"(?:(?:north|south|east|west|middle|\d(?:st|nd|rd|th)|{'|'.join(_ORDINALS)}) )?"
    r"(?:road|avenue|street|boulevard|rd|ave)"
)
_ROAD_NAME = re.compile(rf"^(?P<base>[a-z' ]+?) (?P<rest>{ROAD})$")
_ORDINAL = re.compile(rf" ({'|'.join(_ORDINALS)})(?= (?:road|avenue|street|lane)\b)")
_ROAD_NEXT = re.compile(rf" {ROAD}\b")
_PLACE_NEXT = re.compile(r",? (?:district|sub-?district|street office|station|port|distrait)\b")
_LEADS = re.compile(
    r"(?:^|\b(?:in|at|near|on|to|from|by|of|around|behind|outside|beside|opposite|inside|for|is|its|it's|"
    r"the|called|district|road|village|station|yes|yeah|yep|ya|correct|right|exactly|street),?)\s+$|^$"
)
_WORD = re.compile(r"[a-z']+")


@dataclass(frozen=True)
class Found:
    """A stretch of a text that sounds like a known name, and how the name is written."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class _Name:
    """A name that can be misheard; `road` when only its first part is matched and the kind of road follows."""

    written: str
    sounds: str
    road: bool
    rare: float


def misheard(text: str, city: City, wanted: bool) -> tuple[Found, ...]:
    """The names in an English text that no word writes right, best first where they overlap.

    `wanted` when the text answers the question for the place. A name is believed only before a word for a road or a
    district, after a preposition, or in such an answer.
    """
    lower = text.lower()
    if not text.isascii():
        return ()
    words = [(found.start(), found.end()) for found in _WORD.finditer(lower)]
    found = sorted(_matches(lower, words, city, wanted), key=lambda pair: (pair[0], pair[1].start))
    kept: list[Found] = []
    for _, one in found:
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda one: one.start))


def _matches(lower: str, words: list[tuple[int, int]], city: City, wanted: bool) -> Iterator[tuple[float, Found]]:
    known = by_form(city)
    for first, (start, _) in enumerate(words):
        led = bool(_LEADS.search(lower[:start]))
        for last in range(first, min(first + MOST_WORDS, len(words))):
            end = words[last][1]
            told = lower[start:end]
            if not re.fullmatch(r"[a-z' ]+", told):
                break
            road = bool(_ROAD_NEXT.match(lower, end))
            named = bool(_PLACE_NEXT.match(lower, end))
            if not (road or named or led) or told in known or (road and f"{told}{_road(lower, end)}" in known):
                continue
            own = told.split()
            if _no_hearing(own, city) or (start == 0 and own[0] in ("hi", "hey")):
                continue
            plain = all(word in _ordinary() or f"{word}s" in _ordinary() for word in own)
            if plain and len(own) == 1:
                continue
            limit = (DISTRICT if named else NEAR if road else WANTED if wanted else LED)[plain]
            if len(own) == 1 and not (road or named):
                limit = min(limit, ALONE)
            if all(map(spelt, own)):
                limit = min(limit, SPELT) if len(own) > 1 else 0.0
            best = _nearest(told, city, road)
            if best is not None and best[0] <= limit:
                number = _ORDINAL.match(lower, end) if road else None
                name = f"{best[1]} {_ORDINALS[number[1]]}" if number else best[1]
                yield best[0], Found(start, number.end(1) if number else end, name)


def _no_hearing(own: list[str], city: City) -> bool:
    """Whether some words are no misheard name: words of grammar at an end, or one that names something by itself."""
    if own[-1] == "an" and own[0] in _ordinary():
        return True
    return own[0] in EDGES or own[-1] in EDGES or any(word in by_form(city) or word in _elsewhere() for word in own)


@lru_cache(maxsize=1)
def _elsewhere() -> frozenset[str]:
    """Words that name something else: months, days, languages, other cities and countries."""
    with ELSEWHERE_FILE.open(encoding="utf-8", newline="") as rows:
        cities = {word for row in csv.DictReader(rows) for word in row["en"].lower().split()}
    names = {word.replace("\\", "") for word in place_words()["english_capital"].split("|")}
    return frozenset(word for word in cities | names if len(word) >= LEAST_LETTERS)


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Ordinary English words."""
    lines = (line for file in WORD_FILES for line in file.read_text(encoding="utf-8").splitlines()[1:])
    return frozenset(lines)


def _road(lower: str, end: int) -> str:
    found = _ROAD_NEXT.match(lower, end)
    return found.group() if found else ""


@lru_cache(maxsize=20000)
def _nearest(told: str, city: City, road: bool) -> tuple[float, str] | None:
    """The name that sounds most like some words, with how far off it is from 0 on."""
    sounds = sounds_of(told)
    if len(sounds) < LONG_ENOUGH:
        return None
    best: tuple[float, str] | None = None
    for name in _by_family(city).get(FAMILY[sounds[0]], ()):
        if (name.road and not road) or abs(len(name.sounds) - len(sounds)) > LONG_ENOUGH:
            continue
        off = distance(sounds, name.sounds) / max(len(name.sounds), SHORT_NAME - 1) + name.rare
        if best is None or off < best[0]:
            best = off, name.written
    return best


@lru_cache(maxsize=4)
def _by_family(city: City) -> dict[int, tuple[_Name, ...]]:
    """The names by the family of their first sound."""
    found: dict[str, _Name] = {}
    for name in sorted(names(city), key=lambda one: (one.form.count(" "), one.form)):
        form = name.form
        if (
            name.label not in ("district", "subdistrict", "road", "landmark")
            or not form.isascii()
            or form.endswith(" qu")
        ):
            continue
        road = _ROAD_NAME.match(form)
        written = road["base"] if road else form
        rare = FAR_AWAY if REMOTE in (name.value, name.district) else RARER[name.label]
        if not (name.label == "road" and road is None) and is_pinyin(written):
            found.setdefault(written, _Name(_capital(written), pinyin_sounds(written), road is not None, rare))
            if not road:
                found[written] = _Name(_capital(written), pinyin_sounds(written), False, rare)
    table: dict[int, list[_Name]] = {}
    for one in found.values():
        table.setdefault(FAMILY[one.sounds[0]], []).append(one)
    return {family: tuple(own) for family, own in table.items()}


def _capital(written: str) -> str:
    return " ".join(word.capitalize() for word in written.split())
