"""The single facts of a service that a question points at, by words and by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Service, Text
from knowledge.encoder import Encoder, Vectors
from knowledge.normal import canonical
from knowledge.words import search_terms

KEPT_SERVICES = 256
WORDS_SHARE = 0.5
SCARCE = 2.0


@dataclass(frozen=True)
class Pointed:
    """One item of a field of FACT_FIELDS and how well it meets a question; `words` is the share of its terms met."""

    name: str
    item: Text
    score: float
    words: float


class FactFinder:
    """Ranks the fact items of one service for a question; items are encoded when first asked for."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._rows = lru_cache(maxsize=KEPT_SERVICES)(self._encoded)

    def pointed(self, service: Service, language: str, text: str, vector: NDArray[np.float32]) -> tuple[Pointed, ...]:
        """All items of a service, best first, for a canonical question and its vector.

        The score is the cosine plus WORDS_SHARE times the share of the question's terms that the item holds;
        a term that many items of the service hold weighs less.
        """
        items = [(name, item) for name, fact in service.facts() for item in fact.items]
        if not items:
            return ()
        texts = tuple(canonical(item.in_language(language)) for _, item in items)
        terms = [set(_terms(one)) for one in texts]
        asked = set(_terms(text))
        weights = {term: 1 / (SCARCE + sum(term in own for own in terms)) for term in asked}
        total = sum(weights.values()) or 1.0
        shares = [sum(weights[term] for term in asked & own) / total for own in terms]
        cosines = self._rows(texts) @ vector
        found = [
            Pointed(name, item, float(cosine) + WORDS_SHARE * share, share)
            for (name, item), cosine, share in zip(items, cosines, shares, strict=True)
        ]
        return tuple(sorted(found, key=lambda one: -one.score))

    def _encoded(self, texts: tuple[str, ...]) -> Vectors:
        return self._encoder.encode_document(list(texts))


def _terms(text: str) -> Sequence[str]:
    """English words and pairs of Chinese characters of a canonical text."""
    return [term for term in search_terms(text) if term.isalnum() and (term.isascii() or len(term) > 1)]
