"""Finding the several demands of one message: candidate boundaries, and a small learned judge of each."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead, Terms, softmax
from knowledge.normal import canonical
from knowledge.queries import NLU_DATA

CONNECTOR_FILE = NLU_DATA / "lookups" / "connectors.csv"
SPLIT_HEADS = ("category", "service_item")
OWN = "own"
OPENING_WEIGHT = 0.25
THRESHOLD = 0.5
MIN_SEGMENT = 3
SIZE_CAP = 14.0
MAX_SEGMENTS = 24
RUN = r"(?:[，,。；;！!？?：:…~\s]|\.(?=\s|$))"
STOP = re.compile(r"[。；;！!？?\n]|\.(?=\s|$)")
HAN = r"[\u3400-\u9fff]"
NOT_AFTER = "(?![天次名层期批年])"
FIRST = re.compile(r"^(?:第一个?|一是|其一|首先|first(?:ly)?\b)[,，：:、\s]*", re.I)
CONTINUES = re.compile(
    r"(?:已经|已經|而且|并且|它|他|她|佢|这|這|那样|味道|声音|也|都|又|才|就|希望|请|麻烦|要求|尤其|特别|有时|每天|每晚|天天|从|到现在"
    r"|(?:it|its|they|he|she|this|that|these|which|who|so|too|even|still|please|because|since|especially|every|until|nobody|"
    r"no one|nothing|when|for|then|but|without|just|already)\b)",
    re.I,
)
SELF = re.compile(r"(?:我|咱|i\b|we\b|i'm\b|i've\b)", re.I)
WORD = re.compile(r"[a-z0-9']+|[\u3400-\u9fff]")


@dataclass(frozen=True)
class Boundary:
    """A gap `text[start:end]` where a new demand may begin; the connector is lower case, or empty."""

    start: int
    end: int
    connector: str
    strength: str
    mark: str


@lru_cache(maxsize=1)
def read_connectors() -> tuple[tuple[str, str, str], ...]:
    """The connectors as (language, strength, words), the longest first."""
    with CONNECTOR_FILE.open(encoding="utf-8", newline="") as lines:
        rows = [(row["language"], row["strength"], row["connector"]) for row in csv.DictReader(lines)]
    return tuple(sorted(rows, key=lambda row: -len(row[2])))


@lru_cache(maxsize=1)
def _gap() -> tuple[re.Pattern[str], Mapping[str, str]]:
    rows = read_connectors()
    zh = "|".join(re.escape(words) for language, _, words in rows if language == "zh")
    en = "|".join(re.escape(words).replace(r"\ ", r"\s+") for language, _, words in rows if language == "en")
    pattern = (
        rf"{RUN}*(?P<zh>{zh}){NOT_AFTER}{RUN}*|{RUN}+(?P<en>{en})\b{RUN}*"
        rf"|{RUN}*(?:[，,。；;！!？?\n]|\.(?=\s|$)){RUN}*|(?<={HAN})\s+(?={HAN})"
    )
    return re.compile(pattern, re.I), {words.lower(): strength for _, strength, words in rows}


def find_boundaries(text: str) -> list[Boundary]:
    """The candidate boundaries of a text; pieces of a word or less join their neighbour."""
    pattern, strengths = _gap()
    simple = canonical_characters(text)
    found: list[Boundary] = []
    for match in pattern.finditer(simple):
        connector = re.sub(r"\s+", " ", (match["zh"] or match["en"] or "").lower())
        before = match.group() if not connector else match.group()[: match.start(match.lastgroup or 0) - match.start()]
        mark = "stop" if STOP.search(before) else "comma" if re.search("[，,：:]", before) else "space"
        mark = mark if before else "none"
        boundary = Boundary(*match.span(), connector, strengths.get(connector, "weak"), mark)
        if _size(simple[found[-1].end if found else 0 : boundary.start]) >= MIN_SEGMENT:
            found.append(boundary)
        elif found and boundary.connector:
            found[-1] = Boundary(found[-1].start, boundary.end, connector, boundary.strength, found[-1].mark)
    while found and _size(simple[found[-1].end :]) < MIN_SEGMENT:
        found.pop()
    return found[: MAX_SEGMENTS - 1]


@lru_cache(maxsize=4096)
def canonical_characters(text: str) -> str:
    """The text in simplified characters, letter for letter, so that offsets hold."""
    plain = [canonical(char) if re.match(HAN, char) else char for char in text]
    return "".join(new if len(new) == 1 else old for new, old in zip(plain, text, strict=True))


def _size(piece: str) -> int:
    """Characters of Chinese and two for a word of Latin letters."""
    return sum(1 if word >= "\u3400" else 2 for word in WORD.findall(piece.lower()))


@dataclass(frozen=True)
class Segments:
    """What the judge sees of a message's segments: openings, sizes, likenesses (n, n), margins (n, classes)."""

    openings: tuple[str, ...]
    sizes: NDArray[np.float32]
    meaning: NDArray[np.float32]
    words: NDArray[np.float32]
    margins: Mapping[str, NDArray[np.float32]]


def read_segments(texts: Sequence[str], encoder: Encoder, heads: Mapping[str, LinearHead]) -> Segments:
    """Encode and classify all segments in one go."""
    clean = [canonical(text, cantonese=True) for text in texts]
    vectors = encoder.encode_query(clean)
    margins = {}
    for name in (*SPLIT_HEADS, OWN):
        head = heads[name]
        margins[name] = np.stack([head.margins(*one) for one in zip(clean, vectors, strict=True)]) * head.scale
    sizes = np.array([max(1, _size(text)) for text in clean], dtype=np.float32)
    openings = tuple(text.strip().lower() for text in texts)
    return Segments(openings, sizes, vectors @ vectors.T, _shared_terms(clean, heads[SPLIT_HEADS[0]].terms), margins)


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
    named["max:meaning"] = float(segments.meaning[left, right].max())
    for side, part in (("left", left), ("right", right), ("near right", near[1]), ("near left", near[0])):
        named[f"size:{side}"] = math.log(min(SIZE_CAP, float(segments.sizes[part].sum()))) / 3
        named[f"own:{side}"] = float(_shares(segments.margins[OWN], segments.sizes, part)[1])
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


@dataclass(frozen=True)
class SplitJudge:
    """The weights of a logistic regression over named features, and the head of clauses that stand alone."""

    weights: Mapping[str, float]
    own: LinearHead

    def probability(self, named: Mapping[str, float]) -> float:
        """How likely a new demand begins there."""
        total = sum(self.weights.get(name, 0.0) * value for name, value in named.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    def save(self, path: Path) -> None:
        """Write the judge to a file of our own data folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump(self, path)


def load_judge(path: Path) -> SplitJudge:
    """A judge written by `save`; raises FileNotFoundError."""
    judge = joblib.load(path, mmap_mode="r")
    assert isinstance(judge, SplitJudge)
    return SplitJudge(judge.weights, judge.own.plain())


class Splitter:
    """Cuts a message into its demands."""

    def __init__(self, judge: SplitJudge, encoder: Encoder, heads: Mapping[str, LinearHead]) -> None:
        self._judge, self._encoder = judge, encoder
        self._heads = {**heads, OWN: judge.own}

    def split(self, text: str) -> tuple[str, ...]:
        """The demands as they stand in the text, without the connectors between them; never empty."""
        boundaries = find_boundaries(text)
        if not boundaries:
            return (text.strip(),)
        ends = [boundary.start for boundary in boundaries] + [len(text)]
        starts = [0] + [boundary.end for boundary in boundaries]
        segments = read_segments([text[a:b] for a, b in zip(starts, ends, strict=True)], self._encoder, self._heads)
        cuts = self._cuts(segments, boundaries, 0, len(starts))
        if not cuts:
            return (text.strip(),)
        firsts, lasts = [0, *(at + 1 for at in cuts)], [*cuts, len(starts) - 1]
        parts = [text[starts[a] : ends[b]].strip(" ,，.。;；\n\t") for a, b in zip(firsts, lasts, strict=True)]
        return tuple(FIRST.sub("", part) or part for part in parts)

    def _cuts(self, segments: Segments, boundaries: Sequence[Boundary], low: int, high: int) -> list[int]:
        """The cuts between segments `low` and `high`: the likeliest first, then those inside both halves."""
        named = [features(segments, boundaries, low, at, high) for at in range(low, high - 1)]
        chances = [self._judge.probability(found) for found in named]
        if not chances or max(chances) < THRESHOLD:
            return []
        at = low + int(np.argmax(chances))
        before = self._cuts(segments, boundaries, low, at + 1)
        return [*before, at, *self._cuts(segments, boundaries, at + 1, high)]
