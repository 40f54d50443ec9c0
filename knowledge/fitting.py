"""Fitting linear models with scikit-learn; imported where something is trained, never by a server that only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead, Terms, keys_of
from knowledge.words import features

SEED = 7
HELD_OUT = 4


def fit_head(
    texts: Sequence[str],
    labels: Sequence[str],
    encoder: Encoder,
    dense_weight: float,
    cost: float,
    min_count: int,
    calibrated: bool,
) -> LinearHead:
    """A head of canonical texts; its probability scale from a held-out quarter, 1 when not calibrated."""
    vectoriser = TfidfVectorizer(analyzer=features, sublinear_tf=True, min_df=min_count, dtype=np.float32)
    sparse = vectoriser.fit_transform(texts)
    dense = encoder.encode_query(texts) * np.float32(dense_weight)
    joined = hstack([sparse, csr_matrix(dense)]).tocsr()
    names = np.array(sorted(set(labels)))
    targets = np.searchsorted(names, np.array(labels))
    scale = _calibrated_scale(joined, targets, cost) if calibrated else 1.0
    model = _svc(cost).fit(joined, targets)
    weights, bias = model.coef_, model.intercept_
    if len(names) == 2:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    keys = keys_of(vectoriser.get_feature_names_out())
    order = np.argsort(keys)
    rows = np.concatenate([order, np.arange(len(keys), weights.shape[1])])
    return LinearHead(
        tuple(map(str, names)),
        Terms(keys[order], vectoriser.idf_[order].astype(np.float32)),
        np.ascontiguousarray(weights.T[rows], dtype=np.float32),
        bias.astype(np.float32),
        scale,
        dense_weight,
    )


def fit_judge(named: Sequence[Mapping[str, float]], truth: Sequence[bool], cost: float) -> dict[str, float]:
    """The weights of a logistic regression over named features, without intercept."""
    vectoriser = DictVectorizer()
    model = LogisticRegression(C=cost, max_iter=2000, fit_intercept=False)
    model.fit(vectoriser.fit_transform(named), np.array(truth))
    return dict(zip(vectoriser.get_feature_names_out().tolist(), model.coef_[0].tolist(), strict=True))


def _svc(cost: float) -> LinearSVC:
    return LinearSVC(C=cost, class_weight="balanced", random_state=SEED, max_iter=3000, tol=1e-3)


def _calibrated_scale(joined: csr_matrix, targets: NDArray[np.int64], cost: float) -> float:
    """The factor on margins that makes their softmax most likely on a held-out quarter of each class."""
    held_out = _quarter(targets)
    model = _svc(cost).fit(joined[~held_out], targets[~held_out])
    scores, gold = model.decision_function(joined[held_out]), targets[held_out]
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)

    def loss(scale: float) -> float:
        scaled = scores * scale
        scaled -= scaled.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(scaled).sum(axis=1))
        return float((log_sum - scaled[np.arange(len(gold)), gold]).mean())

    return float(minimize_scalar(loss, bounds=(0.5, 20.0), method="bounded").x)


def _quarter(targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every fourth example of each class, in a shuffled order; a class of fewer than four gives none."""
    chosen = np.zeros(len(targets), dtype=bool)
    order = np.random.default_rng(SEED).permutation(len(targets))
    for label in np.unique(targets):
        chosen[order[targets[order] == label][HELD_OUT - 1 :: HELD_OUT]] = True
    return chosen
