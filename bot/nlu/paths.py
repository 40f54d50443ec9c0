"""Which life event a message speaks of: a linear head over the paths, beside questions on one service."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Audience
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical
from knowledge.paths import LifePath, PathKey
from knowledge.queries import NLU_DATA, Query
from knowledge.trainer import Trainer
from knowledge.yaml_file import ContentError

LINE_FILE = NLU_DATA / "paths.csv"
COLUMNS = ["path", "language", "text"]
SINGLE = "single"
SINGLE_CAP = 3000
DENSE_WEIGHT = 1.5
COST = 0.3
OTHER_AUDIENCE = 0.2


@dataclass(frozen=True)
class PathLine:
    """One sentence and the life event it tells."""

    path: str
    language: str
    text: str


@dataclass(frozen=True)
class PathMatch:
    """The paths with their shares, best first; `single` is the share of a question on one service."""

    ranked: tuple[tuple[PathKey, float], ...]
    single: float

    @property
    def best(self) -> PathKey:
        """The likeliest path."""
        return self.ranked[0][0]

    @property
    def share(self) -> float:
        """The share of the likeliest path."""
        return self.ranked[0][1]

    @property
    def lead(self) -> float:
        """The share of the likeliest path among the paths alone."""
        return self.share / max(sum(share for _, share in self.ranked), 1e-9)


class PathFinder:
    """The paths, and the trained head that tells them apart."""

    def __init__(self, paths: Mapping[PathKey, LifePath], head: LinearHead) -> None:
        self.paths = paths
        self._head = head

    def find(self, text: str, vector: NDArray[np.float32], audience: Audience | None = None) -> PathMatch:
        """Rank the paths for a canonical text; one meant for another audience than the person's counts less."""
        shares = dict(zip(self._head.labels, map(float, self._head.probabilities(text, vector)), strict=True))
        single = shares.pop(SINGLE, 0.0)
        fits = {
            key: shares.get(key, 0.0) * (1.0 if path.is_for(audience) else OTHER_AUDIENCE)
            for key, path in self.paths.items()
        }
        return PathMatch(tuple(sorted(fits.items(), key=lambda pair: -pair[1])), single)


def read_path_lines(path: Path = LINE_FILE) -> tuple[PathLine, ...]:
    """The example sentences of the paths; raises ContentError with file and line."""
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text)
        if rows.fieldnames != COLUMNS:
            raise ContentError(path, 1, f"the columns are {COLUMNS}")
        return tuple(PathLine(row["path"], row["language"], row["text"]) for row in rows)


def train_paths(lines: Sequence[PathLine], queries: Sequence[Query], trainer: Trainer) -> LinearHead:
    """Fit the head of paths; a sample of what people type for one service stands against them."""
    step = max(1, len(queries) // SINGLE_CAP)
    texts = [line.text for line in lines] + [query.text for query in queries[::step]]
    labels = [line.path for line in lines] + [SINGLE] * len(queries[::step])
    return trainer.fit([canonical(text, cantonese=True) for text in texts], labels, DENSE_WEIGHT, COST)
