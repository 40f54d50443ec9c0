"""Why a caller calls, from all that was told: the whole, its segments, and what such a matter mostly is."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache

from bot.cases.case import DemandType
from knowledge.queries import NLU_DATA

COUNT_FILE = NLU_DATA / "lookups" / "type_counts.csv"
WHOLE, PARTS, MATTER = 1.0, 0.5, 1.0
SMOOTH = 2
TOUCHED, SHORT, HALF = 0.2, 12, 0.5


def likeliest_type(
    whole: Mapping[str, float], parts: Iterable[tuple[Mapping[str, float], float]], matters: Iterable[str | None]
) -> DemandType:
    """The type of a demand; `parts` are the shares of each segment and its weight, `matters` its item and category.

    A type said outright stands alone in `whole`.
    """
    if len(whole) == 1:
        return DemandType(next(iter(whole)))
    belief = {name: WHOLE * share for name, share in whole.items()}
    weighed = list(parts)
    total = sum(weight for _, weight in weighed) or 1.0
    for shares, weight in weighed:
        for name in belief:
            belief[name] += PARTS * shares.get(name, 0.0) * weight / total
    for name, share in _usual(matters).items():
        if name in belief:
            belief[name] += MATTER * share
    return DemandType(max(belief, key=lambda name: belief[name]))


def weight_of(text: str, covered: float, files: float) -> float:
    """How much a segment says of the type: one on the matter, that wants something filed, and is no mere answer."""
    return covered * (TOUCHED + files) * (HALF if len(text) < SHORT else 1.0)


@lru_cache(maxsize=1)
def _counts() -> dict[str, dict[str, int]]:
    """How often demands of an item or a category were of each type in the language data."""
    with COUNT_FILE.open(encoding="utf-8", newline="") as rows:
        return {row.pop("matter"): {name: int(count) for name, count in row.items()} for row in csv.DictReader(rows)}


def _usual(matters: Iterable[str | None]) -> dict[str, float]:
    """What the most exactly known matter mostly is."""
    counts = next((_counts()[name] for name in matters if name in _counts()), {})
    total = sum(counts.values()) + SMOOTH * len(counts)
    return {name: (count + SMOOTH) / total for name, count in counts.items()}
