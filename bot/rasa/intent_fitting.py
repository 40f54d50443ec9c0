"""Fitting the heads of intents and of response keys, from a handful of sentences to tens of thousands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from bot.rasa.intent_head import IntentHead, plain, text_key
from knowledge.encoder import Vectors
from knowledge.linear_head import LinearHead, Terms, keys_of
from knowledge.words import features

SEED = 7
DENSE_WEIGHT = 2.0
COST = 0.7
# Terms seen once are kept where there are few sentences, and the scale is measured on every quarter of very few ones.
MANY, FEW = 4000, 300
FOLDS = 4
# The scale where there is too little to measure it on, and its bounds.
SCALE, LEAST_SCALE, MOST_SCALE = 3.0, 1.5, 12.0
LEAST_HELD_OUT = 8

Targets = NDArray[np.int64]


def fit_intent_head(texts: Sequence[str], labels: Sequence[str], dense: Vectors) -> IntentHead:
    """A head of two labels or more; the same input gives the same head."""
    names = sorted(set(labels))
    targets = np.searchsorted(np.array(names), np.array(labels)).astype(np.int64)
    min_count = 2 if len(texts) > MANY else 1
    vectoriser = TfidfVectorizer(analyzer=_terms, sublinear_tf=True, min_df=min_count, dtype=np.float32)
    sparse = vectoriser.fit_transform([*map(plain, texts)])
    joined = hstack([sparse, csr_matrix(dense * np.float32(DENSE_WEIGHT))]).tocsr()
    scale = _scale(joined, targets)
    model = _svc().fit(joined, targets)
    weights, bias = model.coef_, model.intercept_
    if len(names) == 2:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    keys = keys_of(vectoriser.get_feature_names_out())
    order = np.argsort(keys)
    rows = np.concatenate([order, np.arange(len(keys), weights.shape[1])])
    head = LinearHead(
        tuple(names),
        Terms(keys[order], vectoriser.idf_[order].astype(np.float32)),
        np.ascontiguousarray(weights.T[rows], dtype=np.float32),
        bias.astype(np.float32),
        scale,
        DENSE_WEIGHT,
    )
    return IntentHead(head, _learnt(texts, labels))


def _terms(text: str) -> tuple[str, ...]:
    """The terms of a text; a text without any has an empty one, so that no vocabulary is empty."""
    return features(text) or ("",)


def _svc() -> LinearSVC:
    return LinearSVC(C=COST, class_weight="balanced", random_state=SEED, max_iter=3000, tol=1e-3)


def _learnt(texts: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """The label of each sentence that has one label only."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text, label in zip(texts, labels, strict=True):
        if plain(text):
            found[text_key(text)].add(label)
    return {key: min(names) for key, names in found.items() if len(names) == 1}


def _folds(targets: Targets) -> Iterator[NDArray[np.bool_]]:
    """Which rows are held out: each quarter of every label in turn, one quarter only unless there are few rows."""
    order = np.random.default_rng(SEED).permutation(len(targets))
    fold = np.zeros(len(targets), dtype=np.int64)
    for label in np.unique(targets):
        mine = order[targets[order] == label]
        fold[mine] = np.arange(len(mine)) % FOLDS
    for turn in range(FOLDS if len(targets) <= FEW else 1):
        yield fold == turn


def _scale(joined: csr_matrix, targets: Targets) -> float:
    """The factor on margins that makes their softmax most likely on rows held out."""
    scores, gold = [], []
    for held_out in _folds(targets):
        kept = np.unique(targets[~held_out])
        told = held_out & np.isin(targets, kept)
        if len(kept) < 2 or not told.any():
            continue
        margins = _svc().fit(joined[~held_out], targets[~held_out]).decision_function(joined[told])
        if margins.ndim == 1:
            margins = np.stack([-margins, margins], axis=1)
        scores.append((margins, np.searchsorted(kept, targets[told])))
        gold.append(len(margins))
    if sum(gold) < LEAST_HELD_OUT:
        return SCALE

    def loss(scale: float) -> float:
        return sum(_surprise(margins * scale, right) for margins, right in scores) / sum(gold)

    return float(minimize_scalar(loss, bounds=(LEAST_SCALE, MOST_SCALE), method="bounded").x)


def _surprise(margins: NDArray[np.float64], right: Targets) -> float:
    """The sum of the negative log-likelihoods of the right labels."""
    margins = margins - margins.max(axis=1, keepdims=True)
    return float((np.log(np.exp(margins).sum(axis=1)) - margins[np.arange(len(right)), right]).sum())
