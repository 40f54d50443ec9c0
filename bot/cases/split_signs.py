"""The signs that a new demand begins at a boundary, read from the segments around it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.cases.boundaries import WORD, Boundary, size_of
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead, Terms, softmax
from knowledge.normal import canonical

SPLIT_HEADS = ("category", "service_item")
KIND = "type"
OWN = "own"
OPENS = 0  # the first label of the head of clauses: one that opens a demand
SIZE_CAP = 14.0
OPENING_WEIGHT = 0.25
CONTINUES = re.compile(
    r"(?:已经|已經|而且|并且|它|他|她|佢|这|這|那样|味道|声音|也|都|又|才|就|希望|请|麻烦|要求|尤其|特别|有时|每天|每晚|天天|从|到现在"
    r"|(?:it|its|they|he|she|this|that|these|which|who|so|too|even|still|please|because|since|especially|every|until|nobody|"
    r"no one|nothing|when|for|then|but|without|just|already)\b)",
    re.I,
)
SELF = re.compile(r"(?:我|咱|i\b|we\b|i'm\b|i've\b)", re.I)
ASKS = re.compile(
    r"请|希望|建议|盼|望|恳|求|能不能|可不可以|可否|如何|怎么|吗|多久|何时|什么时候|哪|感谢|表扬"
    r"|\b(?:please|could|can you|would|when|where|how|what|which|who|why|is there|do i|want|wish|hope|suggest|propose"
    r"|thanks?)\b",
    re.I,
)


@dataclass(frozen=True)
class Segments:
    """What the judge sees of a message's segments: openings, sizes, likenesses (n, n), margins (n, classes)."""

    openings: tuple[str, ...]
    asks: NDArray[np.bool_]
    sizes: NDArray[np.float32]
    meaning: NDArray[np.float32]
    words: NDArray[np.float32]
    margins: Mapping[str, NDArray[np.float32]]


def read_segments(texts: Sequence[str], encoder: Encoder, heads: Mapping[str, LinearHead]) -> Segments:
    """Encode and classify all segments in one go."""
    clean = [canonical(text, cantonese=True) for text in texts]
    vectors = encoder.encode_query(clean)
    margins = {}
    for name in (*SPLIT_HEADS, KIND, OWN):
        head = heads[name]
        margins[name] = np.stack([head.margins(*one) for one in zip(clean, vectors, strict=True)]) * head.scale
    sizes = np.array([max(1, size_of(text)) for text in clean], dtype=np.float32)
    openings = tuple(text.strip().lower() for text in texts)
    asks = np.array([bool(ASKS.search(text)) for text in texts])
    return Segments(
        openings, asks, sizes, vectors @ vectors.T, _shared_terms(clean, heads[SPLIT_HEADS[0]].terms), margins
    )


def _shared_terms(texts: Sequence[str], terms: Terms) -> NDArray[np.float32]:
    """How much the terms of each two texts are the same, shape (texts, texts)."""
    read = [terms.read(text) for text in texts]
    columns = np.unique(np.concatenate([rows for rows, _ in read]))
    table = np.zeros((len(read), len(columns)), dtype=np.float32)
    for place, (rows, weights) in enumerate(read):
        table[place, np.searchsorted(columns, rows)] = weights
    return table @ table.T


def features(segments: Segments, boundaries: Sequence[Boundary], low: int, at: int, high: int) -> dict[str, float]:
    """Named features of a cut after segment `at` of the segments `low` to `high` (exclusive)."""
    boundary, opening = boundaries[at], segments.openings[at + 1]
    left, right = slice(low, at + 1), slice(at + 1, high)
    near = (slice(at, at + 1), slice(at + 1, at + 2))
    named: dict[str, float] = {"bias": 1.0}
    for scope, (one, two) in (("all", (left, right)), ("near", near)):
        named[f"{scope}:meaning"] = _likeness(segments.meaning, segments.sizes, one, two)
        named[f"{scope}:words"] = _likeness(segments.words, segments.sizes, one, two)
        for head in SPLIT_HEADS:
            first, second = (_shares(segments.margins[head], segments.sizes, side) for side in (one, two))
            named[f"{scope}:{head}:overlap"] = float(np.sqrt(first * second).sum())
            named[f"{scope}:{head}:same"] = float(first.argmax() == second.argmax())
            named[f"{scope}:{head}:left"] = float(first.max())
            named[f"{scope}:{head}:right"] = float(second.max())
            named[f"{scope}:{head}:apart"] = float(first.max() * second.max() * (first.argmax() != second.argmax()))
    for scope, (one, two) in (("all", (left, right)), ("near", near)):
        first, second = (_shares(segments.margins[KIND], segments.sizes, side) for side in (one, two))
        named[f"{scope}:{KIND}:overlap"] = float(np.sqrt(first * second).sum())
    opens = [float(_shares(segments.margins[OWN], segments.sizes, slice(n, n + 1))[OPENS]) for n in range(low, high)]
    named["own:most left"] = max(opens[: at + 1 - low])
    named["own:most right"] = max(opens[at + 1 - low :])
    asked, asks = segments.asks[left].any(), segments.asks[right].any()
    named["asks:left"], named["asks:right"], named["asks:both"] = float(asked), float(asks), float(asked and asks)
    named["asks:near right"] = float(segments.asks[at + 1])
    named["first alone"] = float(at == 0)
    named["last alone"] = float(at + 2 == len(segments.sizes))
    named["segments"] = math.log(len(segments.sizes))
    named["max:meaning"] = float(segments.meaning[left, right].max())
    for side, part in (("left", left), ("right", right), ("near right", near[1]), ("near left", near[0])):
        named[f"size:{side}"] = math.log(min(SIZE_CAP, float(segments.sizes[part].sum()))) / 3
        named[f"own:{side}"] = float(_shares(segments.margins[OWN], segments.sizes, part)[OPENS])
    named["continues"] = float(bool(CONTINUES.match(opening)))
    named["self"] = float(bool(SELF.match(opening)))
    words = WORD.findall(opening)[:3]
    language = "zh" if words and words[0] >= "\u3400" else "en"
    kind = f"{language}:{boundary.strength}"
    named[f"kind={kind}"] = 1.0
    named[f"mark={language}:{boundary.mark}:{boundary.strength}"] = 1.0
    if boundary.strength == "plain":
        named[f"connector={boundary.connector}"] = 1.0
    for count in (1, 2):
        named[f"opens={' '.join(words[:count])}"] = OPENING_WEIGHT
    for name in ("all:meaning", "all:category:overlap", "all:service_item:overlap", "continues", "own:near right"):
        named[f"{name}*{kind}"] = named[name]
    return named


def _likeness(table: NDArray[np.float32], sizes: NDArray[np.float32], one: slice, two: slice) -> float:
    """Cosine of two groups of segments, each the sum of its segments by size."""
    cross = float(sizes[one] @ table[one, two] @ sizes[two])
    own = float(sizes[one] @ table[one, one] @ sizes[one]) * float(sizes[two] @ table[two, two] @ sizes[two])
    return cross / math.sqrt(own) if own > 0 else 0.0


def _shares(margins: NDArray[np.float32], sizes: NDArray[np.float32], side: slice) -> NDArray[np.float32]:
    return softmax(sizes[side] @ margins[side] / sizes[side].sum())
