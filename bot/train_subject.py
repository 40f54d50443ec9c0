"""Learning what a message speaks of: each author held out in turn to measure, all learnt from in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bot.follow_ups import FollowUp
from bot.nlu.parse import Understanding
from bot.subject import Weights
from bot.subject_signs import Situation, Witnesses, read_signs, table_of

RIDGE = 2e-3


@dataclass(frozen=True)
class Line:
    """The signs of a follow-up's candidates, and which of them are right, shape (candidates,)."""

    follow_up: FollowUp
    codes: tuple[str | None, ...]
    signs: list[dict[str, float]]
    right: NDArray[np.bool_]


def signs_of(
    follow_ups: Iterable[FollowUp], understanding: Understanding, witnesses: Witnesses, progress: Callable[[], None]
) -> list[Line]:
    """Read the signs of every line."""
    lines = []
    for one in follow_ups:
        parse = understanding.parse(one.text, one.language)
        need = understanding.parse(one.situation.need, one.language).asserted if one.situation.need else ""
        situation = Situation(one.situation.current, one.situation.discussed, one.situation.offered, need)
        codes, signs = read_signs(situation, parse, one.language, witnesses)
        wanted: set[str | None] = set(one.codes) or {None}
        lines.append(Line(one, codes, signs, np.array([code in wanted for code in codes])))
        progress()
    return lines


def learn(lines: Sequence[Line], today: date) -> Weights:
    """The weights of all lines, with the figures of each author when held out."""
    figures: dict[str, float] = {}
    counts: dict[str, list[bool]] = defaultdict(list)
    for author in sorted({line.follow_up.author for line in lines}):
        weights = fit([line for line in lines if line.follow_up.author != author])
        for line in lines:
            if line.follow_up.author == author:
                good = is_right(line, weights)
                for name in (author, line.follow_up.language, line.follow_up.kind, "all"):
                    counts[name].append(good)
    figures = {name: 100 * sum(good) / len(good) for name, good in sorted(counts.items())}
    return Weights(today.isoformat(), len(lines), figures, fit(lines))


def is_right(line: Line, weights: Mapping[str, float]) -> bool:
    """Whether the best candidate is a right one."""
    names = sorted(weights)
    scores = table_of(line.signs, names) @ np.array([weights[name] for name in names])
    return bool(line.right[int(np.argmax(scores))])


def fit(lines: Sequence[Line], ridge: float = RIDGE) -> dict[str, float]:
    """The weights under which the right candidates are most likely."""
    known = [line for line in lines if line.right.any()]
    names = sorted({name for line in known for signs in line.signs for name in signs})
    table = np.concatenate([table_of(line.signs, names) for line in known])
    starts = np.cumsum([0, *(len(line.codes) for line in known)])[:-1]
    sizes = np.diff([*starts, len(table)])
    right = np.concatenate([line.right for line in known])
    spread = table.std(axis=0)
    spread[spread < 1e-6] = 1.0
    scaled = table / spread

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = scaled @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        odds = np.exp(scores)
        shares = odds / np.repeat(np.add.reduceat(odds, starts), sizes)
        good = np.add.reduceat(shares * right, starts)
        wanted = shares * right / np.repeat(np.maximum(good, 1e-12), sizes)
        value = -np.log(good + 1e-12).mean() + ridge * weights @ weights
        return float(value), scaled.T @ (shares - wanted) / len(known) + 2 * ridge * weights

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return {name: float(weight / size) for name, weight, size in zip(names, found.x, spread, strict=True)}
