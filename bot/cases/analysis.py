"""What a demand is about: split, type, category, hotline item, unit, place, time and urgency of free text."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.cases.case import CaseDraft, DemandType
from bot.cases.split import Splitter
from bot.language import detect
from bot.nlu.entities import Entity, find_entities, likeliest_place
from bot.nlu.said import says_nothing, without_commands
from knowledge.catalogue import Catalogue, Kind, Service, ServiceCode
from knowledge.city import City, find_city
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical, normalise
from knowledge.queries import NLU_DATA, Query
from knowledge.retriever import Retriever
from knowledge.trainer import Trainer

HEADS = ("type", "category", "urgency", "service_item")
NO_ITEM = "none"
CATEGORY_FLOOR = 0.35
ITEM_FLOOR = 0.35
SURE_ITEM = 0.8
NAMED_SCORE = 0.5
NAMED_SIMILARITY = 0.6


@dataclass(frozen=True)
class Demand:
    """One demand found in a message."""

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
        )


def train_demand_heads(queries: Sequence[Query], catalogue: Catalogue, trainer: Trainer) -> dict[str, LinearHead]:
    """Fit the heads of type, category, urgency and hotline item; sentences for hotline items join the last."""
    rows = read_demands()
    heads: dict[str, LinearHead] = {}
    for name in HEADS:
        texts, labels = [row["text"] for row in rows], [row[name] or NO_ITEM for row in rows]
        for query in queries if name in ("category", "service_item") else ():
            service = catalogue.services[ServiceCode(query.code)]
            if service.kind is Kind.DEMAND and service.category:
                texts.append(query.text)
                labels.append(service.category if name == "category" else service.code)
        told = texts if name == "type" else [_matter(text) for text in texts]
        heads[name] = trainer.fit([canonical(text, cantonese=True) for text in told], labels, 1.5, 0.3)
    return heads


def _ordered(text: str) -> str:
    """What a text tells beyond the words that only order a report, perhaps nothing."""
    return without_commands(normalise(text).text, "file_demand")


def _matter(text: str) -> str:
    """The text without words that only order a report; all of it when nothing else is told."""
    rest = _ordered(text)
    return rest if not says_nothing(rest) else text


@lru_cache(maxsize=2)
def _type_words(rule: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Words that say a type outright (`says`), or without which it is none (`needs`)."""
    with (NLU_DATA / "lookups" / "demand_words.csv").open(encoding="utf-8") as rows:
        return tuple((row["type"], re.compile(row["pattern"])) for row in csv.DictReader(rows) if row["rule"] == rule)


def read_demands(folder: Path = NLU_DATA) -> list[dict[str, str]]:
    """The labelled demands of `demands_<author>.csv`, one row a sentence."""
    rows: list[dict[str, str]] = []
    for path in sorted(folder.glob("demands_*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows.extend(csv.DictReader(lines))
    return rows


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
        """The demands of a text, in the order told; place and time told once hold for all."""
        language = "en" if detect(text).language == "en" else "zh"
        whole = find_entities(text, language, self.city)
        parts = [part for part in self.splitter.split(text) if not says_nothing(_ordered(part))] or [text.strip()]
        return tuple(self._one(part, find_entities(part, language, self.city), whole) for part in parts)

    def items(self, clean: str, vector: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
        """The two likeliest hotline items of a canonical text with their probability; `none` is one of them."""
        head = self._heads["service_item"]
        shares = head.probabilities(clean, vector)
        return tuple((head.labels[place], float(shares[place])) for place in np.argsort(-shares)[:3])

    def _one(self, text: str, own: Sequence[Entity], whole: Sequence[Entity]) -> Demand:
        cantonese = detect(text).cantonese
        clean = canonical(_matter(text), cantonese)
        whole_clean = canonical(text, cantonese)
        vector, whole_vector = self._encoder.encode_query([clean, whole_clean])
        kind = self._type(whole_clean, whole_vector)
        category, confidence = self._best("category", clean, vector)
        urgency, _ = self._best("urgency", clean, vector)
        ranked = [(code, share) for code, share in self.items(clean, vector)]
        code, share = ranked[0]
        known = code != NO_ITEM and code in self._retriever.catalogue
        item = self._retriever.catalogue[code] if known and share >= ITEM_FLOOR else None
        if share < SURE_ITEM:
            item = self._named_item(_without(clean, own)) or item
        if item is not None and (item.category == category or share > confidence):
            category, confidence = item.category or category, max(confidence, share)
        place = likeliest_place(own) or likeliest_place(whole)
        near = own if place is not None and place in own else whole
        subdistrict, district = _area(near)
        times = [e.text for e in own if e.label == "time"] or [e.text for e in whole if e.label == "time"]
        return Demand(
            text,
            kind,
            category if confidence >= CATEGORY_FLOOR else None,
            item.code if item else None,
            item.agency if item else None,
            district,
            subdistrict,
            place.text if place else None,
            "，".join(dict.fromkeys(times)) if times else None,
            urgency,
            round(confidence, 3),
            next((other for other, _ in ranked[1:] if item and other != NO_ITEM), None),
            self._retriever.why(item, clean) if item else (),
        )

    def said_type(self, text: str) -> DemandType | None:
        """The type that a text says outright ("我要举报"), None when it says none."""
        clean = canonical(text, detect(text).cantonese)
        said = [kind for kind, pattern in _type_words("says") if pattern.search(clean)]
        return DemandType(said[0]) if said else None

    def _type(self, clean: str, vector: NDArray[np.float32]) -> DemandType:
        """The likeliest type that the words allow; a type said outright wins."""
        head = self._heads["type"]
        shares = head.probabilities(clean, vector)
        said = [kind for kind, pattern in _type_words("says") if pattern.search(clean)]
        if said:
            return DemandType(said[0])
        needs = dict(_type_words("needs"))
        ranked = [head.labels[place] for place in np.argsort(-shares)]
        return DemandType(next(name for name in ranked if name not in needs or needs[name].search(clean)))

    def _named_item(self, clean: str) -> Service | None:
        """The hotline item that the catalogue search names surely."""
        found = self._retriever.search(clean, self._encoder.encode_query([clean])[0])
        best = found.best.service
        sure = found.best.score >= NAMED_SCORE and found.similarity >= NAMED_SIMILARITY
        return best if sure and best.kind is Kind.DEMAND else None

    def _best(self, head: str, clean: str, vector: NDArray[np.float32]) -> tuple[str, float]:
        shares = self._heads[head].probabilities(clean, vector)
        best = int(shares.argmax())
        return self._heads[head].labels[best], float(shares[best])


def _without(clean: str, entities: Sequence[Entity]) -> str:
    """A canonical text without its places and times; all of it when nothing else is told."""
    rest = clean
    for entity in entities:
        if entity.label in ("location", "time"):
            rest = rest.replace(normalise(entity.text).text, " ")
    rest = " ".join(rest.split())
    return rest if len(rest) > 1 else clean


def _area(entities: Sequence[Entity]) -> tuple[str | None, str | None]:
    """The sub-district and district told, the district also from a sub-district or landmark."""
    sub = next((e for e in entities if e.label == "subdistrict"), None)
    named = next((e for e in entities if e.label == "district"), None)
    inferred = next((e.district for e in entities if e.district), None)
    return (sub.value if sub else None), (named.value if named else inferred)
