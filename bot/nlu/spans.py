"""Sentences with marked places and times, and how well an extractor finds them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.nlu.entities import find_entities
from knowledge.queries import NLU_DATA

LABELS = ("location", "time")
LEADING = re.compile(
    r"^(?:从|自从|自|在|到|[\s,，。、]|(?:at|on|in|since|for|from|by|near|around|about|the|it was|to)\b)+", re.I
)
TRAILING = re.compile(
    r"(?:[\s,，。.、的了里内上下]|起|门口|門口|旁边|旁邊|附近|楼上|楼下|樓下|外面|里面|对面|那边|嗰邊|路段| already)+$"
)


@dataclass(frozen=True)
class Span:
    """A stretch of a sentence, in its characters."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Marked:
    """A sentence and the places and times its author marked in it."""

    text: str
    language: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class SpanScore:
    """F1 of spans with the same ends, and of spans that touch one of the same label."""

    count: int
    exact: float
    overlap: float


Finder = Callable[[Marked], Sequence[Span]]


def read_marked(folder: Path) -> tuple[Marked, ...]:
    """The lines of `entities_<author>.jsonl` in a folder."""
    found = []
    for path in sorted(folder.glob("entities_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.append(Marked(row["text"], row["language"], tuple(Span(*span) for span in row["spans"])))
    return tuple(found)


def read_training_spans() -> tuple[Marked, ...]:
    """The sentences a tagger may learn from."""
    return read_marked(NLU_DATA)


def read_dev_spans() -> tuple[Marked, ...]:
    """The sentences that only measure."""
    return read_marked(NLU_DATA / "eval")


def by_rules(row: Marked) -> list[Span]:
    """Places and times as the assistant finds them."""
    found = find_entities(row.text, row.language)
    return [Span(entity.start, entity.end, entity.label) for entity in found if entity.label in LABELS]


def score(rows: Iterable[Marked], find: Finder, label: str) -> SpanScore:
    """F1 of one label; leading prepositions and closing particles count neither way."""
    told = right = touched = found_again = marked = 0
    for row in rows:
        wanted = [trimmed(row.text, span) for span in row.spans if span.label == label]
        found = [trimmed(row.text, span) for span in find(row) if span.label == label]
        marked, told = marked + len(wanted), told + len(found)
        right += len(set(wanted) & set(found))
        touched += sum(any(a.start < b.end and b.start < a.end for b in wanted) for a in found)
        found_again += sum(any(a.start < b.end and b.start < a.end for b in found) for a in wanted)
    return SpanScore(marked, _f1(right, told, right, marked), _f1(touched, told, found_again, marked))


def trimmed(text: str, span: Span) -> Span:
    """A span without the prepositions before it and the particles after it."""
    inner = text[span.start : span.end]
    lead = LEADING.match(inner)
    start = span.start + (lead.end() if lead and lead.end() < len(inner) else 0)
    return Span(start, span.start + len(TRAILING.sub("", inner) or inner), span.label)


def _f1(right: int, told: int, again: int, marked: int) -> float:
    precision, recall = right / max(1, told), again / max(1, marked)
    return 2 * precision * recall / max(1e-9, precision + recall)
