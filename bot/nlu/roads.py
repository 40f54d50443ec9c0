"""The road a message tells: by its name, by the short form people use, or as it stands."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from bot.nlu.gazetteer import by_form
from bot.nlu.parse import Parse
from knowledge.catalogue import Text
from knowledge.city import City
from knowledge.normal import normalise

CHINESE_END = re.compile(r"(?:大道|路|街|高速公路|高速|快速路|快速|隧道|大桥|通道)$")
ENGLISH_END = re.compile(r" (?:avenue|road|street|expressway|boulevard)$")
MOST_CHARS = 12


@lru_cache(maxsize=8)
def _roads(city: City) -> dict[str, Text]:
    """Roads by their Chinese name."""
    path = city.lookup("places.csv")
    if path is None:
        return {}
    with path.open(encoding="utf-8", newline="") as rows:
        roads = [row for row in csv.DictReader(rows) if row["kind"] == "road"]
    return {row["name_zh"]: Text(row["name_zh"], row["name_en"]) for row in roads}


@lru_cache(maxsize=8)
def _short_forms(city: City) -> tuple[tuple[re.Pattern[str], Text], ...]:
    """Names without their last word (北环, beihuan), longest first, where the rest is not a place of its own."""
    found: dict[str, Text] = {}
    for road in _roads(city).values():
        for form in (CHINESE_END.sub("", road.zh), ENGLISH_END.sub("", normalise(road.en).text)):
            if len(form) > 1 and form not in by_form(city):
                found.setdefault(form, road)
    forms = sorted(found.items(), key=lambda pair: -len(pair[0]))
    return tuple((re.compile(rf"\b{re.escape(f)}\b" if f.isascii() else re.escape(f)), road) for f, road in forms)


def road_told(parse: Parse, city: City) -> Text | None:
    """The road, its official name where the city's list has it; None when no road is told."""
    named = parse.first("road")
    if named is not None:
        return _roads(city).get(named.value, Text(named.value, named.value))
    for entity in parse.all("location"):
        if len(entity.text) <= MOST_CHARS and CHINESE_END.search(entity.text):
            return Text(entity.text, entity.text)
    return next((road for form, road in _short_forms(city) if form.search(parse.canonical)), None)
