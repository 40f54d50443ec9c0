"""The heads that read a demand: type, category, second level, urgency and hotline item, and what they learn from."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bot.cases.letters import Letter
from bot.nlu.said import says_nothing, without_commands
from knowledge.catalogue import CATALOGUE, Catalogue, Kind, ServiceCode, Text
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical, normalise
from knowledge.queries import NLU_DATA, Query
from knowledge.trainer import Trainer

HEADS = ("type", "category", "subcategory", "urgency", "service_item")
NO_ITEM = "none"
DENSE_WEIGHT = {"type": 1.0}
COST = {"type": 0.2}


@dataclass(frozen=True)
class Subcategory:
    """A second-level name and the first-level name it belongs to."""

    name: Text
    category: str


@lru_cache(maxsize=1)
def read_subcategories(path: Path = CATALOGUE / "subcategories.csv") -> Mapping[str, Subcategory]:
    """The second level by its Chinese name."""
    with path.open(encoding="utf-8", newline="") as rows:
        return {
            row["subcategory"]: Subcategory(Text(row["subcategory"], row["subcategory_en"]), row["category"])
            for row in csv.DictReader(rows)
        }


def read_demands(folder: Path = NLU_DATA) -> list[dict[str, str]]:
    """The labelled demands of `demands_<author>.csv`, one row a sentence."""
    rows: list[dict[str, str]] = []
    for path in sorted(folder.glob("demands_*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows.extend(csv.DictReader(lines))
    return rows


def rows_of(letters: Sequence[Letter]) -> list[dict[str, str]]:
    """The demands of letters as rows of `read_demands`; mixed texts count as Chinese."""
    return [
        {
            "type": told.type,
            "category": told.category,
            "subcategory": told.subcategory,
            "service_item": told.item,
            "urgency": told.urgency,
            "language": "en" if letter.language == "en" else "zh",
            "style": letter.style,
            "text": told.part,
        }
        for letter in letters
        for told in letter.demands
    ]


def train_demand_heads(
    rows: Sequence[Mapping[str, str]], queries: Sequence[Query], catalogue: Catalogue, trainer: Trainer
) -> dict[str, LinearHead]:
    """Fit all heads; sentences for hotline items join those of category and item."""
    return {name: train_demand_head(name, rows, queries, catalogue, trainer) for name in HEADS}


def train_demand_head(
    name: str, rows: Sequence[Mapping[str, str]], queries: Sequence[Query], catalogue: Catalogue, trainer: Trainer
) -> LinearHead:
    """Fit one head on the rows that tell its field."""
    told = [(row["text"], row[name] or (NO_ITEM if name == "service_item" else "")) for row in rows]
    for query in queries if name in ("category", "service_item") else ():
        service = catalogue.services[ServiceCode(query.code)]
        if service.kind is Kind.DEMAND and service.category:
            told.append((query.text, service.category if name == "category" else service.code))
    told = [(text if name == "type" else matter(text), label) for text, label in told if label]
    texts = [canonical(text, cantonese=True) for text, _ in told]
    return trainer.fit(texts, [label for _, label in told], DENSE_WEIGHT.get(name, 1.5), COST.get(name, 0.3))


def ordered(text: str) -> str:
    """What a text tells beyond the words that only order a report, perhaps nothing."""
    return without_commands(normalise(text).text, "file_demand")


def matter(text: str) -> str:
    """The text without words that only order a report; all of it when nothing else is told."""
    rest = ordered(text)
    return rest if not says_nothing(rest) else text
