"""Entities of a message: personal numbers, case numbers, money, times, and the place told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from spacy.tokens import Doc
from stdnum import luhn
from stdnum.cn import ric

from bot.nlu.gazetteer import Name, by_form
from bot.nlu.places import place_spans
from bot.nlu.spoken import digits_for_words, place_value, time_value
from bot.nlu.times import time_spans
from bot.nlu.tokens import pipeline
from knowledge.city import City, find_city
from knowledge.normal import NormalText, normalise

PLACE_NAMES = {"district", "subdistrict", "road", "landmark"}
PLATE_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
# What follows an amount, so that 5000-8000元 is no telephone number.
COUNTED = (
    r" ?(?:元|块|万(?!分)|人|户|个|名|位|平|米|公里|吨|度|年|多(?!谢)|余|港币|"
    r"(?:rmb|cny|yuan|kuai|hkd|usd|dollars?|people|persons?|households?|m|metres?|meters?|square|km|steps?|words?)\b)"
)
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (label, re.compile(pattern))
    for label, pattern in (
        ("case_number", r"(?<![a-z0-9])[a-z]{2}[ \-]?\d{6}[ \-]?\d{6}[ \-]?\d(?!\d)"),
        ("email", r"[a-z0-9._%+\-]+@[a-z0-9.\-]+\.[a-z]{2,}"),
        ("id_card", r"(?<![a-z0-9])\d{17}[\dx](?![a-z0-9])"),
        ("bank_card", r"(?<![a-z0-9])\d{4}(?:[ \-]?\d{4}){3}(?:[ \-]?\d{1,3})?(?![a-z0-9])"),
        (
            "phone",
            r"(?<![a-z0-9])(?:\+?86[ \-]?)?1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}(?!\d)"
            r"|(?<![a-z0-9])0\d{2,3}[ \-]?\d{7,8}(?!\d)"
            rf"|(?<![a-z0-9])(?:\+852[ \-]?|(?<![¥￥$])(?<!rmb )(?<!cny ))[5-9]\d{{3}}[ \-]\d{{4}}(?!\d|\.\d|{COUNTED})"
            r"|(?<![a-z0-9])\+(?!86)\d{1,3}[ \-]?\d[\d \-]{6,11}\d",
        ),
        (
            "plate",
            rf"[{PLATE_PROVINCES}][ ]?[a-hj-np-z][ ·\-]?(?:[a-hj-np-z0-9]{{5,6}}|[a-hj-np-z0-9]{{4}}[挂学警港澳])(?![a-z0-9])",
        ),
        ("passport", r"(?<![a-z0-9])(?:[egdsp]\d{8}|[egd][a-z]\d{7}|h\d{8,10}|[mc]\d{8})(?![a-z0-9])"),
        (
            "money",
            r"(?:¥|￥|rmb|cny|hk\$|\$) ?\d[\d,]*(?:\.\d+)?(?: ?[万千]| ?k)?"
            r"|\d[\d,]*(?:\.\d+)? ?(?:多)?(?:万多|万|千多|千|百)?(?:块钱|块|元|rmb|yuan|kuai|港币|美元|港元|dollars?)"
            r"|[一二两三四五六七八九十百千万]+(?:多)?(?:块钱|块|元)",
        ),
    )
)
QUERY_CODE = re.compile(r"(?<![a-z0-9])[a-hj-km-np-z2-9]{8}(?![a-z0-9])")


@dataclass(frozen=True)
class Entity:
    """A found value; `start` and `end` are characters of the original text.

    The value does not depend on script, width or spoken digits: simplified, half-width, numbers in digits.
    """

    label: str
    value: str
    text: str
    start: int
    end: int
    district: str | None = None


@lru_cache(maxsize=256)
def find_entities(text: str, language: str, city: City | None = None) -> tuple[Entity, ...]:
    """All entities of a message in reading order; `language` picks the spaCy pipeline (`zh` or `en`).

    Named places and units are those of the city, the home city by default.
    """
    normal = normalise(text)
    city = city or find_city()
    doc = pipeline("en" if language == "en" else "zh", city)(normal.text)
    places = [(span.start_char, span.end_char) for span in doc.ents if span.label_ in PLACE_NAMES]
    times = [(start, end) for start, end in time_spans(normal.text) if not _covers(places, start, end)]
    found = [*_patterns(normal), *_names(normal, doc, by_form(city)), *_spans(normal, "time", times)]
    taken = [
        (entity.start, entity.end)
        for entity in found
        if entity.label in ("phone", "id_card", "bank_card", "case_number")
    ]
    cased = _cased(normal)
    for start, end in place_spans(doc, language, times, cased):
        entity = _entity(normal, "location", start, end, place_value(cased[start:end]))
        if not _covers(taken, entity.start, entity.end):
            found.append(entity)
    return tuple(sorted(found, key=lambda entity: (entity.start, -entity.end)))


def _covers(spans: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    return any(start < last and first < end for first, last in spans)


def likeliest_place(entities: Sequence[Entity]) -> Entity | None:
    """The place to go to: one with a name that is known before a general word, the longest of each."""
    known = [entity for entity in entities if entity.label in PLACE_NAMES]
    places = [entity for entity in entities if entity.label == "location"]

    def worth(place: Entity) -> tuple[bool, int]:
        return any(place.start <= one.start < place.end for one in known), len(place.text)

    return max(places, key=worth, default=None)


def _cased(normal: NormalText) -> str:
    """The normal form with the capitals of the original."""
    letters = zip(normal.text, normal.origin, strict=True)
    return "".join(char.upper() if normal.original[at].isupper() else char for char, at in letters)


def _entity(
    normal: NormalText, label: str, start: int, end: int, value: str | None = None, district: str | None = None
) -> Entity:
    first, last = normal.original_span(start, end)
    surface = normal.original[first:last]
    return Entity(label, surface if value is None else value, surface, first, last, district)


def _spans(normal: NormalText, label: str, spans: Iterable[tuple[int, int]]) -> Iterator[Entity]:
    for start, end in spans:
        yield _entity(normal, label, start, end, time_value(normal.text[start:end]))


def _names(normal: NormalText, doc: Doc, known: Mapping[str, Name]) -> Iterator[Entity]:
    for span in doc.ents:
        name = known[span.text.lower()]
        yield _entity(normal, name.label, span.start_char, span.end_char, name.value, name.district)


def _patterns(normal: NormalText) -> Iterator[Entity]:
    normal = digits_for_words(normal)
    text = normal.text
    taken: list[tuple[int, int]] = []
    for label, pattern in PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < e and s < end for s, e in taken) or not _valid(label, match.group()):
                continue
            taken.append((start, end))
            yield _entity(normal, label, start, end, _value(label, match.group()))


def _valid(label: str, text: str) -> bool:
    if label == "id_card":
        return bool(ric.is_valid(text.upper()))
    if label == "bank_card":
        return bool(luhn.is_valid(re.sub(r"\D", "", text)))
    return True


def _value(label: str, text: str) -> str:
    if label == "case_number":
        compact = re.sub(r"[ \-]", "", text).upper()
        return f"{compact[:8]}-{compact[8:14]}-{compact[14:]}"
    if label in ("phone", "bank_card"):
        return re.sub(r"[ \-]", "", text)
    return text.upper() if label in ("id_card", "plate", "passport") else text


def find_query_code(text: str, expected: bool) -> str | None:
    """The 8-character query code in a text; without a request for it, only one with a digit counts."""
    for match in QUERY_CODE.finditer(normalise(text).text):
        word = match.group()
        if any(char.isdigit() for char in word) and (expected or any(char.isalpha() for char in word)):
            return word.upper()
        if expected and len(text.split()) == 1:
            return word.upper()
    return None
