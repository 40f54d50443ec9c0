"""What was learnt from held-out authors: weights that fuse the arms, and a gate that tells what the catalogue answers.

`fusion.json` is written by `chengda train fusion`. Both parts exist twice: with the trained head among the arms, and
without it for a catalogue of thousands.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from knowledge.evidence import ARMS, Evidence
from knowledge.linear_head import softmax
from knowledge.queries import STRANGERS

Scores = NDArray[np.float32]
FUSION_FILE = Path(__file__).with_name("fusion.json")
COVERED = "covered"
KINDS = (COVERED, *STRANGERS)
LEAST_SHARE = 1e-9
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gate:
    """A multinomial logistic regression over signs: one row of weights a kind of KINDS, over standardised signs."""

    signs: list[str]
    means: list[float]
    spreads: list[float]
    weights: list[list[float]]
    biases: list[float]

    def probabilities(self, signs: Mapping[str, float]) -> dict[str, float]:
        """The calibrated probability of each kind."""
        values = (np.array([signs[name] for name in self.signs]) - self.means) / self.spreads
        odds = np.array(self.weights) @ values + self.biases
        shares = softmax(odds.astype(np.float32))
        return dict(zip(KINDS, map(float, shares), strict=True))


@dataclass(frozen=True)
class Learnt:
    """Weights of the arms, whose softmax is calibrated, and the gate."""

    weights: dict[str, float]
    gate: Gate

    def shares(self, evidence: Evidence, allowed: NDArray[np.bool_]) -> Scores:
        """Each service's calibrated share of the belief, shape (services,); 0 where not allowed."""
        scores = np.array([self.weights[arm] for arm in ARMS], dtype=np.float32) @ evidence.arms
        return softmax(np.where(allowed, scores, -np.inf).astype(np.float32))


@dataclass(frozen=True)
class Fusion:
    """All that was learnt, for which encoder, when, from how much, and how well it did."""

    encoder: str
    learnt_on: str
    lines: dict[str, int]
    figures: dict[str, float]
    with_head: Learnt
    without_head: Learnt

    def of(self, evidence: Evidence) -> Learnt:
        """The part that fits the arms at hand."""
        return self.with_head if evidence.has_head else self.without_head

    def save(self, path: Path = FUSION_FILE) -> None:
        """Write the file, numbers short enough to read."""
        path.write_text(json.dumps(_short(asdict(self)), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_fusion(path: Path = FUSION_FILE) -> Fusion:
    """What `save` wrote; raises pydantic's ValidationError."""
    return TypeAdapter(Fusion).validate_json(path.read_bytes())


@lru_cache(maxsize=4)
def fusion_for(encoder: str) -> Fusion:
    """The shipped fusion; for another encoder than it was learnt with it still ranks, and a warning is logged."""
    fusion = read_fusion()
    if fusion.encoder != encoder:
        log.warning(
            "fusion.json was learnt with encoder %s, not %s: run `chengda train fusion`", fusion.encoder, encoder
        )
    return fusion


def whole_signs(evidence: Evidence, shares: Scores) -> dict[str, float]:
    """The signs of a query with those of its ranking: how sure the best is, and what speaks for it."""
    best, second = (int(place) for place in np.argsort(-shares, kind="stable")[:2])
    arms = dict(zip(ARMS, evidence.arms[:, best], strict=True))
    belief = np.maximum(shares, LEAST_SHARE)
    return {
        **evidence.signs,
        "sure": float(np.log(belief[best])),
        "lead": float(np.log(belief[best] / belief[second])),
        "entropy": float(-(belief * np.log(belief)).sum()),
        "best_dense_mean": float(arms["dense_mean"]),
        "best_lexical": float(arms["lexical"]),
        "best_coverage": float(arms["coverage"]),
        "best_likeness": float(arms["likeness"]),
        "best_holding": float(arms["holding"]),
        "best_margin": float(arms["head"]),
    }


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return [_short(item) for item in value] if isinstance(value, list) else value
