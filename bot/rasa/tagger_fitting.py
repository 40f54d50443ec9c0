"""Fitting the tagger of entities, roles and groups to annotated examples."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pycrfsuite import Trainer

from bot.rasa.patterns import Pattern
from bot.rasa.tagger import KINDS, OUTSIDE, EntityTagger, Field, Span, span_features, unit_features
from bot.rasa.tokens import Token, units
from bot.rasa.training_data import Annotation, Example

# As large as both make the field say little of what it saw once.
L1, L2 = 0.05, 0.05
MOST_ROUNDS, LEAST_ROUNDS = 100, 30
# More labels than this lose the marks of ends and of single units, whose number squared is what training costs.
MOST_LABELS = 80
# Steps of the forward-backward pass in all rounds together: a second or two.
WORK = 1.5e9

Items = list[list[list[str]]]


def fit_tagger(examples: Sequence[Example], patterns: Sequence[Pattern]) -> EntityTagger | None:
    """The tagger of annotated examples; None where nothing is annotated."""
    names = {mark.entity for example in examples for mark in example.annotations}
    if not names:
        return None
    whole = 4 * len(names) + 1 <= MOST_LABELS
    texts: Items = []
    labels: list[list[str]] = []
    marked: list[tuple[tuple[Token, ...], list[tuple[Annotation, Span]]]] = []
    for example in examples:
        parts = units(example.text)
        if not parts:
            continue
        spans = annotated_spans(parts, example.annotations)
        texts.append(unit_features(example.text, parts, patterns))
        labels.append(bilou(len(parts), [span for _, span in spans], whole))
        marked.append((parts, spans))
    kinds: dict[str, Field] = {}
    known: dict[str, dict[str, list[str]]] = {}
    for kind in KINDS:
        seen = _seen(kind, [mark for _, spans in marked for mark, _ in spans])
        if seen:
            known[kind] = seen
            kinds[kind] = _fit_kind(kind, marked)
    return EntityTagger(fit_field(texts, labels), kinds, known, tuple(patterns))


def annotated_spans(parts: Sequence[Token], marks: Sequence[Annotation]) -> list[tuple[Annotation, Span]]:
    """Annotations as whole units, in order; of those that overlap the first one counts."""
    found: list[tuple[Annotation, Span]] = []
    taken: set[int] = set()
    for mark in marks:
        inside = [at for at, part in enumerate(parts) if part.start < mark.end and mark.start < part.end]
        if not inside or taken & set(inside):
            continue
        taken |= set(inside)
        first, last = inside[0], inside[-1]
        found.append((mark, Span(mark.entity, parts[first].start, parts[last].end, first, last)))
    return sorted(found, key=lambda pair: pair[1].first)


def bilou(length: int, spans: Sequence[Span], whole: bool) -> list[str]:
    """A label a unit: begin, inside, last, outside, unit; without `whole` only begin, inside and outside."""
    labels = [OUTSIDE] * length
    for span in spans:
        for at in range(span.first, span.last + 1):
            labels[at] = f"{'B' if at == span.first else 'I'}-{span.entity}"
        if whole:
            labels[span.last] = f"{'U' if span.first == span.last else 'L'}-{span.entity}"
    return labels


def _seen(kind: str, marks: Sequence[Annotation]) -> dict[str, list[str]]:
    """The roles or groups that each entity was annotated with."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for mark in marks:
        if name := getattr(mark, kind):
            found[mark.entity].add(name)
    return {entity: sorted(names) for entity, names in sorted(found.items())}


def _fit_kind(kind: str, marked: Sequence[tuple[tuple[Token, ...], list[tuple[Annotation, Span]]]]) -> Field:
    rows: Items = []
    labels = []
    for parts, spans in marked:
        if spans:
            rows.append(span_features(parts, [span for _, span in spans]))
            names = [getattr(mark, kind) for mark, _ in spans]
            labels.append([f"U-{name}" if name else OUTSIDE for name in names])
    return fit_field(rows, labels)


def fit_field(rows: Items, labels: Sequence[Sequence[str]]) -> Field:
    """A conditional random field; the same rows give the same one."""
    kinds = {label for line in labels for label in line}
    cost = sum(map(len, rows)) * len(kinds) ** 2
    rounds = int(min(MOST_ROUNDS, max(LEAST_ROUNDS, WORK / max(1, cost))))
    trainer = Trainer(verbose=False)
    trainer.set_params({"c1": L1, "c2": L2, "max_iterations": rounds, "feature.possible_transitions": False})
    for row, line in zip(rows, labels, strict=True):
        trainer.append(row, line)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "field"
        trainer.train(str(path))
        return Field(path.read_bytes())
