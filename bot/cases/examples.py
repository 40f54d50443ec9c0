"""Rulings as examples: vectors of masked texts that speak for their unit when a similar demand of their area comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.cases.units import Place
from bot.language import detect
from knowledge.normal import canonical

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
SIMILAR = 0.6  # cosine below which an example says nothing
HEARD = 5


@dataclass(frozen=True)
class Example:
    """One approved ruling: a text of an area (the whole city where no district is named) goes to a unit's key."""

    ruling: int
    text: str
    lead: str
    place: Place


@dataclass(frozen=True)
class Voice:
    """An example that speaks for a unit; `weight` grows from 0 at the floor to 1 for the same text."""

    ruling: int
    lead: str
    similarity: float

    @property
    def weight(self) -> float:
        """How much it says."""
        return (self.similarity - SIMILAR) / (1 - SIMILAR)


class Examples:
    """Examples to be asked; each text is encoded once."""

    def __init__(self, examples: Sequence[Example], encode: Encode, before: Examples | None = None) -> None:
        known = before.rows if before else {}
        missing = list(dict.fromkeys(one.text for one in examples if one.text not in known))
        fresh = dict(zip(missing, encode([plain(text) for text in missing]), strict=True)) if missing else {}
        self.rows: dict[str, Vectors] = {one.text: fresh.get(one.text, known.get(one.text)) for one in examples}  # type: ignore[misc]
        self._examples = tuple(examples)
        self._table = np.stack([self.rows[one.text] for one in examples]) if examples else None
        self._encode = encode

    def heard(self, text: str, place: Place) -> tuple[Voice, ...]:
        """The most similar examples whose area holds the place, the best first; one voice a unit."""
        if self._table is None:
            return ()
        alike = self._table @ self._encode([plain(text)])[0]
        voices: dict[str, Voice] = {}
        for row in np.argsort(-alike):
            if alike[row] < SIMILAR or len(voices) == HEARD:
                break
            one = self._examples[int(row)]
            if _holds(one.place, place):
                voices.setdefault(one.lead, Voice(one.ruling, one.lead, min(1.0, float(alike[row]))))
        return tuple(voices.values())


def _holds(area: Place, place: Place) -> bool:
    """Whether a place lies in an area."""
    same_district = area.district is None or area.district == place.district
    return same_district and (area.subdistrict is None or area.subdistrict == place.subdistrict)


def plain(text: str) -> str:
    """A text as the encoder reads it."""
    return canonical(text, detect(text).cantonese)


def _nothing(texts: Sequence[str]) -> Vectors:
    return np.zeros((len(texts), 0), dtype=np.float32)


NO_EXAMPLES = Examples((), _nothing)
