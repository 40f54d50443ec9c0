"""Districts and sub-districts that fit what is told of a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.nlu.entities import Entity


@dataclass(frozen=True)
class Area:
    """A sub-district and its district, either of them perhaps unknown."""

    district: str | None
    subdistrict: str | None


def areas_of(entities: Sequence[Entity]) -> tuple[Area, ...]:
    """The areas that fit what is told; one alone where names agree, a named district before an inferred one."""
    named = list(dict.fromkeys(e.value for e in entities if e.label == "district"))
    subs = list(dict.fromkeys((e.value, e.district) for e in entities if e.label == "subdistrict"))
    fitting = [(sub, district) for sub, district in subs if not named or district in named]
    if fitting:
        return tuple(Area(district, sub) for sub, district in fitting)
    if named:
        return (*(Area(name, None) for name in named), *(Area(district, sub) for sub, district in subs))
    inferred = dict.fromkeys(e.district for e in entities if e.district)
    return tuple(Area(district, None) for district in inferred)
