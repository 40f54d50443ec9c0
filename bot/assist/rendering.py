"""Places and times told in English as a reader of Chinese has them in the form."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from bot.nlu.entities import PLACE_NAMES, find_entities
from bot.nlu.spoken import EN_NUMBERS
from knowledge.city import City
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

RENDERING_FILE = NLU_DATA / "lookups" / "time_renderings.csv"
NUMBERS = {**{word: str(count) for word, count in EN_NUMBERS.items()}, "a": "1", "an": "1", "half a": "半"}
UNITS = {"hour": "小时", "day": "天", "night": "晚", "week": "周", "month": "个月", "year": "年"}
NUMBER = rf"(?P<n>\d+|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
MINOR = re.compile(r"\s+|[,.;]+|(?:at|on|in|around|about|the|of|for)\b")
AFTERNOON = 12


def place_in_chinese(place: str, city: City) -> str:
    """A place with the Chinese names of what is known of it, beside the words told."""
    told, end = place, len(place)
    names = [one for one in find_entities(place, "en", city) if one.label in PLACE_NAMES and not one.value.isascii()]
    for entity in sorted(names, key=lambda one: (-one.end, one.start)):
        if entity.end <= end:
            told, end = f"{told[: entity.start]}{entity.value}{told[entity.end :]}", entity.start
    return told if told == place else f"{told} ({place})"


def time_in_chinese(time: str) -> str:
    """A time in Chinese beside the words told; the words alone where not all of them are known."""
    clean = normalise(time).text
    told, at = "", 0
    while at < len(clean):
        known = ((pattern.match(clean, at), chinese) for pattern, chinese in _renderings())
        found, chinese = next(((match, words) for match, words in known if match), (None, ""))
        if found is None:
            rest = MINOR.match(clean, at)
            if rest is None:
                return time
            at = rest.end()
            continue
        told, at = told + _filled(chinese, found), found.end()
    return f"{told} ({time})" if told else time


@lru_cache(maxsize=1)
def _renderings() -> tuple[tuple[re.Pattern[str], str], ...]:
    with RENDERING_FILE.open(encoding="utf-8", newline="") as rows:
        table = [(row["pattern"].replace("{n}", NUMBER), row["chinese"]) for row in csv.DictReader(rows)]
    return tuple((re.compile(rf"(?:{pattern})(?![a-z0-9])"), chinese) for pattern, chinese in table)


def _filled(chinese: str, found: re.Match[str]) -> str:
    """A rendering with its number, unit and clock."""
    groups = found.groupdict()
    count = NUMBERS.get(groups.get("n") or "", groups.get("n") or "")
    unit = UNITS.get((groups.get("unit") or "").removesuffix("s"), "")
    clock = _clock(groups) if groups.get("hour") else ""
    return chinese.replace("{n}", count).replace("{unit}", unit).replace("{clock}", clock)


def _clock(groups: dict[str, str | None]) -> str:
    hour = int(groups["hour"] or 0) % AFTERNOON + (AFTERNOON if groups.get("half") == "pm" else 0)
    return f"{hour}:{groups.get('minute') or '00'}"
