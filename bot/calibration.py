"""How belief relates to truth in a run: reliability, coverage against accuracy, confusions, latency."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np

from bot.records import Record

BINS = 10
COVERAGE_STEPS = 20
LATENCY_EDGES = (2, 4, 6, 8, 10, 15, 20, 50)
Points = list[tuple[float, float]]


def reliability(records: Sequence[Record], bins: int = BINS) -> Points:
    """Mean belief and share right, both in percent, in classes of equally many records, the least sure first."""
    ranked = sorted(records, key=lambda record: record.share)
    classes = (chunk for chunk in np.array_split(np.arange(len(ranked)), bins) if len(chunk))
    return [
        (
            100 * float(np.mean([ranked[i].share for i in chunk])),
            100 * float(np.mean([ranked[i].right for i in chunk])),
        )
        for chunk in classes
    ]


def calibration_error(records: Sequence[Record], bins: int = BINS) -> float:
    """Mean distance of belief and truth over the classes of `reliability`, in points."""
    points = reliability(records, bins)
    return sum(abs(belief - truth) for belief, truth in points) / max(1, len(points))


def coverage(records: Sequence[Record], steps: int = COVERAGE_STEPS) -> Points:
    """Share answered when only the surest are, and the share right among them, in percent."""
    ranked = sorted(records, key=lambda record: -record.share)
    sizes = sorted({round(len(ranked) * step / steps) for step in range(1, steps + 1)} - {0})
    right = np.cumsum([record.right for record in ranked])
    return [(100 * size / len(ranked), 100 * float(right[size - 1]) / size) for size in sizes]


def confusions(records: Sequence[Record]) -> list[tuple[str, str, int]]:
    """What was taken for what, most frequent first."""
    counts = Counter((record.expected[0], (record.found or ("none",))[0]) for record in records if not record.right)
    return [(expected, found, count) for (expected, found), count in counts.most_common()]


def matrix(records: Sequence[Record]) -> tuple[list[str], list[list[int]]]:
    """Labels, and how often the row's label was found to be the column's; a right alternative counts as right."""
    pairs = [(r.expected[0], r.expected[0] if r.right else (r.found or ("none",))[0]) for r in records]
    labels = sorted({label for pair in pairs for label in pair})
    counts = Counter(pairs)
    return labels, [[counts[(row, column)] for column in labels] for row in labels]


def latencies(records: Sequence[Record]) -> dict[str, float]:
    """Milliseconds at the percentiles."""
    times = [record.milliseconds for record in records] or [0.0]
    return {f"p{share}": float(np.percentile(times, share)) for share in (50, 90, 99)}


def latency_classes(records: Sequence[Record]) -> tuple[list[str], list[int]]:
    """Counts by classes of milliseconds."""
    edges = (0, *LATENCY_EDGES)
    names = [f"{low}–{high}" for low, high in itertools.pairwise(edges)] + [f"≥{edges[-1]}"]
    places = np.searchsorted(LATENCY_EDGES, [record.milliseconds for record in records], side="right")
    return names, [int(count) for count in np.bincount(places, minlength=len(names))]
