"""Whether two reports tell of one event: named signs under learnt weights, as a calibrated probability.

The weights are learnt from written reports alone (`chengda train duplicates`, nlu_data/duplicates_meng.jsonl).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter

from bot.cases.pair_signs import pair_signs
from bot.cases.reports import Report

WEIGHT_FILE = Path(__file__).with_name("duplicates.json")


@dataclass(frozen=True)
class PairWeights:
    """The weight of every sign; `threshold` is the probability from which on a pair counts as one event.

    `figures` are those of reports held out, scenario by scenario (%).
    """

    learnt_on: str
    encoder: str
    pairs: int
    threshold: float
    intercept: float
    figures: Mapping[str, float]
    weights: Mapping[str, float]

    def save(self, path: Path = WEIGHT_FILE) -> None:
        """Write the file, numbers short enough to read."""
        short = PairWeights(
            self.learnt_on,
            self.encoder,
            self.pairs,
            round(self.threshold, 3),
            round(self.intercept, 3),
            {name: round(value, 1) for name, value in self.figures.items()},
            {name: round(value, 3) for name, value in sorted(self.weights.items())},
        )
        path.write_bytes(TypeAdapter(PairWeights).dump_json(short, indent=1) + b"\n")


@lru_cache(maxsize=1)
def read_pair_weights(path: Path = WEIGHT_FILE) -> PairWeights:
    """What `save` wrote; raises pydantic's ValidationError."""
    return TypeAdapter(PairWeights).validate_json(path.read_bytes())


@dataclass(frozen=True)
class Likeness:
    """How likely two reports tell of one event, and the signs that say so."""

    share: float
    signs: Mapping[str, float]


class PairModel:
    """Compares reports."""

    def __init__(self, weights: PairWeights | None = None) -> None:
        """`weights` are the shipped ones unless given."""
        self.weights = weights or read_pair_weights()

    @property
    def threshold(self) -> float:
        """The probability from which on two reports count as one event."""
        return self.weights.threshold

    def compare(self, one: Report, other: Report) -> Likeness:
        """How alike two reports are, the same in either order."""
        signs = pair_signs(one, other)
        known = self.weights.weights
        score = self.weights.intercept + sum(known.get(name, 0.0) * value for name, value in signs.items())
        return Likeness(1 / (1 + math.exp(-max(-50.0, min(50.0, score)))), signs)
