"""Finding the several demands of one message: candidate boundaries, and a small learned judge of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np

from bot.cases.boundaries import Boundary, find_openings
from bot.cases.split_signs import OWN, Segments, features, read_segments
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead
from knowledge.trees import Trees

THRESHOLD = 0.5
FIRST = re.compile(r"^(?:第一个?|一是|其一|首先|first(?:ly)?\b)[,，：:、\s]*", re.I)


@dataclass(frozen=True)
class SplitJudge:
    """Trees over named features, and the head of clauses that open a demand."""

    trees: Trees
    own: LinearHead

    def probabilities(self, named: Sequence[Mapping[str, float]]) -> list[float]:
        """How likely a new demand begins at each of some places."""
        return [float(share) for share in self.trees.probabilities(named)]

    def save(self, path: Path) -> None:
        """Write the judge to a file of our own data folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump(self, path)


def load_judge(path: Path) -> SplitJudge:
    """A judge written by `save`; raises FileNotFoundError."""
    judge = joblib.load(path, mmap_mode="r")
    assert isinstance(judge, SplitJudge)
    return replace(judge, own=judge.own.plain())


class Splitter:
    """Cuts a message into its demands."""

    def __init__(self, judge: SplitJudge, encoder: Encoder, heads: Mapping[str, LinearHead]) -> None:
        self._judge, self._encoder = judge, encoder
        self._heads = {**heads, OWN: judge.own}

    def split(self, text: str) -> tuple[str, ...]:
        """The demands as they stand in the text, without the connectors between them; never empty."""
        boundaries = find_openings(text)
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
        chances = self._judge.probabilities(named) if named else []
        if not chances or max(chances) < THRESHOLD:
            return []
        at = low + int(np.argmax(chances))
        before = self._cuts(segments, boundaries, low, at + 1)
        return [*before, at, *self._cuts(segments, boundaries, at + 1, high)]
