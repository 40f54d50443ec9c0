"""Learning when two reports tell of one event: each scenario held out for the threshold, all learnt from at the end.

A logistic regression with a ridge and boosted trees over the same signs, their sum brought to truth by a line fitted to
the held-out scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bot.cases.duplicates import PairWeights
from bot.cases.pair_signs import pair_signs
from bot.cases.reports import ReportReader
from bot.cases.written_reports import Pair, Written, moved, pairs_across, pairs_within
from knowledge.tree_fitting import fit_trees
from knowledge.trees import Trees

RIDGE = 1e-2
FOLDS = 6
DEPTH, TRIED = 3, 0.3  # of the trees
EASY_WEIGHT = 0.5
MADE = ("easy", "moved", "retold")  # pairs that nobody wrote as such
PRECISION = 0.9
Row = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Pairs with their signs, shape (pairs, signs), and the fold of each."""

    pairs: tuple[Pair, ...]
    names: tuple[str, ...]
    table: Row
    same: Row
    weight: Row
    fold: NDArray[np.int64]

    @property
    def within(self) -> NDArray[np.bool_]:
        """Which pairs are of one scenario."""
        return np.array([pair.kind not in MADE for pair in self.pairs])

    def named(self, chosen: NDArray[np.bool_]) -> list[dict[str, float]]:
        """The signs of some pairs by name."""
        return [dict(zip(self.names, row, strict=True)) for row in self.table[chosen].tolist()]


def examples_of(written: Sequence[Written], reader: ReportReader, progress: Callable[[], None]) -> Examples:
    """Read reports and the signs of their pairs."""
    told, elsewhere = moved(written)
    reports = []
    for number, one in enumerate(told):
        reports.append(reader.read(one.told()))
        if number < len(written):
            progress()
    pairs = (*pairs_within(written), *pairs_across(written), *elsewhere)
    signs = [pair_signs(reports[pair.one], reports[pair.other]) for pair in pairs]
    names = tuple(sorted({name for row in signs for name in row}))
    return Examples(
        pairs,
        names,
        np.array([[row.get(name, 0.0) for name in names] for row in signs]),
        np.array([float(pair.same) for pair in pairs]),
        np.array([EASY_WEIGHT if pair.kind in MADE else 1.0 for pair in pairs]),
        np.array([written[pair.one].scenario % FOLDS for pair in pairs]),
    )


def learn(examples: Examples, encoder: str, today: date) -> PairWeights:
    """The weights of all pairs, with threshold and figures of scenarios held out."""
    scores = np.zeros(len(examples.pairs))
    for fold in range(FOLDS):
        out = examples.fold == fold
        weights, trees = _both(examples, ~out)
        scores[out] = examples.table[out] @ weights[:-1] + weights[-1] + trees.odds(examples.named(out))
    slope, shift = fit(scores[:, None], examples.same, examples.weight, 0.0)
    scores = slope * scores + shift
    within = examples.within
    threshold, figures = choose(scores[within], examples.same[within])
    weights, trees = _both(examples, np.ones(len(scores), dtype=bool))
    return PairWeights(
        today.isoformat(),
        encoder,
        int(within.sum()),
        float(1 / (1 + np.exp(-threshold))),
        float(weights[-1]),
        float(slope),
        float(shift),
        figures,
        {name: float(weight) for name, weight in zip(examples.names, weights[:-1], strict=True)},
        trees,
    )


def _both(examples: Examples, chosen: NDArray[np.bool_]) -> tuple[Row, Trees]:
    """Weights and trees of some of the pairs."""
    truth = [bool(one) for one in examples.same[chosen]]
    trees = fit_trees(examples.named(chosen), truth, examples.weight[chosen].tolist(), depth=DEPTH, tried=TRIED)
    return fit(examples.table[chosen], examples.same[chosen], examples.weight[chosen]), trees


def choose(scores: Row, same: Row) -> tuple[float, dict[str, float]]:
    """The score with the most pairs found at a precision of at least `PRECISION`, and what it finds (%)."""
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(same[order])
    precision, recall = right / np.arange(1, len(order) + 1), right / same.sum()
    good = np.flatnonzero(precision >= PRECISION)
    place = int(good[-1]) if len(good) else 0
    average = float((precision * same[order]).sum() / same.sum())
    figures = {"precision": precision[place], "recall": recall[place], "average_precision": average}
    return float(scores[order][place]), {name: 100 * float(value) for name, value in figures.items()}


def fit(table: Row, same: Row, weight: Row, ridge: float = RIDGE) -> Row:
    """Logistic regression, signs brought to one spread; the last value is the intercept."""
    spread = table.std(axis=0)
    spread[spread < 1e-6] = 1.0
    scaled = np.c_[table / spread, np.ones(len(table))]
    total = weight.sum()

    def loss(values: Row) -> tuple[float, Row]:
        scores = scaled @ values
        chance = 1 / (1 + np.exp(-scores))
        value = float((weight * (np.logaddexp(0, scores) - same * scores)).sum() / total)
        slope = scaled.T @ (weight * (chance - same)) / total
        slope[:-1] += 2 * ridge * values[:-1]
        return value + ridge * float(values[:-1] @ values[:-1]), slope

    found = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    values: Row = np.r_[found.x[:-1] / spread, found.x[-1]]
    return values
