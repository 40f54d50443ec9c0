"""How well labels were predicted, in the shape of the reports Rasa writes (those of scikit-learn)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

# As many of a label's most frequent predictions are looked at for what it is confused with.
MOST_CONFUSED = 3


def classification(targets: Sequence[str], predictions: Sequence[str]) -> dict[str, Any]:
    """Precision, recall, F1 and support of every label that is a target; accuracy, micro, macro and weighted averages.

    Empty where nothing is a target. A figure with nothing to divide by is 0.
    """
    if not targets:
        return {}
    pairs = list(zip(targets, predictions, strict=True))
    right = Counter(target for target, found in pairs if target == found)
    wanted, given = Counter(targets), Counter(predictions)
    labels = list(wanted)
    rows = {label: _row(right[label], given[label], wanted[label]) for label in labels}
    hits, total = right.total(), len(targets)
    mine = sum(given[label] for label in labels)
    return {
        **rows,
        "micro avg": _row(hits, mine, total),
        "macro avg": _average(rows, dict.fromkeys(labels, 1), total),
        "weighted avg": _average(rows, wanted, total),
        "accuracy": hits / total,
    }


def with_confusions(report: dict[str, Any], targets: Sequence[str], predictions: Sequence[str]) -> dict[str, Any]:
    """The report with the labels that each label is most often taken for."""
    labels = sorted({*targets, *predictions}, reverse=True)
    told = dict(report)
    for label in dict.fromkeys(targets):
        counts = Counter(found for target, found in zip(targets, predictions, strict=True) if target == label)
        most = sorted(labels, key=lambda found: -counts[found])[:MOST_CONFUSED]
        confused = {found: counts[found] for found in most if found != label and counts[found]}
        told[label] = {**report[label], "confused_with": confused}
    return told


def _row(right: int, given: int, wanted: int) -> dict[str, Any]:
    precision, recall = _share(right, given), _share(right, wanted)
    f1 = _share(2 * right, given + wanted)
    return {"precision": precision, "recall": recall, "f1-score": f1, "support": wanted}


def _average(rows: dict[str, dict[str, Any]], weights: dict[str, int], support: int) -> dict[str, Any]:
    total = sum(weights.values())
    return {
        name: _share(sum(rows[label][name] * weight for label, weight in weights.items()), total)
        for name in ("precision", "recall", "f1-score")
    } | {"support": support}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
