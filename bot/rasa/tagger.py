"""Entities learnt from annotations: a conditional random field over units, and one over found spans for roles."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pycrfsuite import Tagger as Crf

from bot.rasa.patterns import Pattern
from bot.rasa.tokens import Token, units

OUTSIDE = "O"
KINDS = ("role", "group")
REACH = 2
CONTEXT = 3
AFFIXES = (1, 2, 3)


@dataclass(frozen=True)
class Span:
    """An entity in a message, in characters and in units; `sure` is the least share of its units."""

    entity: str
    start: int
    end: int
    first: int
    last: int
    sure: float = 1.0


@dataclass
class Field:
    """One conditional random field as its bytes; one message at a time, since the library keeps the last one."""

    model: bytes
    crf: Crf = field(init=False, repr=False)
    alike: dict[str, list[str]] = field(init=False, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.crf = Crf()
        self.crf.open_inmemory(self.model)
        labels = self.crf.labels()
        self.alike = {one: [other for other in labels if named(other) == named(one)] for one in labels}
        self.alike[OUTSIDE] = [OUTSIDE]

    def read(self, items: Sequence[Sequence[str]]) -> tuple[list[str], list[float]]:
        """The label of each item, and how likely that label's name is there (all its BILOU marks together)."""
        if not items:
            return [], []
        with self.lock:
            found = self.crf.tag(items)
            sure = [sum(self.crf.marginal(one, at) for one in self.alike[label]) for at, label in enumerate(found)]
            return list(found), sure


@dataclass(frozen=True)
class EntityTagger:
    """Finds entities with their roles and groups; `known` are the roles and groups each entity was seen with."""

    entities: Field
    kinds: dict[str, Field]
    known: dict[str, dict[str, list[str]]]
    patterns: tuple[Pattern, ...]

    def find(self, text: str) -> list[dict[str, Any]]:
        """Entities in the order of the text, without the name of an extractor."""
        parts = units(text)
        labels, sure = self.entities.read(unit_features(text, parts, self.patterns))
        spans = spans_of(parts, labels, sure)
        found: list[dict[str, Any]] = [
            {
                "entity": span.entity,
                "start": span.start,
                "end": span.end,
                "confidence_entity": span.sure,
                "value": text[span.start : span.end],
            }
            for span in spans
        ]
        for kind, crf in self.kinds.items() if spans else ():
            for entity, label, share in zip(found, *crf.read(span_features(parts, spans)), strict=True):
                name = named(label)
                if label != OUTSIDE and name in self.known[kind].get(entity["entity"], ()):
                    entity.update({kind: name, f"confidence_{kind}": share})
        return found


def named(label: str) -> str:
    """A label without its BILOU mark."""
    return label.partition("-")[2] or label


def spans_of(parts: Sequence[Token], labels: Sequence[str], sure: Sequence[float]) -> list[Span]:
    """Spans of units whose labels go on: a new one begins at B, at U, at another name, and after the outside."""
    found: list[Span] = []
    before = OUTSIDE
    for at, (part, label) in enumerate(zip(parts, labels, strict=True)):
        if label != OUTSIDE:
            goes_on = named(label) == named(before) and label[0] in "IL" and before[0] in "BI"
            last = found.pop() if goes_on else Span(named(label), part.start, part.end, at, at, 1.0)
            found.append(Span(last.entity, last.start, part.end, last.first, at, min(last.sure, sure[at])))
        before = label
    return found


def unit_features(text: str, parts: Sequence[Token], patterns: Sequence[Pattern]) -> list[list[str]]:
    """What the field sees of each unit: itself, its neighbours, the words around, and the patterns that match."""
    matched = _matched(text, parts, patterns)
    own = [[*_of_unit(part), *matched[at]] for at, part in enumerate(parts)]
    words = [part.text.lower() for part in parts]
    items = []
    for at in range(len(parts)):
        seen = ["bias", *own[at]]
        for step in range(-REACH, REACH + 1):
            if step and 0 <= at + step < len(parts):
                seen += [f"{step}:{one}" for one in own[at + step][: 4 if abs(step) == 1 else 2]]
                seen += [f"{step}:{one}" for one in matched[at + step]]
        if at == 0:
            seen.append("BOS")
        else:
            seen.append(f"-1,0={words[at - 1]}|{words[at]}")
        if at == len(parts) - 1:
            seen.append("EOS")
        else:
            seen.append(f"0,1={words[at]}|{words[at + 1]}")
        items.append(seen)
    return items


def _of_unit(part: Token) -> list[str]:
    """The most telling first; neighbours are seen by the first ones."""
    low = part.text.lower()
    seen = [f"u={low}", f"w={part.word}", f"s={_shape(part.text)}", f"p={part.place}"]
    if len(low) > 1 and low.isascii():
        seen += [f"<{low[:size]}" for size in AFFIXES] + [f">{low[-size:]}" for size in AFFIXES]
    if part.word != low:
        seen.append(f"<{part.word[0]}>{part.word[-1]}")
    return seen


def _shape(text: str) -> str:
    if text.isdigit():
        return f"9{min(len(text), 4)}"
    if not text.isalpha():
        return "."
    return "A" if text.isupper() else "Aa" if text[0].isupper() else "a" if text.islower() else "x"


def _matched(text: str, parts: Sequence[Token], patterns: Sequence[Pattern]) -> list[list[str]]:
    """The names of the patterns that cover each unit, with the unit's place in the match."""
    found: list[set[str]] = [set() for _ in parts]
    for pattern in patterns:
        for start, end in pattern.spans(text):
            for at, part in enumerate(parts):
                if start <= part.start and part.end <= end:
                    found[at].add(f"m={pattern.name}{'B' if part.start == start else 'I'}")
    return [sorted(names) for names in found]


def span_features(parts: Sequence[Token], spans: Sequence[Span]) -> list[list[str]]:
    """What the second field sees of each span: its entity, its words, the units around, its place among the others."""
    words = [part.text.lower() for part in parts]
    items = []
    for at, span in enumerate(spans):
        name = span.entity
        seen = ["bias", f"e={name}", f"#{min(at, 4)}:{name}", *(f"in={word}" for word in words[span.first : span.last])]
        seen += [f"is={' '.join(words[span.first : span.last + 1])}"]
        seen += list(_around(words, span))
        same = sum(other.entity == name for other in spans[:at])
        seen.append(f"same#{min(same, 3)}:{name}")
        items.append(seen)
    return items


def _around(words: Sequence[str], span: Span) -> Iterator[str]:
    before = words[max(0, span.first - CONTEXT) : span.first][::-1]
    after = words[span.last + 1 : span.last + 1 + CONTEXT]
    for side, near in (("<", before), (">", after)):
        for step, word in enumerate(near):
            yield f"{side}{step}={word}:{span.entity}"
            yield f"{side}={word}"
        if len(near) > 1:
            yield f"{side}2={near[0]} {near[1]}"
        if not near:
            yield f"{side}edge:{span.entity}"
