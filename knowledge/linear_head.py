"""A linear classifier over term and dense features joined, with calibrated probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from knowledge.encoder import Encoder
from knowledge.words import features

SEED = 7
HELD_OUT = 4


@dataclass(frozen=True)
class LinearHead:
    """Classes, the vectoriser, weights of shape (features, classes), and the scale of its probabilities."""

    labels: tuple[str, ...]
    vectoriser: TfidfVectorizer
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    scale: float
    dense_weight: float

    def margins(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """One margin a class, shape (classes,), for a canonical text and its encoder vector."""
        sparse = self.vectoriser.transform([text])
        dense_rows = self.weights[self.weights.shape[0] - vector.shape[0] :]
        margins = sparse.data @ self.weights[sparse.indices] + self.bias
        margins += (vector * np.float32(self.dense_weight)) @ dense_rows
        return np.asarray(margins, dtype=np.float32)

    def probabilities(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated probabilities in the order of `labels`."""
        return softmax(self.margins(text, vector) * self.scale)

    def save(self, path: Path) -> None:
        """Write the head to a file; only files of our own data folder are ever read back."""
        path.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump(self, path)


def softmax(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values turned into shares of one."""
    powers = np.exp(values - values.max())
    shares: NDArray[np.float32] = powers / powers.sum()
    return shares


def load_head(path: Path) -> LinearHead:
    """A head written by `save`; raises FileNotFoundError."""
    head = joblib.load(path)
    assert isinstance(head, LinearHead)
    return head


def train_head(
    texts: Sequence[str],
    labels: Sequence[str],
    encoder: Encoder,
    dense_weight: float = 1.0,
    cost: float = 0.5,
    min_count: int = 2,
    calibrated: bool = True,
) -> LinearHead:
    """Fit on canonical texts; the probability scale comes from margins of a held-out quarter, 1 when not calibrated."""
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
    return LinearHead(
        tuple(map(str, names)),
        vectoriser,
        np.ascontiguousarray(weights.T, dtype=np.float32),
        bias.astype(np.float32),
        scale,
        dense_weight,
    )


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
