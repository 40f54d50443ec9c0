"""Which intent a message has: a linear head over terms, encoder vectors and patterns, and the sentences learnt."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from bot.rasa.patterns import Pattern
from knowledge.encoder import Encoder, Vectors
from knowledge.linear_head import LinearHead, Terms
from knowledge.normal import normalise

MOST_RANKED = 10
# How sure a sentence is that stood in the training data under one label only.
LEARNT = 0.98

Ranking = list[tuple[str, float]]


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """The text that heads see: in normal form, accents of Latin letters taken off."""
    normal = normalise(text).text.strip()
    if normal.isascii():
        return normal
    parted = unicodedata.normalize("NFD", normal)
    return unicodedata.normalize("NFC", "".join(char for char in parted if unicodedata.category(char) != "Mn"))


def text_key(text: str) -> str:
    """What a learnt sentence is kept as."""
    return blake2b(plain(text).encode(), digest_size=8).hexdigest()


def dense_rows(texts: Sequence[str], encoder: Encoder, patterns: Sequence[Pattern]) -> Vectors:
    """Encoder vectors with one column a pattern behind them, 1 where it matches."""
    rows = encoder.encode_query([plain(text) for text in texts])
    flags = [[float(any(True for _ in pattern.spans(text))) for pattern in patterns] for text in texts]
    extra = np.array(flags, dtype=np.float32).reshape(len(texts), len(patterns))
    return np.hstack([rows, extra])


@dataclass(frozen=True)
class IntentHead:
    """A linear head and the sentences it was fitted on, by key."""

    head: LinearHead
    learnt: Mapping[str, str]

    def ranking(self, text: str, vector: Vectors) -> Ranking:
        """Labels with calibrated confidences, the likeliest first, ten at most."""
        shares = self.head.probabilities(plain(text), vector).astype(float)
        if (label := self.learnt.get(text_key(text))) is not None:
            place = self.head.labels.index(label)
            known = np.zeros_like(shares)
            known[place] = 1.0
            shares = known * LEARNT + shares * (1 - LEARNT)
        order = np.argsort(-shares, kind="stable")[:MOST_RANKED]
        return [(self.head.labels[at], float(shares[at])) for at in order]

    def save(self, folder: Path, name: str) -> None:
        """Write `<name>.json` and `<name>.npz`."""
        head = self.head
        body = {
            "labels": head.labels,
            "scale": head.scale,
            "dense_weight": head.dense_weight,
            "learnt": dict(self.learnt),
        }
        (folder / f"{name}.json").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
        keys, term_weights = head.terms.keys, head.terms.weights
        arrays = folder / f"{name}.npz"
        np.savez(arrays, keys=keys, term_weights=term_weights, weights=head.weights, bias=head.bias)


def load_intent_head(folder: Path, name: str) -> IntentHead:
    """A head written by `save`; raises OSError, ValueError or KeyError where it is unfit."""
    body: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        keys, term_weights, weights, bias = (arrays[key] for key in ("keys", "term_weights", "weights", "bias"))
    head = LinearHead(
        tuple(body["labels"]), Terms(keys, term_weights), weights, bias, float(body["scale"]), body["dense_weight"]
    )
    return IntentHead(head, body["learnt"])
