"""One segment understood: what kind of speech it is, what it says of services, and the values in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bot.assist.hearing import misheard
from bot.assist.hearing_chinese import miswritten
from bot.assist.questions import Asked, asked, reads_back
from bot.assist.transcript import Heard, Segment, Speaker, heard, with_names
from bot.nlu.entities import Entity
from bot.nlu.parse import Parse, Understanding
from bot.nlu.said import kept_and_negated, says_nothing, short_answer
from knowledge.city import City
from knowledge.fusion import COVERED
from knowledge.normal import normalise
from knowledge.retriever import Retriever

CHATTER = ("greet", "goodbye", "thank", "affirm", "deny", "bot_challenge", "capabilities", "repeat", "skip", "neither")
SURE_CHATTER = 0.6
SHORT_CHATTER, SHORT_CHATTER_ENGLISH = 8, 24
KEPT_SERVICES = 12
LEAST_LENGTH = 1e-6
LANGUAGES = ("zh", "en")
VALUES = ("location", "time", "phone", "email")


class Kind(StrEnum):
    """What a caller's segment is for."""

    CHATTER = "chatter"
    VALUES = "values"
    CONTENT = "content"


@dataclass(frozen=True)
class Reading:
    """A segment with what was understood of it; an agent's has no more than what it asks.

    `shares` is how likely each of the likeliest services is, `covered` how likely any is wanted.
    """

    at: int
    segment: Segment
    heard: Heard
    kind: Kind
    parse: Parse | None = None
    act: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    covered: float = 0.0
    asked: Asked | None = None
    reads_back: bool = False

    @property
    def kept(self) -> tuple[Entity, ...]:
        """The values told and not taken back."""
        return tuple(kept_and_negated(self.parse.entities, self.heard.text)[0]) if self.parse else ()


class Reader:
    """Reads single segments; what it gives depends on the segment alone."""

    def __init__(self, understanding: Understanding, retriever: Retriever, city: City) -> None:
        self._understanding, self._retriever, self._city = understanding, retriever, city

    def read(self, at: int, segment: Segment, hint: str | None = None, wanted: Asked | None = None) -> Reading:
        """The reading of the segment at a place of the call; `wanted` is the field asked for."""
        clean = heard(segment.text)
        if not segment.typed:
            clean = self._named(clean, wanted is Asked.LOCATION)
        if segment.speaker is Speaker.AGENT:
            return Reading(
                at, segment, clean, Kind.CHATTER, asked=asked(segment.text), reads_back=reads_back(segment.text)
            )
        return self.as_caller(at, segment, clean, hint)

    def _named(self, clean: Heard, place: bool) -> Heard:
        """The text with misheard names of places written right."""
        look = misheard if clean.text.isascii() else miswritten
        found = look(clean.text, self._city, place)
        return with_names(clean, [(one.start, one.end, one.name) for one in found]) if found else clean

    def as_caller_words(self, reading: Reading) -> Reading:
        """An agent's words read as if the caller had said them."""
        return self.as_caller(reading.at, reading.segment, reading.heard, None)

    def as_caller(self, at: int, segment: Segment, clean: Heard, hint: str | None) -> Reading:
        """The reading of words that are the caller's, or that the caller agreed to."""
        parse = self._understanding.parse(clean.text, hint)
        act = short_answer(clean.text)
        kind = kind_of(parse, act)
        shares, covered = self.services(parse) if kind is Kind.CONTENT else ({}, 0.0)
        return Reading(at, segment, clean, kind, parse, act, shares, covered)

    def together(self, text: str, parses: Sequence[Parse]) -> Parse:
        """Several segments read as one text."""
        return self._understanding.read(text, mean_vector(parses))

    def note(self, reading: Reading) -> Reading:
        """An agent's words on the matter understood; those that tell nothing stay as they are."""
        parse = self._understanding.parse(reading.heard.text)
        if not parse.topic:
            return reading
        shares, covered = self.services(parse)
        return replace(reading, parse=parse, shares=shares, covered=covered)

    def services(self, parse: Parse) -> tuple[dict[str, float], float]:
        """The likeliest services of a text by code with their shares, and how likely the text wants any."""
        found = self._retriever.search(parse.asserted, parse.vector, KEPT_SERVICES)
        return {str(hit.service.code): hit.score for hit in found.hits}, found.kinds.get(COVERED, 1.0)


def mean_vector(parses: Sequence[Parse]) -> NDArray[np.float32]:
    """The mean of the vectors of some texts, the longer weighing more, so that nothing has to be encoded again."""
    weights = np.array([len(parse.text) for parse in parses], dtype=np.float32)
    mean: NDArray[np.float32] = weights @ np.stack([parse.vector for parse in parses])
    return mean / max(float(np.linalg.norm(mean)), LEAST_LENGTH)


def kind_of(parse: Parse, act: str | None) -> Kind:
    """What a caller's segment is for: nothing of the matter, only values of the form, or the matter itself."""
    if act is not None:
        return Kind.CHATTER
    told = parse.all(*VALUES)
    length = len(parse.canonical)
    short = length <= (SHORT_CHATTER_ENGLISH if parse.canonical.isascii() else SHORT_CHATTER)
    if not told and (says_nothing(parse.canonical) or (_chats(parse) and (short or not parse.topic))):
        return Kind.CHATTER
    if told and not parse.asks() and not _beside_values(parse):
        return Kind.VALUES
    return Kind.CONTENT


def _chats(parse: Parse) -> bool:
    return parse.probability(*CHATTER) >= SURE_CHATTER


def _beside_values(parse: Parse) -> str:
    """What the words that can name a matter tell beside places, times and numbers."""
    rest = parse.topic
    for entity in sorted(parse.entities, key=lambda one: -len(one.text)):
        rest = rest.replace(normalise(entity.text).text, " ")
    words = [word for word in rest.split() if len(word) > 1]
    return " ".join(words)


def words_spoken(counts: tuple[tuple[str, int], ...], reading: Reading) -> tuple[tuple[str, int], ...]:
    """How many words were said in each language, with those of one more segment."""
    assert reading.parse is not None
    language = reading.parse.detected.language
    if language not in LANGUAGES or reading.kind is Kind.VALUES:
        return counts
    table = dict(counts)
    words = len(reading.heard.text.split()) if language == "en" else len(reading.heard.text) // 2 + 1
    table[language] = table.get(language, 0) + words
    return tuple(table.items())
