"""Whether two reports tell of one event: named signs under learnt weights and trees, as a calibrated probability.

They are learnt from written reports alone (`chengda train duplicates`, nlu_data/duplicates_*.jsonl).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.cases.pair_signs import pair_signs
from bot.cases.reports import Report
from knowledge.trees import Trees, trees_from

WEIGHT_FILE = Path(__file__).with_name("duplicates.json")


@dataclass(frozen=True)
class PairWeights:
    """A weight for every sign, and trees over the same signs; `threshold` is the probability of one event.

    The sum of both, `slope` times and `shift` up, is a log-odds. `figures` are those of reports held out, scenario by
    scenario (%).
    """

    learnt_on: str
    encoder: str
    pairs: int
    threshold: float
    intercept: float
    slope: float
    shift: float
    figures: Mapping[str, float]
    weights: Mapping[str, float]
    trees: Trees

    def save(self, path: Path = WEIGHT_FILE) -> None:
        """Write the file, numbers short enough to read, the trees in one line each part."""
        told = {
            "learnt_on": self.learnt_on,
            "encoder": self.encoder,
            "pairs": self.pairs,
            **{name: round(getattr(self, name), 3) for name in ("threshold", "intercept", "slope", "shift")},
            "figures": {name: round(value, 1) for name, value in self.figures.items()},
            "weights": {name: round(value, 3) for name, value in sorted(self.weights.items())},
        }
        lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items()]
        trees = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in self.trees.as_json().items()]
        lines.append(' "trees": {\n' + ",\n".join(trees) + "\n }")
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")

    def odds(self, signs: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """The log-odds that pairs of these signs tell of one event."""
        linear = [self.intercept + sum(self.weights.get(name, 0.0) * v for name, v in row.items()) for row in signs]
        return np.asarray(self.slope * (np.array(linear) + self.trees.odds(signs)) + self.shift, dtype=np.float64)


@lru_cache(maxsize=1)
def read_pair_weights(path: Path = WEIGHT_FILE) -> PairWeights:
    """What `save` wrote; raises KeyError or TypeError for what is no such file."""
    told = json.loads(path.read_text(encoding="utf-8"))
    return PairWeights(**{**told, "trees": trees_from(told["trees"])})


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
        (score,) = self.weights.odds([signs])
        return Likeness(1 / (1 + math.exp(-max(-50.0, min(50.0, float(score))))), signs)
