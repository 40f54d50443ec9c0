"""Districts and sub-districts that fit what is told of a place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.nlu.english_places import place_words
from bot.nlu.entities import Entity

_GOES_ON = re.compile(
    rf"(?:{place_words()['end']})|\s+(?:north |south |east |west |middle )?(?:{place_words()['end']})\b", re.I
)
_IN_FULL = re.compile(r"(?:[区區]|街道|街道办|district|subdistrict)$", re.I)


@dataclass(frozen=True)
class Area:
    """A sub-district and its district, either of them perhaps unknown."""

    district: str | None
    subdistrict: str | None


def alone(entities: Sequence[Entity], text: str) -> tuple[Entity, ...]:
    """The districts and sub-districts named for themselves, not inside a longer name (龙华大道, Nanyuan Road)."""
    told = (e for e in entities if e.label in ("district", "subdistrict"))
    return tuple(e for e in told if _IN_FULL.search(e.text) or not _GOES_ON.match(text, e.end))


def areas_of(entities: Sequence[Entity], text: str) -> tuple[Area, ...]:
    """The areas that fit what is told; one alone where names agree, a named district before an inferred one.

    A sub-district's name inside a longer one (海山路, Nanyuan Road) counts only where no other is told. `text` is the
    one the entities were found in.
    """
    named = list(dict.fromkeys(e.value for e in entities if e.label == "district"))
    told = [e for e in entities if e.label == "subdistrict"]
    apart = [e for e in told if not _GOES_ON.match(text, e.end)]
    subs = list(dict.fromkeys((e.value, e.district) for e in apart or told))
    fitting = [(sub, district) for sub, district in subs if not named or district in named]
    if fitting:
        return tuple(Area(district, sub) for sub, district in fitting)
    if named:
        return (*(Area(name, None) for name in named), *(Area(district, sub) for sub, district in subs))
    inferred = dict.fromkeys(e.district for e in entities if e.district)
    return tuple(Area(district, None) for district in inferred)
