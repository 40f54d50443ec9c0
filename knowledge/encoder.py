"""Text encoders behind one protocol: the built-in faces, their sum, any sentence-transformers model."""

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.transformer import TransformerEncoder
from knowledge.vectors import Encoder, EncoderError, Vectors, normalise_rows
from knowledge.vocabulary import Vocabulary

__all__ = [
    "Encoder",
    "EncoderError",
    "JoinedEncoder",
    "RecentEncoder",
    "SentenceTransformerEncoder",
    "StaticEncoder",
    "TransformerEncoder",
    "Vectors",
    "load_encoder",
    "normalise_rows",
]

BUILTIN, STATIC, TRANSFORMER = "builtin", "static", "transformer"
MODELS = Path(__file__).parent / "models"
STATIC_FOLDER, TRANSFORMER_FOLDER = MODELS / STATIC, MODELS / TRANSFORMER
NAME = "chengda-zh-en"
FORMAT = "chengda-static-1"
CONFIG_FILE, UNITS_FILE = "config.json", "vocabulary.txt"
ROWS_FILE, SCALES_FILE = "vectors.npy", "scales.npy"
REMEMBERED = 4096  # texts


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
            rows = np.asarray(np.load(folder / ROWS_FILE, mmap_mode="r"))
            scales = np.load(folder / SCALES_FILE).astype(np.float32)
        except (OSError, ValueError, EOFError) as error:
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


class JoinedEncoder:
    """The weighted sum of encoders of one space."""

    def __init__(self, name: str, parts: Sequence[tuple[Encoder, float]]) -> None:
        if len({encoder.dimension for encoder, _weight in parts}) != 1:
            raise EncoderError(f"the parts of {name} differ in dimension")
        self.name = name
        self.dimension = parts[0][0].dimension
        self.parts = tuple(parts)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._sum(texts, [encoder.encode_query(texts) for encoder, _weight in self.parts])

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._sum(texts, [encoder.encode_document(texts) for encoder, _weight in self.parts])

    def _sum(self, texts: Sequence[str], parts: Sequence[Vectors]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for part, (_encoder, weight) in zip(parts, self.parts, strict=True):
            rows += np.float32(weight) * part
        return normalise_rows(rows)


class RecentEncoder:
    """An encoder that keeps the rows of up to `size` texts; full, it forgets them all."""

    def __init__(self, encoder: Encoder, size: int = REMEMBERED) -> None:
        self.name, self.dimension = encoder.name, encoder.dimension
        self.encoder, self._size = encoder, size
        self._queries: dict[str, Vectors] = {}
        self._documents: dict[str, Vectors] = {}

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self.encoder.encode_query, self._queries, texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self.encoder.encode_document, self._documents, texts)

    def _encode(
        self, encode: Callable[[Sequence[str]], Vectors], kept: dict[str, Vectors], texts: Sequence[str]
    ) -> Vectors:
        found = {text: row for text in texts if (row := kept.get(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            found.update(zip(new, encode(new), strict=True))
            if len(kept) + len(new) > self._size:
                kept.clear()
            kept.update((text, found[text]) for text in new[: self._size])
        return np.array([found[text] for text in texts], dtype=np.float32).reshape(-1, self.dimension)


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
    """Give "builtin" (the sum), "static" or "transformer" from the repository, else a sentence-transformers model."""
    if name == STATIC:
        return StaticEncoder.load(STATIC_FOLDER)
    if name == TRANSFORMER:
        return TransformerEncoder.load(TRANSFORMER_FOLDER)
    if name == BUILTIN:
        return RecentEncoder(load_sum(STATIC_FOLDER, TRANSFORMER_FOLDER))
    return SentenceTransformerEncoder(name)


def load_sum(static: Path, transformer: Path) -> JoinedEncoder:
    """Both built-in faces from their folders, summed by the share that the transformer's configuration declares."""
    moving = TransformerEncoder.load(transformer)
    return JoinedEncoder(NAME, [(moving, 1.0), (StaticEncoder.load(static), moving.static_share)])
