"""Danger in a message: a head of its own, trained on danger against everything ordinary."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.nlu.training_data import Example
from knowledge.catalogue import Catalogue
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical
from knowledge.queries import NLU_DATA, OUTSIDE, Query, read_strangers
from knowledge.trainer import Trainer

SAFETY_FILE = NLU_DATA / "safety.csv"
BORDER_FILE = NLU_DATA / "danger_border.csv"
ACTS_FILE = NLU_DATA / "acts.csv"
PREFIXES = ("emergency_", "crisis_")
ORDINARY = "ordinary"
DENSE_WEIGHT = 1.5
COST = 1.0


@dataclass(frozen=True)
class Danger:
    """The likeliest kind of danger, an intent of the domain, and how likely any danger is."""

    kind: str
    share: float


def read_extra() -> list[tuple[str, str]]:
    """Sentences with their intents: danger, ordinary ones near it, short chat lines, and what no service answers."""
    found = [*_read(SAFETY_FILE), *_read(ACTS_FILE)]
    strangers = (one for one in read_strangers() if one.source != ACTS_FILE.stem)
    return found + [(one.text, "out_of_scope" if one.kind == OUTSIDE else "ask_service") for one in strangers]


def read_border() -> list[tuple[str, str]]:
    """Short everyday sentences in the words of danger, and danger in theirs, with their intents; for one head."""
    return _read(BORDER_FILE)


def _read(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [(row["text"], row["intent"]) for row in csv.DictReader(lines)]


def train_safety(
    examples: Sequence[Example],
    safety: Sequence[tuple[str, str]],
    queries: Sequence[Query],
    demands: Sequence[dict[str, str]],
    catalogue: Catalogue,
    trainer: Trainer,
) -> LinearHead:
    """Fit the head on every sentence there is; whatever is no danger is `ordinary`."""
    told = [(example.text, example.intent) for example in examples] + list(safety)
    told += [(query.text, ORDINARY) for query in queries]
    told += [(row["text"], ORDINARY) for row in demands if row["urgency"] != "emergency"]
    told += [(alias, ORDINARY) for service in catalogue for alias in service.aliases.all()]
    texts = [canonical(text, cantonese=True) for text, _ in told]
    labels = [intent if intent.startswith(PREFIXES) else ORDINARY for _, intent in told]
    return trainer.fit(texts, labels, DENSE_WEIGHT, COST)


def danger_of(head: LinearHead, text: str, vector: NDArray[np.float32], intents: Sequence[tuple[str, float]]) -> Danger:
    """The danger a canonical text speaks of: the geometric mean of this head's belief and the intents'."""
    shares = head.probabilities(text, vector)
    believed = sum(share for name, share in intents if name.startswith(PREFIXES))
    ordinary = head.labels.index(ORDINARY)
    kinds = shares.copy()
    kinds[ordinary] = -1
    return Danger(head.labels[int(kinds.argmax())], float(np.sqrt((1 - float(shares[ordinary])) * believed)))
