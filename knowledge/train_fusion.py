"""Learning how to fuse: authors are held out, the index is built without them, and their lines are searched.

Two folds. In each, the queries of some authors and a part of the strangers are unseen by the index, and of these the
evidence is kept. The weights of the arms come from a softmax regression over services (the likelihood of the right
one), so their softmax is calibrated; the gate comes from a logistic regression over signs. Dev sets are never read.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from knowledge.catalogue import Catalogue
from knowledge.encoder import Encoder
from knowledge.evidence import ARMS, Evidence, Witness
from knowledge.fusion import COVERED, KINDS, Fusion, Gate, Learnt, whole_signs
from knowledge.index import build_index
from knowledge.normal import canonical
from knowledge.queries import UNCOVERED, Query, Stranger

FULL_AUTHORS = ("mills", "tang")
FIRST_UNCOVERED = "uncovered"
MAX_LINES = 3600
SEED = 5
RIDGE = 1e-4
GATE_COST = 1.0
FOLDS = 5
PRIOR = {COVERED: 0.7, "none": 0.1, "vague": 0.1, "outside": 0.1}
STEPS = ("first fold", "second fold", "weights", "gate")
HEAD_SIGNS = ("margin", "margin_none", "margin_vague", "margin_outside", "best_margin")


@dataclass(frozen=True)
class Seen:
    """The evidence for lines the index did not know: the place of the right service, or -1 and the stranger's kind."""

    evidence: Evidence
    right: int
    kind: str


def learn_fusion(
    catalogue: Catalogue,
    queries: Sequence[Query],
    strangers: Sequence[Stranger],
    encoder: Encoder,
    today: date,
    progress: Callable[[str], None] = lambda step: None,
) -> Fusion:
    """Learn weights and gate from held-out authors."""
    seen: list[Seen] = []
    for fold, step in enumerate(STEPS[:2]):
        progress(step)
        seen += _searched(catalogue, queries, strangers, encoder, fold)
    return fit_fusion(seen, encoder.name, today, progress)


def fit_fusion(
    seen: Sequence[Seen], encoder: str, today: date, progress: Callable[[str], None] = lambda step: None
) -> Fusion:
    """The fusion fitted to evidence."""
    progress(STEPS[2])
    parts = {}
    figures: dict[str, float] = {}
    for name, rows in (("with_head", list(seen)), ("without_head", [_headless(row) for row in seen])):
        weights = _weights([row for row in rows if row.right >= 0])
        progress(STEPS[3])
        shares = [_shares(weights, row.evidence) for row in rows]
        gate, right = _gate(rows, shares)
        parts[name] = Learnt(weights, gate)
        figures |= {f"{name}_{key}": value for key, value in (_figures(rows, shares) | right).items()}
    lines = {kind: sum(row.kind == kind for row in seen) for kind in KINDS}
    return Fusion(encoder, today.isoformat(), lines, figures, parts["with_head"], parts["without_head"])


def _searched(
    catalogue: Catalogue, queries: Sequence[Query], strangers: Sequence[Stranger], encoder: Encoder, fold: int
) -> list[Seen]:
    """The evidence for the lines held out of one fold's index."""
    held = [query for query in queries if _fold_of(query) == fold and query.code in catalogue]
    held = random.Random(SEED).sample(held, min(len(held), MAX_LINES))
    strange = [stranger for stranger in strangers if _stranger_fold(stranger) == fold]
    index = build_index(
        catalogue,
        [query for query in queries if _fold_of(query) != fold],
        [stranger for stranger in strangers if _stranger_fold(stranger) != fold],
        encoder,
    )
    witness = Witness(catalogue, index)
    place = {str(code): number for number, code in enumerate(index.codes)}
    lines = [(query.text, place[query.code], COVERED) for query in held]
    lines += [(stranger.text, -1, stranger.kind) for stranger in strange]
    texts = [canonical(text, cantonese=True) for text, _, _ in lines]
    vectors = encoder.encode_query(texts)
    return [
        Seen(witness.of(text, vector), right, kind)
        for text, vector, (_, right, kind) in zip(texts, vectors, lines, strict=True)
    ]


def _fold_of(query: Query) -> int:
    """0 for the authors who wrote for every code, 1 for the others: each half covers the whole catalogue alone."""
    return 0 if query.author in FULL_AUTHORS else 1


def _stranger_fold(stranger: Stranger) -> int:
    if stranger.kind == UNCOVERED:
        return int(stranger.source == FIRST_UNCOVERED)
    return zlib.crc32(stranger.text.encode()) % 2


def _headless(row: Seen) -> Seen:
    arms = row.evidence.arms.copy()
    arms[ARMS.index("head")] = 0
    signs = {name: 0.0 if name in HEAD_SIGNS else value for name, value in row.evidence.signs.items()}
    return replace(row, evidence=replace(row.evidence, arms=arms, has_head=False, signs=signs))


def _weights(rows: Sequence[Seen]) -> dict[str, float]:
    """The arms' weights under which the right services are most likely."""
    arms = np.stack([row.evidence.arms for row in rows]).astype(np.float64)
    right = np.array([row.right for row in rows])
    number = np.arange(len(rows))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = np.einsum("a,nas->ns", weights, arms)
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        slope = shares.copy()
        slope[number, right] -= 1
        value = -np.log(shares[number, right] + 1e-12).mean() + RIDGE * weights @ weights
        return float(value), np.einsum("ns,nas->a", slope, arms) / len(rows) + 2 * RIDGE * weights

    found = minimize(loss, np.ones(len(ARMS)), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(ARMS))
    return {arm: float(weight) for arm, weight in zip(ARMS, found.x, strict=True)}


def _shares(weights: dict[str, float], evidence: Evidence) -> NDArray[np.float32]:
    everything = np.ones(evidence.arms.shape[1], dtype=bool)
    return Learnt(weights, Gate([], [], [], [], [])).shares(evidence, everything)


def _gate(rows: Sequence[Seen], shares: Iterable[NDArray[np.float32]]) -> tuple[Gate, dict[str, float]]:
    """The gate, and how often it is right on lines left out of its fit."""
    table = [whole_signs(row.evidence, share) for row, share in zip(rows, shares, strict=True)]
    names = sorted(table[0])
    values = np.array([[signs[name] for name in names] for signs in table])
    means, spreads = values.mean(axis=0), values.std(axis=0)
    spreads[spreads < 1e-6] = 1.0
    standard = (values - means) / spreads
    kinds = np.array([KINDS.index(row.kind) for row in rows])
    counts = np.bincount(kinds, minlength=len(KINDS))
    weight = np.array([PRIOR[KINDS[kind]] * len(rows) / counts[kind] for kind in kinds])
    model = LogisticRegression(C=GATE_COST, max_iter=2000)
    guessed = cross_val_predict(model, standard, kinds, cv=FOLDS, params={"sample_weight": weight})
    model.fit(standard, kinds, sample_weight=weight)
    right = {f"gate_{kind}": float((guessed == kinds)[kinds == place].mean()) for place, kind in enumerate(KINDS)}
    gate = Gate(names, means.tolist(), spreads.tolist(), model.coef_.tolist(), model.intercept_.tolist())
    return gate, right


def _figures(rows: Sequence[Seen], shares: Sequence[NDArray[np.float32]]) -> dict[str, float]:
    """How well the weights rank the lines they were fitted to, and how far their belief is from the truth."""
    pairs = [(share, row.right) for share, row in zip(shares, rows, strict=True) if row.right >= 0]
    ranks = np.array([int((share > share[right]).sum()) for share, right in pairs])
    best = np.array([float(share.max()) for share, _ in pairs])
    bins = np.minimum((best * 10).astype(int), 9)
    right = ranks == 0
    error = sum(abs(best[bins == one].sum() - right[bins == one].sum()) for one in range(10)) / len(best)
    return {
        "accuracy_at_1": float(right.mean()),
        "recall_at_3": float((ranks < 3).mean()),
        "mrr": float((1 / (ranks + 1)).mean()),
        "calibration_error": float(error),
    }
