"""Regexes and lookup tables of a Rasa project as patterns, and the values its synonyms stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.rasa.training_data import TrainingData

MAPPER = "EntitySynonymMapper"
FINDER = "RegexEntityExtractor"


@dataclass(frozen=True)
class Pattern:
    """A named regular expression; `flags` are those of `re`."""

    name: str
    pattern: str
    flags: int = 0

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands in a text; an empty match is none."""
        for match in self._compiled.finditer(text):
            if match.end() > match.start():
                yield match.start(), match.end()

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self.flags)


def patterns_of(data: TrainingData, options: Mapping[str, Any], names: frozenset[str] | None) -> tuple[Pattern, ...]:
    """Lookup tables first, then regexes, by a component's options; only of these names where some are given."""
    flags = 0 if options.get("case_sensitive", False) else int(re.IGNORECASE)
    edge = r"\b" if options.get("use_word_boundaries", True) else ""
    found: list[Pattern] = []
    if options.get("use_lookup_tables", True):
        for table in data.lookups:
            words = "|".join(f"{edge}{re.escape(word)}{edge}" for word in table.words if word)
            found += [Pattern(table.name, f"({words})", flags)] if words else []
    if options.get("use_regexes", True):
        found += [Pattern(regex.name, pattern, flags) for regex in data.regexes for pattern in regex.patterns]
    return tuple(pattern for pattern in found if names is None or pattern.name in names)


def find_patterns(text: str, patterns: Iterable[Pattern]) -> list[dict[str, Any]]:
    """The entities that patterns find, as Rasa tells them: overlaps stay, and there is no confidence."""
    return [
        {"entity": pattern.name, "start": start, "end": end, "value": text[start:end], "extractor": FINDER}
        for pattern in patterns
        for start, end in pattern.spans(text)
    ]


def synonyms_of(data: TrainingData) -> dict[str, str]:
    """What a found text is read as, by the text in lower case; a value stands for itself in any case."""
    pairs = [(variant, synonym.value) for synonym in data.synonyms for variant in synonym.variants]
    for example in data.examples:
        pairs += [
            (example.text[mark.start : mark.end], str(mark.value))
            for mark in example.annotations
            if mark.value is not None
        ]
    found: dict[str, str] = {}
    for variant, value in pairs:
        if variant != value:
            found[variant.lower()] = value
        found.setdefault(value.lower(), value)
    return found


def map_synonyms(entities: Iterable[dict[str, Any]], synonyms: Mapping[str, str]) -> list[dict[str, Any]]:
    """The entities with the values their texts stand for."""
    mapped = []
    for entity in entities:
        value = synonyms.get(str(entity["value"]).lower())
        changed = {} if value is None else {"value": value, "processors": [*entity.get("processors", ()), MAPPER]}
        mapped.append({**entity, **changed})
    return mapped
