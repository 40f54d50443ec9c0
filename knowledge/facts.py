"""The single facts of a service that a question points at, by words and by meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Catalogue, Service, Text
from knowledge.encoder import Encoder, Vectors
from knowledge.linear_head import keys_of
from knowledge.normal import canonical
from knowledge.words import search_terms

KEPT_SERVICES = 256
WORDS_SHARE = 0.5
IN_RANGE, NO_END = 0.5, 999
NUMBER = re.compile(r"\d{1,3}")
RANGE = re.compile(r"(\d{1,3}) ?(?:[-–~～至到]|to) ?(\d{1,3})")
FROM = re.compile(r"(\d{1,3})(?:周?岁)?(?:及|或)?以上|\b(\d{1,3}) (?:and|or) (?:over|above|older)|\bover (\d{1,3})\b")
SCARCE = 2.0
KEYS_FILE, ROWS_FILE = "keys.npy", "rows.npy"


@dataclass(frozen=True)
class Pointed:
    """One item of a field of FACT_FIELDS and how well it meets a question; `words` is the share of its terms met."""

    name: str
    item: Text
    score: float
    words: float


@dataclass(frozen=True)
class FactRows:
    """The encoder's rows of fact items, made beforehand: keys of the texts, ascending, and rows of shape (texts, n)."""

    keys: NDArray[np.uint64]
    rows: Vectors

    @classmethod
    def of(cls, texts: Sequence[str], encoder: Encoder) -> Self:
        """Encode texts."""
        keys = keys_of(texts)
        order = np.argsort(keys)
        return cls(keys[order], encoder.encode_document(texts)[order])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote, left on disk until read; raises FileNotFoundError."""
        keys, rows = (np.asarray(np.load(folder / name, mmap_mode="r")) for name in (KEYS_FILE, ROWS_FILE))
        return cls(keys, rows)

    def save(self, folder: Path) -> None:
        """Write the rows to a folder."""
        np.save(folder / KEYS_FILE, self.keys)
        np.save(folder / ROWS_FILE, self.rows)

    def find(self, texts: Sequence[str]) -> Vectors | None:
        """The rows of texts; None when one of them is not there."""
        keys = keys_of(texts)
        places = np.searchsorted(self.keys, keys)
        if (places == len(self.keys)).any() or (self.keys[places] != keys).any():
            return None
        found: Vectors = self.rows[places]
        return found


def fact_texts(catalogue: Catalogue) -> list[str]:
    """The canonical text of every fact item in both languages, each once, in a settled order."""
    items = (item for service in catalogue for _, fact in service.facts() for item in fact.items)
    return sorted({canonical(item.in_language(language)) for item in items for language in ("zh", "en")})


class FactFinder:
    """Ranks the fact items of one service for a question; items not encoded beforehand are when first asked for."""

    def __init__(self, encoder: Encoder, prepared: FactRows | None = None) -> None:
        self._encoder, self._prepared = encoder, prepared
        self._known = lru_cache(maxsize=KEPT_SERVICES)(self._read)

    def pointed(self, service: Service, language: str, text: str, vector: NDArray[np.float32]) -> tuple[Pointed, ...]:
        """All items of a service, best first, for a canonical question and its vector.

        The score is the cosine plus WORDS_SHARE times the share of the question's terms that the item holds;
        a term that many items of the service hold weighs less.
        """
        items = [(name, item) for name, fact in service.facts() for item in fact.items]
        if not items:
            return ()
        texts = tuple(canonical(item.in_language(language)) for _, item in items)
        rows, terms = self._known(texts)
        asked = set(_terms(text))
        asked_numbers = [int(number) for number in NUMBER.findall(text)]
        weights = {term: 1 / (SCARCE + sum(term in own for own in terms)) for term in asked}
        total = sum(weights.values()) or 1.0
        shares = [sum(weights[term] for term in asked & own) / total for own in terms]
        cosines = rows @ vector
        found = [
            Pointed(
                name,
                item,
                float(cosine) + WORDS_SHARE * share + (IN_RANGE if _holds(item, asked_numbers) else 0.0),
                share,
            )
            for (name, item), cosine, share in zip(items, cosines, shares, strict=True)
        ]
        return tuple(sorted(found, key=lambda one: -one.score))

    def _read(self, texts: tuple[str, ...]) -> tuple[Vectors, tuple[frozenset[str], ...]]:
        """The rows and the terms of a service's items."""
        known = self._prepared.find(texts) if self._prepared is not None else None
        rows = self._encoder.encode_document(list(texts)) if known is None else known
        return rows, tuple(frozenset(_terms(one)) for one in texts)


def _holds(item: Text, numbers: Sequence[int]) -> bool:
    """Whether an item names a range, such as of ages, that one of the numbers lies in."""
    told = f"{item.zh} {item.en}"
    ranges = [(int(low), int(high)) for low, high in RANGE.findall(told)]
    ranges += [(int(next(filter(None, low))), NO_END) for low in FROM.findall(told)]
    return any(low <= number <= high for low, high in ranges for number in numbers)


def _terms(text: str) -> Sequence[str]:
    """English words and pairs of Chinese characters of a canonical text."""
    return [term for term in search_terms(text) if term.isalnum() and (term.isascii() or len(term) > 1)]
