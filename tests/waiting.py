"""Waiting for a state, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0


def wait(until: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if until():
            return True
        time.sleep(0.05)
    return until()
