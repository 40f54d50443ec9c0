"""What a demand is about: split, type, category, hotline item, unit, place, time and urgency of free text."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bot.cases.areas import Area, areas_of
from bot.cases.case import CaseDraft, DemandType
from bot.cases.deadlines import NORMAL
from bot.cases.demand_heads import NO_ITEM, matter, ordered, read_subcategories
from bot.cases.shared_times import told_so_far
from bot.cases.split import Splitter
from bot.language import detect
from bot.nlu.entities import Entity, find_entities, likeliest_place
from bot.nlu.said import says_nothing
from knowledge.catalogue import Kind, Service
from knowledge.city import City, find_city
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical, normalise
from knowledge.queries import NLU_DATA
from knowledge.retriever import Retriever
from knowledge.telling import telling_words

CATEGORY_FLOOR = 0.43
SUBCATEGORY_FLOOR = 0.3
URGENT_FLOOR = 0.15
CLOCK_FLOOR = 0.4
ITEM_FLOOR = 0.5
SURE_ITEM = 0.5
NAMED_SCORE = 0.8
NAMED_SIMILARITY = 0.75


@dataclass(frozen=True)
class Demand:
    """One demand found in a message.

    `pressing` is how likely the matter is urgent: an urgency is named early, so that a desk looks, but only from
    CLOCK_FLOOR on does it start the clock of hours. `areas` are the districts and sub-districts that fit the place told, several where one has to ask; `evidence` the
    words of the text that each value came from; `people` those who are affected.
    """

    text: str
    type: DemandType
    category: str | None
    service_item: str | None
    agency: str | None
    district: str | None
    subdistrict: str | None
    place: str | None
    time: str | None
    urgency: str
    confidence: float
    runner_up: str | None
    why: tuple[str, ...]
    subcategory: str | None = None
    people: str | None = None
    pressing: float = 0.0
    areas: tuple[Area, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)

    def draft(self) -> CaseDraft:
        """The start of a case."""
        return CaseDraft(
            self.text,
            self.type,
            self.category,
            self.service_item,
            self.agency,
            self.place,
            self.district,
            self.subdistrict,
            self.time,
            self.subcategory,
            self.urgency if self.pressing >= CLOCK_FLOOR else NORMAL,
        )


@lru_cache(maxsize=2)
def _type_words(rule: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Words that say a type outright (`says`), or without which it is none (`needs`)."""
    with (NLU_DATA / "lookups" / "demand_words.csv").open(encoding="utf-8") as rows:
        return tuple((row["type"], re.compile(row["pattern"])) for row in csv.DictReader(rows) if row["rule"] == rule)


class DemandAnalyst:
    """Reads demands out of free text in Chinese, English or both."""

    def __init__(
        self,
        encoder: Encoder,
        heads: dict[str, LinearHead],
        retriever: Retriever,
        splitter: Splitter,
        city: City | None = None,
    ) -> None:
        self.city = city or find_city()
        self._encoder = encoder
        self.splitter = splitter
        self._heads = heads
        self._retriever = retriever

    def analyse(self, text: str) -> tuple[Demand, ...]:
        """The demands of a text, in the order told; a place told once holds for all, a time for what comes after it."""
        language = "en" if detect(text).language == "en" else "zh"
        whole = find_entities(text, language, self.city)
        parts = [part for part in self.splitter.split(text) if not says_nothing(ordered(part))] or [text.strip()]
        own = [find_entities(part, language, self.city) for part in parts]
        shared = told_so_far(text, parts, whole)
        found = tuple(self._one(*one) for one in zip(parts, own, repeat(text), shared))
        if len(found) > 1 and len({demand.service_item for demand in found} - {None}) < 2:
            # One matter told in several sentences.
            return tuple(self._one(*one) for one in zip(parts, own, repeat(text), repeat(whole)))
        return found

    def read(self, text: str, vector: NDArray[np.float32]) -> Demand:
        """A text with its vector read as one demand, whatever it holds; where and when are not, nor is the catalogue searched."""
        return self._one(text, (), text, (), vector)

    def items(self, clean: str, vector: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
        """The two likeliest hotline items of a canonical text with their probability; `none` is one of them."""
        head = self._heads["service_item"]
        shares = head.probabilities(clean, vector)
        return tuple((head.labels[place], float(shares[place])) for place in np.argsort(-shares)[:3])

    def _one(
        self,
        text: str,
        own: Sequence[Entity],
        message: str,
        whole: Sequence[Entity],
        known: NDArray[np.float32] | None = None,
    ) -> Demand:
        cantonese = detect(text).cantonese
        clean = canonical(matter(text), cantonese)
        whole_clean = canonical(text, cantonese)
        vectors = self._encoder.encode_query([clean, whole_clean]) if known is None else (known, known)
        vector, whole_vector = vectors
        kind = self._type(whole_clean, whole_vector)
        categories, subcategories = self.categories(clean, vector)
        category, confidence = next(iter(categories.items()))
        ranked = [(code, share) for code, share in self.items(clean, vector)]
        code, share = ranked[0]
        listed = code != NO_ITEM and code in self._retriever.catalogue
        item = self._retriever.catalogue[code] if listed and share >= ITEM_FLOOR else None
        if share < SURE_ITEM and known is None:
            item = self._named_item(_without(clean, own)) or item
        if item is not None and (item.category == category or share > confidence):
            category, confidence = item.category or category, max(confidence, share)
        place = likeliest_place(own) or likeliest_place(whole)
        near = own if place is not None and place in own else whole
        areas = areas_of(near, text if near is own else message)
        area = areas[0] if areas else Area(None, None)
        times = [e.text for e in own if e.label == "time"] or [e.text for e in whole if e.label == "time"]
        urgency, pressing = self._urgency(whole_clean, whole_vector)
        people = _people(text)
        given = category if confidence >= CATEGORY_FLOOR else None
        words = {
            "type": self._telling("type", whole_clean, kind),
            "category": self._telling("category", clean, given),
            "urgency": self._telling("urgency", whole_clean, urgency if urgency != NORMAL else None),
            "place": place.text if place else "",
            "district": next((e.text for e in near if e.district and e.district == area.district), ""),
            "time": "，".join(dict.fromkeys(times)),
            "people": people or "",
        }
        return Demand(
            text,
            kind,
            given,
            item.code if item else None,
            item.agency if item else None,
            area.district,
            area.subdistrict,
            place.text if place else None,
            "，".join(dict.fromkeys(times)) if times else None,
            urgency,
            round(confidence, 3),
            next((other for other, _ in ranked[1:] if item and other != NO_ITEM), None),
            self._retriever.why(item, clean) if item else (),
            _second_level(given, subcategories),
            people,
            round(pressing, 3),
            areas,
            MappingProxyType({name: told for name, told in words.items() if told}),
        )

    def categories(self, clean: str, vector: NDArray[np.float32]) -> tuple[dict[str, float], dict[str, float]]:
        """How likely each first-level and each second-level name is, the likeliest first.

        A first-level name is believed as much as its own head and the head of the second level do together.
        """
        second = self._shares("subcategory", clean, vector)
        first = self._shares("category", clean, vector)
        known = read_subcategories()
        for name, share in second.items():
            first[known[name].category] = first.get(known[name].category, 0.0) + share
        halved = {name: share / 2 for name, share in first.items()}
        return _ranked(halved), _ranked(second)

    def _telling(self, head: str, clean: str, label: str | None) -> str:
        return "，".join(telling_words(self._heads[head], clean, label)) if label else ""

    def _shares(self, head: str, clean: str, vector: NDArray[np.float32]) -> dict[str, float]:
        shares = self._heads[head].probabilities(clean, vector).tolist()
        return dict(zip(self._heads[head].labels, shares, strict=True))

    def _urgency(self, clean: str, vector: NDArray[np.float32]) -> tuple[str, float]:
        """The urgency and how likely there is any; missing an urgent matter costs more than looking at a calm one."""
        shares = self._shares("urgency", clean, vector)
        pressing = 1 - shares.pop(NORMAL)
        return NORMAL if pressing < URGENT_FLOOR else max(shares, key=lambda name: shares[name]), pressing

    def said_type(self, text: str) -> DemandType | None:
        """The type that a text says outright ("我要举报"), None when it says none."""
        clean = canonical(text, detect(text).cantonese)
        said = [kind for kind, pattern in _type_words("says") if pattern.search(clean)]
        return DemandType(said[0]) if said else None

    def _type(self, clean: str, vector: NDArray[np.float32]) -> DemandType:
        """The likeliest type that the words allow; a type said outright wins."""
        return DemandType(next(iter(self.types(clean, vector))))

    def types(self, clean: str, vector: NDArray[np.float32]) -> dict[str, float]:
        """How likely each type is that the words of a canonical text allow, the likeliest first; alone one said outright."""
        said = [kind for kind, pattern in _type_words("says") if pattern.search(clean)]
        if said:
            return {said[0]: 1.0}
        needs = dict(_type_words("needs"))
        shares = _ranked(self._shares("type", clean, vector))
        return {name: share for name, share in shares.items() if name not in needs or needs[name].search(clean)}

    def _named_item(self, clean: str) -> Service | None:
        """The hotline item that the catalogue search names surely."""
        found = self._retriever.search(clean, self._encoder.encode_query([clean])[0])
        best = found.best.service
        sure = found.best.score >= NAMED_SCORE and found.similarity >= NAMED_SIMILARITY
        return best if sure and best.kind is Kind.DEMAND else None


def _ranked(shares: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def _second_level(category: str | None, shares: Mapping[str, float]) -> str | None:
    """The likeliest second-level name of a category, None when it is not likely enough among all of them."""
    known = read_subcategories()
    own = [(name, share) for name, share in shares.items() if known[name].category == category]
    return own[0][0] if own and own[0][1] >= SUBCATEGORY_FLOOR else None


def _without(clean: str, entities: Sequence[Entity]) -> str:
    """A canonical text without its places and times; all of it when nothing else is told."""
    rest = clean
    for entity in entities:
        if entity.label in ("location", "time"):
            rest = rest.replace(normalise(entity.text).text, " ")
    rest = " ".join(rest.split())
    return rest if len(rest) > 1 else clean


@lru_cache(maxsize=1)
def _people_words() -> re.Pattern[str]:
    with (NLU_DATA / "lookups" / "people_words.csv").open(encoding="utf-8", newline="") as rows:
        return re.compile("|".join(f"(?:{row['pattern']})" for row in csv.DictReader(rows)), re.I)


def _people(text: str) -> str | None:
    """Who is affected, as the text has it: "三十多户", "an old man on the third floor"."""
    found = _people_words().search(normalise(text).text)
    return found.group().strip() if found else None
