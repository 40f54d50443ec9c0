"""How well the words of two reports answer one another: each word of one finds the nearest of the other by meaning.

Meaning is that of the static face of the built-in encoder, which has a vector for every word of both languages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import rjieba
from numpy.typing import NDArray

from bot.cases.usual import Usual, word_key
from knowledge.search_encoder import static_face

ECHO = 0.6  # the cosine from which on two words count as one
BEST = 3
NATS_OF_PAIR = 30.0
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spoken:
    """The words of a report in their order with their vectors, shape (words, dimension)."""

    words: tuple[str, ...]
    vectors: Floats


def spoken(clean: str) -> Spoken:
    """The words of a canonical text."""
    words = words_of(clean)
    return Spoken(words, static_face().encode_query(words))


def words_of(clean: str) -> tuple[str, ...]:
    """The words of a canonical text, without marks."""
    parts = (part.strip() for part in rjieba.cut(clean))
    return tuple(part for part in parts if any(char.isalnum() for char in part))


def alignment(one: Spoken, other: Spoken, usual: Usual) -> Iterator[tuple[str, float]]:
    """Shares of the words of each that the other answers, rare words counting more; nothing without words."""
    if not one.words or not other.words:
        return
    table = one.vectors @ other.vectors.T
    here, there = (np.array([usual.weight(word_key(word)) for word in side.words]) for side in (one, other))
    ahead, back = table.max(axis=1), table.max(axis=0)
    for name, power in (("heard", 1), ("rare_heard", 2)):
        shares = _share(ahead, here**power), _share(back, there**power)
        yield name, max(shares)
        yield f"{name}_both", min(shares)
    echoes = _share(ahead > ECHO, here), _share(back > ECHO, there)
    yield "echoed", max(echoes)
    yield "echoed_both", min(echoes)
    matches = here[:, None] * there[None] * np.maximum(table, 0) ** 3
    best = [np.sort(matches.max(axis=side))[-BEST:] for side in (0, 1)]
    yield "best_heard", float(matches.max()) / NATS_OF_PAIR
    yield "best_three_heard", float(sum(found.sum() for found in best)) / (4 * NATS_OF_PAIR)


def _share(found: NDArray[np.float32] | NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    return float((weights * found).sum() / max(1e-6, weights.sum()))
