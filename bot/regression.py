"""What is worse than before: against an earlier run, and against the floors that the repository keeps."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.evaluate import EVAL
from knowledge.figures import Difference, Figure

FLOORS = EVAL / "floors.json"
SLACK = 1.0


def read_floors(path: Path = FLOORS) -> dict[str, float]:
    """Bounds of headline figures in percent by the figure's name; none where there is no file."""
    if not path.exists():
        return {}
    floors: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return floors


def floors_of(figures: Sequence[Figure]) -> dict[str, float]:
    """Bounds one point worse than the headline figures at hand."""
    return {
        figure.name: math.ceil(10 * (100 * figure.value + SLACK)) / 10
        if figure.lower_is_better
        else math.floor(10 * (100 * figure.value - SLACK)) / 10
        for figure in figures
        if figure.headline
    }


def write_floors(floors: Mapping[str, float], path: Path = FLOORS) -> None:
    """Write bounds for the repository."""
    path.write_text(json.dumps(floors, indent=1) + "\n", encoding="utf-8")


def regressions(
    figures: Sequence[Figure], floors: Mapping[str, float], differences: Sequence[Difference] = ()
) -> list[str]:
    """Every headline figure that is surely worse than before, or beyond its bound, in words."""
    found = [
        f"{one.figure.name}: {100 * one.old:.1f} to {100 * one.new:.1f} "
        f"(95 % interval of the difference {100 * one.gain.low:+.1f} to {100 * one.gain.high:+.1f}, {one.count} items)"
        for one in differences
        if one.figure.headline and one.worse
    ]
    for figure in figures:
        bound, value = floors.get(figure.name), 100 * figure.value
        if bound is not None and figure.headline and (value > bound if figure.lower_is_better else value < bound):
            kind = "above its bound" if figure.lower_is_better else "below its floor"
            found.append(f"{figure.name}: {value:.1f} is {kind} {bound:.1f}")
    return found
