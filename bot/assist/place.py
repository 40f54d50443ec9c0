"""The place of a matter put together from what was told of it piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from bot.nlu.entities import Entity, find_entities
from knowledge.city import City
from knowledge.normal import normalise

NUMBERED = ("号", "栋", "座", "楼", "层", "单元", "室", "房", "巷", "no.", "block", "building", "unit", "room", "gate")
MAX_PIECES = 5


class Level(IntEnum):
    """How exact a piece is: a district or sub-district, something with a name, a number or side of it."""

    AREA = 0
    NAMED = 1
    PART = 2


@dataclass(frozen=True)
class Piece:
    """One told piece of a place, the words it stands in, and the segment they were said in.

    `wanted` when it answered the question for the place, `sure` when a place was found in the words.
    """

    text: str
    level: Level
    words: str
    at: int
    wanted: bool
    sure: bool


@dataclass(frozen=True)
class Place:
    """The pieces told so far."""

    pieces: tuple[Piece, ...] = ()

    @property
    def text(self) -> str:
        """The whole place: from the wide to the exact in Chinese, the other way round in English."""
        ordered = sorted(self.pieces, key=lambda piece: piece.level)
        texts = [piece.text for piece in ordered]
        return ", ".join(reversed(texts)) if all(text.isascii() for text in texts) else "".join(texts)

    @property
    def exact(self) -> bool:
        """Whether somebody could go there."""
        return any(piece.level is not Level.AREA for piece in self.pieces)

    def as_hint(self) -> Place:
        """The place as a guess for another matter, which anything told of that one replaces."""
        return Place(tuple(replace(piece, wanted=False, sure=False) for piece in self.pieces))

    def take(self, piece: Piece, correction: bool = False) -> Place:
        """The place with one more piece; a correction replaces what is as exact or more."""
        new, old = normalise(piece.text).text, normalise(self.text).text
        if correction:
            kept = tuple(one for one in self.pieces if one.level < piece.level)
            if piece.level is Level.AREA:
                kept = tuple(one for one in self.pieces if one.level is not Level.AREA)
            return Place((*kept, piece))
        if new in old:
            return self
        swallowed = tuple(one for one in self.pieces if normalise(one.text).text not in new)
        same = [one for one in swallowed if one.level is piece.level]
        if piece.sure and any(not one.sure for one in same):
            swallowed = tuple(one for one in swallowed if one.sure)
            same = [one for one in same if one.sure]
        if same and not piece.wanted and piece.level is not Level.PART:
            return self
        if same and piece.wanted and not any(one.wanted for one in same) and piece.level is not Level.PART:
            swallowed = tuple(one for one in swallowed if one.level is not piece.level)
        return Place((*swallowed, piece)[:MAX_PIECES])


def level_of(entity: Entity, entities: Sequence[Entity]) -> Level:
    """How exact a told place is, by the known names inside it."""
    inside = [one for one in entities if entity.start <= one.start and one.end <= entity.end and one is not entity]
    areas = [one for one in inside if one.label in ("district", "subdistrict")]
    covered = sum(one.end - one.start for one in _apart(areas))
    if areas and len(entity.text.replace(" ", "")) - covered <= 1:
        return Level.AREA
    named = any(one.label in ("road", "landmark") for one in inside)
    clean = normalise(entity.text).text
    if (
        not named
        and not areas
        and len(clean) <= 12
        and any(word in clean for word in NUMBERED)
        and _opens_numbered(clean)
    ):
        return Level.PART
    return Level.NAMED


def _opens_numbered(clean: str) -> bool:
    first = clean[0]
    return (
        first.isdigit()
        or first in "一二三四五六七八九十"
        or clean.startswith(("no.", "block", "building", "unit", "room"))
    )


def _apart(entities: Sequence[Entity]) -> list[Entity]:
    """Entities without those inside another."""
    kept: list[Entity] = []
    for one in sorted(entities, key=lambda e: (e.start, -e.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def entities_of(place: Place, city: City) -> tuple[Entity, ...]:
    """The names in the whole place."""
    text = place.text
    return find_entities(text, "en" if text.isascii() else "zh", city) if text else ()
