"""How often sounds and matters stand in ordinary messages, so that a rare one that two reports share counts more."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from bot.cases.matters import matters_of
from bot.cases.whereabouts import sounds_of
from knowledge.normal import canonical

USUAL_FILE = Path(__file__).with_name("usual.json")
LEAST = 5
LONG_WORD = 4


@dataclass(frozen=True)
class Usual:
    """In how many of the lines a pair of sounds or a matter stands; those in fewer than `LEAST` are left out."""

    lines: int
    counts: Mapping[str, int]

    def weight(self, name: str) -> float:
        """The inverse frequency, in nats."""
        return math.log((1 + self.lines) / (2 + self.counts.get(name, 0)))

    def save(self, path: Path = USUAL_FILE) -> None:
        """Write the file."""
        told = {"lines": self.lines, "counts": dict(sorted(self.counts.items()))}
        path.write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def pairs_of(clean: str) -> frozenset[str]:
    """Neighbouring sounds of a canonical text, and its longer English words."""
    sounds = list(sounds_of(clean))
    words = (sound for sound in sounds if len(sound) >= LONG_WORD and not sound.isdigit())
    return frozenset((*(f"{one}_{other}" for one, other in pairwise(sounds)), *words))


def matter_key(concept: str) -> str:
    """The name that a matter is counted by, which no pair of sounds has."""
    return f"matter:{concept}"


def word_key(word: str) -> str:
    """The name that a whole word is counted by."""
    return f"word:{word}"


def count_usual(texts: Iterable[str], words_of: Callable[[str], Iterable[str]]) -> Usual:
    """Count what stands in messages; `words_of` gives the words of a canonical text."""
    counts: Counter[str] = Counter()
    lines = 0
    for text in texts:
        clean = canonical(text, cantonese=True)
        counts.update(pairs_of(clean))
        counts.update(matter_key(concept) for named in matters_of(clean).values() for concept in named)
        counts.update({word_key(word) for word in words_of(clean)})
        lines += 1
    return Usual(lines, {name: count for name, count in counts.items() if count >= LEAST})


@lru_cache(maxsize=1)
def read_usual(path: Path = USUAL_FILE) -> Usual:
    """The counts that ship."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Usual(content["lines"], content["counts"])
