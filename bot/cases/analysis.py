"""What a demand is about: split, type, category, hotline item, unit, place, time and urgency of free text."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.cases.case import CaseDraft, DemandType
from bot.language import detect
from bot.nlu.entities import Entity, find_entities
from knowledge.catalogue import Catalogue, Kind, ServiceCode
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead, train_head
from knowledge.normal import canonical
from knowledge.queries import NLU_DATA, Query
from knowledge.retriever import Retriever

HEADS = ("type", "category", "urgency", "service_item")
NO_ITEM = "none"
CATEGORY_FLOOR = 0.35
ITEM_FLOOR = 0.35
SPLIT_FLOOR = 0.30
MIN_PART = 4
CONNECTOR = re.compile(
    r"(?:[,，。;；.!！?？\s]|^)*(?:还有一件事|还有一个问题|还有个事|另外一个问题|另外一件事|第二件事|还有就是|另外还有|另外|还有|再就是|再有就是|再一个|"
    r"顺便(?:反映|投诉|说)?一下|顺便|同时|此外|而且|以及|然后就是|其次|二是|第二)[,，:：、\s]*"
    r"|(?:[,;.!?\s]|^)+(?:and also|also|another thing is|another thing|another problem is|another problem|another issue is|second(?:ly)?|besides|"
    r"in addition|on top of that|plus|moreover|separately|and the other thing|one more thing|as well as)[,:\s]+",
    re.I,
)
SENTENCE_END = re.compile(r"[。;；!！?？\n]+|(?<=[a-z])[.!?]\s+|,\s*and\s+(?:the|my|there)\s+", re.I)


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


def train_demand_heads(queries: Sequence[Query], catalogue: Catalogue, encoder: Encoder) -> dict[str, LinearHead]:
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
        heads[name] = train_head([canonical(text, cantonese=True) for text in texts], labels, encoder, 1.5, 0.3)
    return heads


def read_demands(folder: Path = NLU_DATA) -> list[dict[str, str]]:
    """The labelled demands of `demands_<author>.csv`, one row a sentence."""
    rows: list[dict[str, str]] = []
    for path in sorted(folder.glob("demands_*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows.extend(csv.DictReader(lines))
    return rows


class DemandAnalyst:
    """Reads demands out of free text in Chinese, English or both."""

    def __init__(self, encoder: Encoder, heads: dict[str, LinearHead], retriever: Retriever) -> None:
        self._encoder = encoder
        self._heads = heads
        self._retriever = retriever

    def analyse(self, text: str) -> tuple[Demand, ...]:
        """The demands of a text, in the order told; place and time told once hold for all."""
        language = "en" if detect(text).language == "en" else "zh"
        whole = find_entities(text, language)
        parts = self._split(text)
        return tuple(self._one(part, find_entities(part, language), whole) for part in parts)

    def items(self, clean: str, vector: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
        """The two likeliest hotline items of a canonical text with their probability; `none` is one of them."""
        head = self._heads["service_item"]
        shares = head.probabilities(clean, vector)
        return tuple((head.labels[place], float(shares[place])) for place in np.argsort(-shares)[:3])

    def _split(self, text: str) -> tuple[str, ...]:
        """The text as one demand, or as two or more that speak of different items."""
        for separator in (CONNECTOR, SENTENCE_END):
            parts = [part.strip(" ,，.。") for part in separator.split(text)]
            parts = [part for part in parts if len(canonical(part)) >= MIN_PART]
            if len(parts) < 2:
                continue
            codes = [self._item_of(part) for part in parts]
            merged = _merge(parts, codes)
            if len(merged) > 1:
                return tuple(merged)
        return (text.strip(),)

    def _one(self, text: str, own: Sequence[Entity], whole: Sequence[Entity]) -> Demand:
        clean = canonical(text, detect(text).cantonese)
        vector = self._encoder.encode_query([clean])[0]
        kind, _ = self._best("type", clean, vector)
        category, confidence = self._best("category", clean, vector)
        urgency, _ = self._best("urgency", clean, vector)
        ranked = [(code, share) for code, share in self.items(clean, vector)]
        code, share = ranked[0]
        item = self._retriever.catalogue[code] if code != NO_ITEM and share >= ITEM_FLOOR else None
        if item is not None and (item.category == category or share > confidence):
            category, confidence = item.category or category, max(confidence, share)
        place = _longest(own, "location") or _longest(whole, "location")
        near = own if place is not None and place in own else whole
        subdistrict, district = _area(near)
        times = [e.text for e in own if e.label == "time"] or [e.text for e in whole if e.label == "time"]
        return Demand(
            text,
            DemandType(kind),
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

    def _item_of(self, part: str) -> str | None:
        clean = canonical(part, detect(part).cantonese)
        code, share = self.items(clean, self._encoder.encode_query([clean])[0])[0]
        return code if code != NO_ITEM and share >= SPLIT_FLOOR else None

    def _best(self, head: str, clean: str, vector: NDArray[np.float32]) -> tuple[str, float]:
        shares = self._heads[head].probabilities(clean, vector)
        best = int(shares.argmax())
        return self._heads[head].labels[best], float(shares[best])


def _merge(parts: Sequence[str], codes: Sequence[str | None]) -> list[str]:
    """Parts joined where they speak of the same item, or of none."""
    merged: list[tuple[str, str | None]] = []
    for part, code in zip(parts, codes, strict=True):
        known = [other for _, other in merged]
        if merged and (code is None or code in known):
            text, before = merged[known.index(code) if code in known else -1]
            place = known.index(code) if code in known else len(merged) - 1
            merged[place] = (f"{text}，{part}" if not part.isascii() else f"{text}. {part}", before)
        elif merged and merged[-1][1] is None and len(merged) == 1:
            text, _ = merged[-1]
            merged[-1] = (f"{text}，{part}" if not part.isascii() else f"{text}. {part}", code)
        else:
            merged.append((part, code))
    return [text for text, _ in merged]


def _longest(entities: Sequence[Entity], label: str) -> Entity | None:
    found = [entity for entity in entities if entity.label == label]
    return max(found, key=lambda entity: len(entity.text), default=None)


def _area(entities: Sequence[Entity]) -> tuple[str | None, str | None]:
    """The sub-district and district told, the district also from a sub-district or landmark."""
    sub = next((e for e in entities if e.label == "subdistrict"), None)
    named = next((e for e in entities if e.label == "district"), None)
    inferred = next((e.district for e in entities if e.district), None)
    return (sub.value if sub else None), (named.value if named else inferred)
