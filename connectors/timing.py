"""Durations of calls, for the benches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Times:
    """Durations of single calls, in seconds."""

    took: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return 1000 * float(np.percentile(self.took, share))

    def __str__(self) -> str:
        told = " / ".join(f"{self.percentile(share):.2f}" for share in (50, 99))
        return f"{told} ms ({len(self.took):,} calls)"


def timed_once(act: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def timed(act: Callable[[], object], calls: int) -> Times:
    """Durations of so many calls after 20 that do not count."""
    for _ in range(20):
        act()
    return Times([timed_once(act) for _ in range(calls)])
