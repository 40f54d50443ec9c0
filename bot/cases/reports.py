"""A report as duplicates are found by: its meaning, its item, its words by sound, its matter, where and when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.cases.alignment import Spoken, spoken
from bot.cases.demand_heads import read_demands
from bot.cases.matters import matters_of
from bot.cases.usual import pairs_of
from bot.cases.whereabouts import Whereabouts, whereabouts
from bot.language import detect
from bot.nlu.entities import Entity, find_entities
from knowledge.city import City, find_city
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical, normalise

HEADS = ("service_item", "category", "subcategory", "type")
OUT_OF_MATTER = ("location", "time", "road", "landmark", "district", "subdistrict")
CLAUSE = re.compile(r"[,，。.;；!！?？\n]+|\s(?:and|but|so)\s")
MIN_CLAUSE, MAX_CLAUSES, MIN_MATTER = 4, 8, 4
GROUND_STEP, GROUND_NEAREST = 10, 10
AGAIN = re.compile(
    r"又(?!是|有)|再次|上次|之前|复发|刚修|修好|整改|\bagain\b|last time|\bpreviously\b|was fixed|came back"
)
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Told:
    """What a report says and what is known beside its words; `day` counts days from any fixed one."""

    text: str
    day: float
    location: str | None = None
    subdistrict: str | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """A report that was read; vectors have length one, `clauses` is (clauses, dimension).

    `ordinary` and `ordinary_clauses` say how near it lies to ordinary demands, which a near pair must outdo.
    """

    told: Told
    language: str
    whole: Floats
    matter: Floats
    clauses: Floats
    ordinary: float
    ordinary_matter: float
    ordinary_clauses: Floats
    heads: Mapping[str, Floats]
    words: frozenset[str]
    matters: Mapping[str, frozenset[str]]
    where: Whereabouts
    again: bool
    spoken: Spoken


class ReportReader:
    """Reads reports with the engine's encoder and demand heads."""

    def __init__(self, encoder: Encoder, heads: Mapping[str, LinearHead], city: City | None = None) -> None:
        self.city = city or find_city()
        self.encoder = encoder
        self._heads = {name: heads[name] for name in HEADS if name in heads}

    @cached_property
    def _ground(self) -> Floats:
        """Vectors of ordinary demands."""
        texts = [canonical(row["text"], cantonese=True) for row in read_demands()[::GROUND_STEP]]
        return self.encoder.encode_query(texts)

    def vector(self, text: str) -> Floats:
        """The vector that the index keeps of a report."""
        row: Floats = self.encoder.encode_query([canonical(text, detect(text).cantonese)])[0]
        return row

    def read(self, told: Told) -> Report:
        """Read one report."""
        detected = detect(told.text)
        language = "en" if detected.language == "en" else "zh"
        place = told.location if told.location and told.location not in told.text else ""
        text = f"{place} {told.text}".strip()
        entities = find_entities(text, language, self.city)
        clean = canonical(told.text, detected.cantonese)
        clauses = clauses_of(clean)
        matter = without_places(clean, entities)
        rows = self.encoder.encode_query([clean, matter, *clauses])
        near = self._nearness(rows)
        return Report(
            told,
            language,
            rows[0],
            rows[1],
            rows[2:],
            float(near[0]),
            float(near[1]),
            near[2:],
            {name: head.probabilities(clean, rows[0]) for name, head in self._heads.items()},
            pairs_of(matter),
            matters_of(matter),
            whereabouts(text, entities, self.city),
            bool(AGAIN.search(clean)),
            spoken(clean),
        )

    def _nearness(self, rows: Floats) -> Floats:
        """The mean cosine of each row to the ordinary demands nearest to it."""
        similar = rows @ self._ground.T
        nearest: Floats = np.sort(similar, axis=1)[:, -GROUND_NEAREST:].mean(axis=1)
        return nearest


def without_places(clean: str, entities: Sequence[Entity]) -> str:
    """A canonical text without the places and times it names; all of it when nothing else is told."""
    rest = clean
    for entity in entities:
        if entity.label in OUT_OF_MATTER:
            rest = rest.replace(normalise(entity.text).text, " ")
    rest = " ".join(rest.split())
    return rest if len(rest) >= MIN_MATTER else clean


def clauses_of(clean: str) -> list[str]:
    """The clauses of a canonical text, the longest first; the text itself when it has one only."""
    parts = [part.strip() for part in CLAUSE.split(clean)]
    kept = sorted((part for part in parts if len(part) >= MIN_CLAUSE), key=len, reverse=True)[:MAX_CLAUSES]
    return kept or [clean]
