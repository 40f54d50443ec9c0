"""What a message speaks of in the light of the conversation: a service, or none of those that come to mind.

The services spoken of, offered or related, and those the words bring up, compete under weights learnt from written
follow-ups (`chengda train subjects`, nlu_data/follow_ups); their shares sum to one.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from bot.nlu.parse import Parse
from bot.subject_signs import Situation, Witnesses, read_signs, table_of
from knowledge.linear_head import softmax

WEIGHT_FILE = Path(__file__).with_name("subject.json")
MAX_KEPT = 64


@dataclass(frozen=True)
class Weights:
    """The weight of every sign, what they were learnt from, and how well they did on authors held out (%)."""

    learnt_on: str
    lines: int
    figures: dict[str, float]
    weights: dict[str, float]

    def save(self, path: Path = WEIGHT_FILE) -> None:
        """Write the file, numbers short enough to read."""
        told = {
            "learnt_on": self.learnt_on,
            "lines": self.lines,
            "figures": {name: round(value, 1) for name, value in self.figures.items()},
            "weights": {name: round(value, 3) for name, value in sorted(self.weights.items())},
        }
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@lru_cache(maxsize=1)
def read_weights(path: Path = WEIGHT_FILE) -> Weights:
    """What `save` wrote; raises pydantic's ValidationError."""
    return TypeAdapter(Weights).validate_json(path.read_bytes())


@dataclass(frozen=True)
class Subject:
    """What a message speaks of, best first: codes with their shares, None for nothing that comes to mind."""

    ranked: tuple[tuple[str | None, float], ...]

    @property
    def code(self) -> str | None:
        """The service it speaks of most likely, None when of none."""
        return self.ranked[0][0]

    @property
    def share(self) -> float:
        """How likely that is."""
        return self.ranked[0][1]

    def services(self) -> tuple[tuple[str, float], ...]:
        """The services with their shares, best first."""
        return tuple((code, share) for code, share in self.ranked if code is not None)


class SubjectFinder:
    """Tells what messages speak of."""

    def __init__(self, witnesses: Witnesses, weights: Weights | None = None) -> None:
        """`weights` are the shipped ones unless given."""
        self._witnesses = witnesses
        self._weights = (weights or read_weights()).weights
        self._names = sorted(self._weights)
        self._row = np.array([self._weights[name] for name in self._names])
        self._kept: OrderedDict[object, Subject] = OrderedDict()

    def find(self, situation: Situation, parse: Parse, language: str) -> Subject:
        """Rank the services that come to mind, and none of them."""
        key = (situation, parse.asserted, parse.intents, language)
        if key in self._kept:
            return self._kept[key]
        codes, rows = read_signs(situation, parse, language, self._witnesses)
        found = self._kept[key] = _ranked(codes, rows, self._names, self._row)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return found


def _ranked(
    codes: Sequence[str | None], rows: Sequence[Mapping[str, float]], names: Sequence[str], weights: np.ndarray
) -> Subject:
    shares = softmax((table_of(rows, names) @ weights).astype(np.float32))
    order = np.argsort(-shares, kind="stable")
    return Subject(tuple((codes[place], float(shares[place])) for place in order))
