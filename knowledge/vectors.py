"""What every encoder gives and promises: rows, the protocol, the error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class EncoderError(Exception):
    """An encoder is missing, broken or of an unknown format."""


class Encoder(Protocol):
    """Turns texts into rows of shape (len(texts), dimension), L2-normalised.

    Empty text gives a zero row.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode_query(self, texts: Sequence[str]) -> Vectors: ...

    def encode_document(self, texts: Sequence[str]) -> Vectors: ...


def normalise_rows(rows: Vectors) -> Vectors:
    """Each row divided by its length; a zero row stays zero."""
    # What np.linalg.norm computes, without its detours: this stands in every turn.
    lengths = np.sqrt(np.add.reduce(rows * rows, axis=1, keepdims=True))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)
