"""The field in which services differ most tellingly, so that one question parts them."""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from knowledge.catalogue import Kind, Service
from knowledge.normal import LOOKUPS

WORDS_FILE = LOOKUPS / "differences.csv"
GOOD_ENOUGH = 0.75
Values = frozenset[str]


@dataclass(frozen=True)
class Difference:
    """A field and, for each service in the order given, the values that part it from the others; one may have none."""

    field: str
    values: tuple[Values, ...]


@lru_cache(maxsize=1)
def _words(path: Path = WORDS_FILE) -> Mapping[str, tuple[tuple[str, str, re.Pattern[str]], ...]]:
    """By field: value, language and the words of a name that tell it."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            word = re.escape(row["word"])
            found[row["field"], row["value"], row["language"]].append(rf"\b{word}" if row["language"] == "en" else word)
    fields: dict[str, list[tuple[str, str, re.Pattern[str]]]] = defaultdict(list)
    for (name, value, language), words in found.items():
        fields[name].append((value, language, re.compile("|".join(words))))
    return {name: tuple(rows) for name, rows in fields.items()}


def _told(field: str) -> Callable[[Service], Values]:
    """The values of a field that the names of a service tell, the everyday name before the official one."""

    def values(service: Service) -> Values:
        for name in (service.everyday_name, service.name):
            told = {"zh": name.zh, "en": name.en.lower()}
            for language, text in told.items():
                own = _words()[field]
                if found := {value for value, spoken, words in own if spoken == language and words.search(text)}:
                    return frozenset(found)
        return frozenset()

    return values


def told_in(field: str, text: str) -> Values:
    """The values of a field of TOLD_IN_NAMES that a canonical text tells."""
    return frozenset(value for value, _, words in _words()[field] if words.search(text))


def without_words(fields: Iterable[str], text: str) -> str:
    """A canonical text without the words that tell values of fields of TOLD_IN_NAMES."""
    for field in fields:
        for _, _, words in _words()[field]:
            text = words.sub(" ", text)
    return " ".join(text.split())


def _one(value: str) -> Values:
    return frozenset((value,))


FIELDS: Mapping[str, Callable[[Service], Values]] = {
    "situation": _told("situation"),
    "audience": lambda service: frozenset(map(str, service.audience)),
    "place": _told("place"),
    "purpose": _told("purpose"),
    "kind": lambda service: _one(str(service.kind)),
    "life_event": lambda service: frozenset(service.life_events[:1]),
    "agency": lambda service: _one(service.agency) if service.kind is Kind.SERVICE else frozenset(),
}
TOLD_IN_NAMES = ("situation", "place", "purpose")
EACH_ITS_OWN = ("life_event", "agency")


def difference_of(services: Sequence[Service], shares: Sequence[float]) -> Difference | None:
    """The field that tells most of which service is meant, given the belief in each; None when none parts them.

    A field parts services when no value belongs to two services with different values. One service may lack a value of
    TOLD_IN_NAMES where the others have each their own: it is the other case. Among fields almost as telling the first
    of FIELDS is taken: a situation is easier to answer than an agency.
    """
    parting = [
        (difference, _information(difference.values, shares))
        for field, values in FIELDS.items()
        if _parts(difference := Difference(field, tuple(values(service) for service in services)))
    ]
    most = max((information for _, information in parting), default=0.0)
    return next((difference for difference, information in parting if information >= GOOD_ENOUGH * most), None)


def _parts(difference: Difference) -> bool:
    distinct = set(difference.values)
    every = [value for values in distinct for value in values]
    lacking = sum(not values for values in difference.values)
    if lacking > (difference.field in TOLD_IN_NAMES):
        return False
    if (lacking or difference.field in EACH_ITS_OWN) and len(distinct) < len(difference.values):
        return False
    return len(distinct) > 1 and len(every) == len(set(every))


def _information(values: Sequence[Values], shares: Sequence[float]) -> float:
    """The entropy of the answer, in nats."""
    weight: dict[Values, float] = defaultdict(float)
    for own, share in zip(values, shares, strict=True):
        weight[own] += share
    total = sum(weight.values())
    return -sum(part / total * math.log(part / total) for part in weight.values() if part > 0)
