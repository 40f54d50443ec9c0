"""Figures of an evaluation: a mean over items, its bootstrap interval, and the paired difference of two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
SEED = 7
LEVEL = 95
CHUNK = 250


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figure:
    """One measure of a part for a group of items; `values` is one number an item, by the item's key."""

    part: str
    group: str
    measure: str
    values: Mapping[str, float]
    headline: bool = False
    lower_is_better: bool = False

    @property
    def name(self) -> str:
        """What tells the figure from all others."""
        return f"{self.part} / {self.group} / {self.measure}"

    @property
    def value(self) -> float:
        """The mean; 0 of no items."""
        return sum(self.values.values()) / max(1, len(self.values))

    def interval(self) -> Interval:
        """The mean with its interval."""
        return bootstrap(list(self.values.values()))


@dataclass(frozen=True)
class Difference:
    """A figure of two runs over the items both have; `gain` is new less old."""

    figure: Figure
    old: float
    new: float
    gain: Interval
    count: int

    @property
    def worse(self) -> bool:
        """Whether the whole interval lies on the wrong side of zero."""
        return self.gain.low > 0 if self.figure.lower_is_better else self.gain.high < 0

    @property
    def better(self) -> bool:
        """Whether the whole interval lies on the right side of zero."""
        return self.gain.high < 0 if self.figure.lower_is_better else self.gain.low > 0


def bootstrap(values: Sequence[float], resamples: int = RESAMPLES) -> Interval:
    """The percentile interval of the mean; the same values always give the same interval."""
    if not values:
        return Interval(0.0, 0.0, 0.0)
    row = np.asarray(values, dtype=np.float64)
    means = _resampled_means(row, resamples)
    tail = (100 - LEVEL) / 2
    low, high = np.percentile(means, (tail, 100 - tail))
    return Interval(float(row.mean()), float(low), float(high))


def _resampled_means(row: NDArray[np.float64], resamples: int) -> NDArray[np.float64]:
    """Means of rows drawn with replacement, in chunks so that memory stays small."""
    draw = np.random.default_rng(SEED)
    means = [row[draw.integers(0, len(row), (CHUNK, len(row)))].mean(axis=1) for _ in range(0, resamples, CHUNK)]
    return np.concatenate(means)


def difference(old: Figure, new: Figure) -> Difference | None:
    """The paired difference over the items both runs have, None where they share none."""
    shared = [key for key in new.values if key in old.values]
    if not shared:
        return None
    before, after = [old.values[key] for key in shared], [new.values[key] for key in shared]
    gain = bootstrap([later - earlier for earlier, later in zip(before, after, strict=True)])
    return Difference(new, sum(before) / len(shared), sum(after) / len(shared), gain, len(shared))


def differences(old: Sequence[Figure], new: Sequence[Figure]) -> list[Difference]:
    """The differences of all figures that both runs have."""
    before = {figure.name: figure for figure in old}
    found = (difference(before[figure.name], figure) for figure in new if figure.name in before)
    return [one for one in found if one is not None]
