"""Boosted decision trees over named features, as tables that numpy alone can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int32]


@dataclass(frozen=True)
class Trees:
    """All trees one after the other: node n asks whether feature `asks[n]` is at most `bounds[n]`.

    `left` and `right` are the next nodes, a leaf's own number at a leaf; `values` counts at leaves; `roots` are the
    first nodes; `names` is the order of the features. A text's sum of leaves and `start` is a log-odds.
    """

    names: tuple[str, ...]
    roots: Places
    asks: Places
    bounds: Floats
    left: Places
    right: Places
    values: Floats
    start: float
    depth: int

    def probabilities(self, named: Sequence[Mapping[str, float]]) -> Floats:
        """How likely each row's truth is, shape (rows,); features that a row does not name are 0."""
        return np.asarray(1 / (1 + np.exp(-self.odds(named))), dtype=np.float32)

    def odds(self, named: Sequence[Mapping[str, float]]) -> Floats:
        """The log-odds of each row's truth, shape (rows,)."""
        place = {name: number for number, name in enumerate(self.names)}
        table = np.zeros((len(named), len(self.names)), dtype=np.float32)
        for number, row in enumerate(named):
            for name, value in row.items():
                if name in place:
                    table[number, place[name]] = value
        at = np.broadcast_to(self.roots, (len(named), len(self.roots))).copy()
        rows = np.arange(len(named))[:, None]
        for _ in range(self.depth):
            at = np.where(table[rows, self.asks[at]] <= self.bounds[at], self.left[at], self.right[at])
        return np.asarray(self.start + self.values[at].sum(axis=1), dtype=np.float32)

    def as_json(self, digits: int = 4) -> dict[str, object]:
        """Plain lists, numbers short enough to read; `trees_from` gives the trees back."""
        told = {name: getattr(self, name).tolist() for name in ("roots", "asks", "left", "right")}
        rounded = {name: np.round(getattr(self, name), digits).tolist() for name in ("bounds", "values")}
        short = {name: [float(f"{value:.{digits}f}") for value in values] for name, values in rounded.items()}
        return {"names": list(self.names), **told, **short, "start": self.start, "depth": self.depth}


def trees_from(told: Mapping[str, Any]) -> Trees:
    """The trees that `as_json` told; raises KeyError for what lacks a part."""
    roots, asks, left, right = (np.array(told[name], dtype=np.int32) for name in ("roots", "asks", "left", "right"))
    bounds, values = (np.array(told[name], dtype=np.float32) for name in ("bounds", "values"))
    return Trees(
        tuple(told["names"]), roots, asks, bounds, left, right, values, float(told["start"]), int(told["depth"])
    )
