"""What search knows of a query before it decides: the score of every arm for every service, and signs about the whole.

The arms are learned together (`chengda train fusion`); each is a number that means the same for every query.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Catalogue
from knowledge.index import Index
from knowledge.names import NameBook, plain_terms
from knowledge.queries import STRANGERS

Scores = NDArray[np.float32]
ARMS = ("dense", "dense_mean", "lexical", "coverage", "likeness", "holding", "head")
MAX_RECENT = 64


@dataclass(frozen=True)
class Evidence:
    """Scores of shape (ARMS, services), the head's being 0 where there is none; and signs about the query."""

    arms: Scores
    has_head: bool
    similarity: float
    known: bool
    terms: frozenset[str]
    signs: Mapping[str, float]


class Witness:
    """Gathers the evidence for queries over one index."""

    def __init__(self, catalogue: Catalogue, index: Index) -> None:
        self._index = index
        services = [catalogue[code] for code in index.codes]
        self._weights: dict[str, float] = {}
        self._recent: dict[str, Evidence] = {}
        self.names = NameBook(services, self._weight)

    def _weight(self, term: str) -> float:
        if (known := self._weights.get(term)) is None:
            known = self._weights[term] = self._index.term_weights((term,))[term]
        return known

    def of(self, query: str, vector: Scores) -> Evidence:
        """The evidence for a canonical query and its vector, which the query alone tells."""
        if (known := self._recent.get(query)) is None:
            if len(self._recent) >= MAX_RECENT:
                self._recent.clear()
            known = self._recent[query] = self._gathered(query, vector)
        return known

    def _gathered(self, query: str, vector: Scores) -> Evidence:
        index = self._index
        best, mean = index.dense_scores(vector)
        lexical = index.lexical_scores(query)
        terms = plain_terms(query)
        weights = index.term_weights(terms)
        coverage, anywhere = index.coverage(weights)
        likeness, holding = self.names.alike(terms)
        head = index.head_scores(query, vector)
        margins, kinds = head if head is not None else (np.zeros(len(index.codes), dtype=np.float32), {})
        arms = np.stack([best, mean, _standardised(lexical), coverage, likeness, holding, margins])
        near = index.stranger_scores(vector)
        similarity = float(best.max())
        signs = {
            "similarity": similarity,
            "anywhere": anywhere,
            "terms": math.log1p(len(terms)),
            "specific": max(weights.values(), default=0.0),
            "weight": math.log1p(sum(weights.values())),
            "likeness": float(likeness.max()),
            "holding": float(holding.max()),
            "english": float(query.isascii()),
            "margin": float(margins.max()),
            **{f"near_{kind}": near.get(kind, 0.0) - similarity for kind in STRANGERS},
            **{f"margin_{kind}": kinds.get(kind, 0.0) for kind in STRANGERS},
        }
        return Evidence(arms.astype(np.float32), head is not None, similarity, bool(lexical.any()), terms, signs)


def _standardised(scores: Scores) -> Scores:
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros_like(scores)
