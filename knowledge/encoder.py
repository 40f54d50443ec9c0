"""Text encoders: one protocol, the built-in static model, any sentence-transformers model."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.vocabulary import Vocabulary

Vectors = NDArray[np.float32]

BUILTIN = "builtin"
BUILTIN_FOLDER = Path(__file__).parent / "models" / "static"
FORMAT = "chengda-static-1"
CONFIG_FILE, UNITS_FILE = "config.json", "vocabulary.txt"
ROWS_FILE, SCALES_FILE = "vectors.npy", "scales.npy"


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
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


class StaticEncoder:
    """Weighted sum of int8 unit vectors; needs numpy only, no network, no torch."""

    def __init__(self, name: str, vocabulary: Vocabulary, rows: NDArray[np.int8], scales: Vectors) -> None:
        """Take `rows` of shape (units + buckets, dimension) and one scale a row."""
        self.name = name
        self.dimension = int(rows.shape[1])
        self.vocabulary, self._rows, self._scales = vocabulary, rows, scales

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder written by `knowledge.train_encoder`; raise EncoderError if unfit."""
        try:
            config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
            units = (folder / UNITS_FILE).read_text(encoding="utf-8").split("\n")[:-1]
            rows = np.load(folder / ROWS_FILE, mmap_mode="r")
            scales = np.load(folder / SCALES_FILE).astype(np.float32)
        except (OSError, ValueError) as error:
            raise EncoderError(f"no readable static encoder in {folder}: {error}") from error
        if config.get("format") != FORMAT:
            raise EncoderError(f"{folder / CONFIG_FILE} is not of format {FORMAT}")
        if not len(units) + config["buckets"] == len(rows) == len(scales):
            raise EncoderError(f"the files in {folder} do not belong together")
        grams = (int(config["shortest_gram"]), int(config["longest_gram"]))
        return cls(config["name"], Vocabulary(units, config["buckets"], grams), rows, scales)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        sums = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for place, text in enumerate(texts):
            rows, weights = self.vocabulary.read(text)
            if rows:
                scaled = self._scales[rows] * np.asarray(weights, dtype=np.float32)
                sums[place] = scaled @ self._rows[rows].astype(np.float32)
        return normalise_rows(sums)


class SentenceTransformerEncoder:
    """Any sentence-transformers model, by hub name or local path."""

    def __init__(self, name_or_path: str) -> None:
        # Imported here, not at the top: the built-in encoder must start without torch.
        try:
            library = importlib.import_module("sentence_transformers")
            self._model: Any = library.SentenceTransformer(name_or_path)
        except (ImportError, OSError, ValueError) as error:
            raise EncoderError(f"cannot load encoder {name_or_path!r}: {error}") from error
        self.name = name_or_path
        self.dimension = int(self._model.encode_document(["a"]).shape[1])

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_query, texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        filled = [place for place, text in enumerate(texts) if text.strip()]
        if filled:
            rows[filled] = encode([texts[place] for place in filled], show_progress_bar=False)
        return normalise_rows(rows)


def load_encoder(name: str) -> Encoder:
    """Give the shipped encoder for "builtin", else a sentence-transformers model."""
    if name == BUILTIN:
        return StaticEncoder.load(BUILTIN_FOLDER)
    return SentenceTransformerEncoder(name)
