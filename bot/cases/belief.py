"""How surely a unit is the right one: a logistic over named signs, its weights learnt on labelled demands."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

WEIGHT_FILE = Path(__file__).resolve().parents[1] / "dispatch.json"
Signs = dict[str, float]


@dataclass(frozen=True)
class Belief:
    """Weights of signs, the floor below which a dispatcher decides, and how well held-out lines were told.

    `reliability` is mean belief and share right in classes of equally many lines, `curve` coverage and accuracy when
    only the surest are decided, all in percent.
    """

    learnt_on: str
    lines: int
    floor: float
    figures: Mapping[str, float]
    reliability: tuple[tuple[float, float], ...]
    curve: tuple[tuple[float, float], ...]
    weights: Mapping[str, float]

    def of(self, signs: Signs) -> float:
        """The probability that a unit with these signs is right."""
        margin = sum(self.weights.get(name, 0.0) * value for name, value in signs.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, margin))))

    def save(self, path: Path = WEIGHT_FILE) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@lru_cache(maxsize=2)
def read_belief(path: Path = WEIGHT_FILE) -> Belief:
    """What was learnt."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for name in ("reliability", "curve"):
        content[name] = tuple((first, second) for first, second in content[name])
    return Belief(**content)
