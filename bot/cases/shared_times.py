"""Which times of a message hold for each of its demands: those told before it, of all, or beside the demands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.nlu.entities import Entity

# Words that make a time one of everything told before it ("…, both since last week").
OF_ALL = re.compile(r"(?:都|全都|一起|同时|均|全部|\b(?:both|all|each|everything))(?:[是在从有]|\s|已经?|,)*$", re.I)


def told_so_far(text: str, parts: Sequence[str], whole: Sequence[Entity]) -> Iterator[Sequence[Entity]]:
    """The entities of a text that may hold for each of its parts: all but times of its own that a later part tells.

    Parts stand in the text in order.
    """
    starts: list[int] = []
    for part in parts:
        at = text.find(part, starts[-1] if starts else 0)
        starts.append(at if at >= 0 else (starts[-1] if starts else 0))
    for start, part in zip(starts, parts, strict=True):
        end = start + len(part)
        later = [at for at in starts if at >= end]
        yield [one for one in whole if one.label != "time" or one.start < end or not later or _of_all(text, one)]


def _of_all(text: str, time: Entity) -> bool:
    return time.text.startswith("都") or bool(OF_ALL.search(text[: time.start]))
