"""Training with a memory: texts are encoded once, and a head whose input has not changed is not fitted again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.encoder import Encoder, Vectors
from knowledge.linear_head import LinearHead, load_head, train_head

QUERY, DOCUMENT = "q", "d"


class RememberingEncoder:
    """An encoder that keeps the row of every text it was asked for, in memory and, with `save`, in a folder."""

    def __init__(self, encoder: Encoder, mark: str, folder: Path | None = None) -> None:
        """`mark` names the weights; rows saved under another mark are not read."""
        self._encoder, self._folder = encoder, folder
        self.name, self.dimension, self.mark = encoder.name, encoder.dimension, mark
        self._rows: dict[str, Vectors] = {}
        self._saved = 0
        if folder is not None and (folder / "texts.json").exists():
            content = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
            rows = np.load(folder / "rows.npy").astype(np.float32)
            if content["mark"] == mark and len(rows) == len(content["texts"]):
                self._rows = dict(zip(content["texts"], rows, strict=True))
                self._saved = len(rows)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(QUERY, texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(DOCUMENT, texts)

    def save(self) -> None:
        """Write the rows for the next training, when there are new ones."""
        if self._folder is None or len(self._rows) == self._saved:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        np.save(self._folder / "rows.npy", np.stack(list(self._rows.values())).astype(np.float16))
        content = {"mark": self.mark, "texts": list(self._rows)}
        (self._folder / "texts.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    def _encode(self, kind: str, texts: Sequence[str]) -> Vectors:
        missing = list(dict.fromkeys(text for text in texts if kind + text not in self._rows))
        if missing:
            encode = self._encoder.encode_query if kind == QUERY else self._encoder.encode_document
            for text, row in zip(missing, encode(missing), strict=True):
                # Rounded as `save` rounds, so that a training after a restart sees the same rows.
                self._rows[kind + text] = row.astype(np.float16).astype(np.float32)
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self._rows[kind + text] for text in texts])


class Trainer:
    """Fits linear heads over one encoder; heads of a folder are kept by a digest of all that made them."""

    def __init__(self, encoder: RememberingEncoder, folder: Path) -> None:
        self.encoder = encoder
        self._folder = folder
        self._used: set[str] = set()

    def fit(
        self, texts: Sequence[str], labels: Sequence[str], dense_weight: float, cost: float, min_count: int = 2
    ) -> LinearHead:
        """The head of canonical texts and their labels, from the folder when nothing of it changed."""
        digest = hashlib.sha256(f"{self.encoder.mark}:{dense_weight}:{cost}:{min_count}".encode())
        for text, label in zip(texts, labels, strict=True):
            digest.update(f"{label}\t{text}\n".encode())
        name = f"{digest.hexdigest()[:24]}.joblib"
        self._used.add(name)
        if (self._folder / name).exists():
            return load_head(self._folder / name)
        head = train_head(texts, labels, self.encoder, dense_weight, cost, min_count)
        head.save(self._folder / name)
        return head

    def close(self) -> None:
        """Keep the encoded texts, drop the heads that this training did not use."""
        self.encoder.save()
        for path in self._folder.glob("*.joblib"):
            if path.name not in self._used:
                path.unlink()
