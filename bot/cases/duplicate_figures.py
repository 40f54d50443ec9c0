"""How well one event is told from another on reports that were not learnt from: pairs, kinds of pairs, and groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.cases.duplicates import PairModel
from bot.cases.reports import ReportReader
from bot.cases.written_reports import Pair, Written, pairs_across, pairs_within
from knowledge.figures import Interval

RESAMPLES, SEED = 1000, 7
PRECISION, RECALL = 0.9, 0.8
Row = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """Pairs with their probability; `scenario` is that of the first report."""

    pairs: tuple[Pair, ...]
    share: Row
    same: Flags
    languages: tuple[str, ...]
    scenario: NDArray[np.int64]
    threshold: float


@dataclass(frozen=True)
class Line:
    """The figures of a group of pairs; intervals are over scenarios drawn with replacement."""

    name: str
    same: int
    other: int
    precision: Interval
    recall: Interval
    f1: Interval
    recall_at_precision: float
    precision_at_recall: float


def measure(
    written: Sequence[Written], reader: ReportReader, model: PairModel, progress: Callable[[], None]
) -> Measured:
    """Compare every two reports of a scenario, and some across."""
    reports = []
    for one in written:
        reports.append(reader.read(one.told()))
        progress()
    pairs = (*pairs_within(written), *pairs_across(written))
    share = np.array([model.compare(reports[pair.one], reports[pair.other]).share for pair in pairs])
    languages = tuple("-".join(sorted((written[p.one].language, written[p.other].language))) for p in pairs)
    scenario = np.array([written[pair.one].scenario for pair in pairs])
    same = np.array([pair.same for pair in pairs])
    return Measured(pairs, share, same, languages, scenario, model.threshold)


def lines_of(measured: Measured) -> list[Line]:
    """All pairs of a scenario, as many hard ones as there are true ones, each pair of languages, and with easy ones."""
    kinds = np.array([pair.kind for pair in measured.pairs])
    within = kinds != "easy"
    chosen = [("all pairs of a scenario", within), ("as many hard pairs as true ones", balanced(measured))]
    chosen += [(name, within & (np.array(measured.languages) == name)) for name in sorted(set(measured.languages))]
    chosen.append(("with pairs across scenarios", np.ones(len(kinds), dtype=bool)))
    return [_line(name, measured, rows) for name, rows in chosen if measured.same[rows].sum() > 1]


def balanced(measured: Measured) -> Flags:
    """The true pairs, and as many of the others of their scenarios, drawn once."""
    within = np.array([pair.kind != "easy" for pair in measured.pairs])
    others = np.flatnonzero(within & ~measured.same)
    kept = np.random.default_rng(SEED).choice(others, min(len(others), int(measured.same.sum())), replace=False)
    rows = measured.same.copy()
    rows[kept] = True
    return rows


def false_alarms(measured: Measured) -> dict[str, tuple[int, int]]:
    """How many pairs of other events were taken for one, of how many, by kind."""
    kinds = np.array([pair.kind for pair in measured.pairs])
    taken = measured.share >= measured.threshold
    return {kind: (int(taken[kinds == kind].sum()), int((kinds == kind).sum())) for kind in ("hard", "later", "easy")}


def _line(name: str, measured: Measured, rows: Flags) -> Line:
    share, same, scenario = measured.share[rows], measured.same[rows], measured.scenario[rows]
    taken = share >= measured.threshold
    draw = np.random.default_rng(SEED)
    known = np.unique(scenario)
    counts = np.array([[(taken & same & (scenario == one)).sum(), (taken & (scenario == one)).sum(),
                        (same & (scenario == one)).sum()] for one in known])  # fmt: skip
    drawn = np.array([_rates(*counts[draw.integers(0, len(known), len(known))].sum(axis=0)) for _ in range(RESAMPLES)])
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    value = _rates(*counts.sum(axis=0))
    precise, found, both = (Interval(value[i], float(low[i]), float(high[i])) for i in range(3))
    right = np.cumsum(same[np.argsort(-share, kind="stable")])
    precision, recall = right / np.arange(1, len(right) + 1), right / same.sum()
    good = np.flatnonzero(precision >= PRECISION)
    return Line(
        name,
        int(same.sum()),
        int((~same).sum()),
        precise,
        found,
        both,
        float(recall[good[-1]]) if len(good) else 0.0,
        float(precision[np.flatnonzero(recall >= RECALL)[0]]),
    )


def _rates(right: float, taken: float, true: float) -> tuple[float, float, float]:
    precision, recall = right / max(1, taken), right / max(1, true)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def groups_of(measured: Measured, count: int) -> list[int]:
    """A group for each report: groups whose reports are alike on average are joined, the most alike first.

    Only pairs that were compared can join; `count` is that of the reports.
    """
    score = np.full((count, count), -np.inf)
    odds = np.log(np.clip(measured.share, 1e-6, 1 - 1e-6) / (1 - np.clip(measured.share, 1e-6, 1 - 1e-6)))
    bar = np.log(measured.threshold / (1 - measured.threshold))
    for pair, value in zip(measured.pairs, odds, strict=True):
        if pair.kind != "easy":
            score[pair.one, pair.other] = score[pair.other, pair.one] = value - bar
    groups = [[place] for place in range(count)]
    while True:
        best, join = 0.0, None
        for one, first in enumerate(groups):
            for other in range(one):
                value = float(score[np.ix_(first, groups[other])].mean())
                if value > best:
                    best, join = value, (one, other)
        if join is None:
            break
        groups[join[1]] += groups.pop(join[0])
    label = {place: number for number, group in enumerate(groups) for place in group}
    return [label[place] for place in range(count)]


def b_cubed(found: Sequence[int], true: Sequence[object]) -> tuple[float, float, float]:
    """B-cubed precision, recall and F1 of a grouping."""
    precision, recall = [], []
    for place in range(len(found)):
        mine = [other for other in range(len(found)) if found[other] == found[place]]
        theirs = [other for other in range(len(true)) if true[other] == true[place]]
        both = sum(true[other] == true[place] for other in mine)
        precision.append(both / len(mine))
        recall.append(both / len(theirs))
    mean = float(np.mean(precision)), float(np.mean(recall))
    return (*mean, 2 * mean[0] * mean[1] / max(1e-9, sum(mean)))
