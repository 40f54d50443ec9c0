"""A linear classifier over term and dense features joined, with calibrated probabilities."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder
from knowledge.words import features

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
Keys = NDArray[np.uint64]
KEY_BYTES = 8


@lru_cache(maxsize=256)
def counted_keys(text: str) -> tuple[Keys, Floats]:
    """The keys of a canonical text's terms, ascending, and how often each stands there."""
    keys, counts = np.unique(keys_of(features(text)), return_counts=True)
    return keys, counts.astype(np.float32)


def keys_of(terms: Iterable[str]) -> Keys:
    """One number a term, far too many for two terms ever to share one; a table of numbers stays on disk."""
    return np.frombuffer(b"".join(map(_digest, terms)), dtype=np.uint64)


@lru_cache(maxsize=20_000)
def _digest(term: str) -> bytes:
    return blake2b(term.encode(), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True)
class Terms:
    """The terms a head was fitted on: their keys, ascending, and their inverse frequencies."""

    keys: Keys
    weights: Floats

    def read(self, text: str) -> tuple[Rows, Floats]:
        """The rows of a canonical text's known terms, ascending, and their weights, of length one together."""
        keys, counts = counted_keys(text)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[places] == keys
        rows = places[known]
        weights = (np.log(counts[known]) + 1) * self.weights[rows]
        length = np.sqrt(weights @ weights)
        return rows, weights / length if length > 0 else weights


@dataclass(frozen=True)
class LinearHead:
    """Classes, the terms, weights of shape (terms and dimensions, classes), and the scale of its probabilities."""

    labels: tuple[str, ...]
    terms: Terms
    weights: Floats
    bias: Floats
    scale: float
    dense_weight: float

    def margins(self, text: str, vector: Floats) -> Floats:
        """One margin a class, shape (classes,), for a canonical text and its encoder vector."""
        rows, shares = self.terms.read(text)
        dense_rows = self.weights[self.weights.shape[0] - vector.shape[0] :]
        margins = shares @ self.weights[rows] + self.bias
        margins += (vector * np.float32(self.dense_weight)) @ dense_rows
        return np.asarray(margins, dtype=np.float32)

    def probabilities(self, text: str, vector: Floats) -> Floats:
        """Calibrated probabilities in the order of `labels`."""
        return softmax(self.margins(text, vector) * self.scale)

    def plain(self) -> LinearHead:
        """The same head with its tables as plain arrays over the same bytes, quicker to index than mapped ones."""
        terms = Terms(np.asarray(self.terms.keys), np.asarray(self.terms.weights))
        return replace(self, terms=terms, weights=np.asarray(self.weights), bias=np.asarray(self.bias))

    def save(self, path: Path) -> None:
        """Write the head to a file; only files of our own data folder are ever read back."""
        path.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump(self, path)


def softmax(values: Floats) -> Floats:
    """Values turned into shares of one."""
    powers = np.exp(values - values.max())
    shares: Floats = powers / powers.sum()
    return shares


def load_head(path: Path) -> LinearHead:
    """A head written by `save`, its tables left on disk until read; raises FileNotFoundError."""
    head = joblib.load(path, mmap_mode="r")
    assert isinstance(head, LinearHead)
    return head.plain()


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
    # Imported here, not at the top: a server with trained models must start without scikit-learn, which costs 100 MB.
    fitting: Any = importlib.import_module("knowledge.fitting")
    head: LinearHead = fitting.fit_head(texts, labels, encoder, dense_weight, cost, min_count, calibrated)
    return head
