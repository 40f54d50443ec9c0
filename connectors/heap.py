"""What stands in memory as long as a server runs, and what comes and goes with its turns."""

from __future__ import annotations

import gc


def settle() -> None:
    """Have the garbage collector pass over all that stands now: models, rules, places.

    Otherwise a turn now and then waits 0.1 s while everything is looked through. Garbage of what stood before is
    collected first.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
