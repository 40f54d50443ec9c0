"""The names and aliases of the services, and which of them a query holds or resembles."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Service
from knowledge.normal import canonical
from knowledge.words import UNIT, search_terms, stem

Scores = NDArray[np.float32]
OWN_NAMES = 4


@dataclass(frozen=True)
class Name:
    """One name of a service as written, in canonical form, and its terms."""

    written: str
    canonical: str
    terms: frozenset[str]


def plain_terms(text: str) -> frozenset[str]:
    """The terms of a canonical text without sounds, and without single characters where there are longer ones."""
    terms = {term for term in search_terms(text) if "_" not in term}
    longer = {term for term in terms if len(term) > 1}
    return frozenset(longer or terms)


def names_of(service: Service) -> tuple[str, ...]:
    """The names of a service: the OWN_NAMES of its name first, then its aliases."""
    own = (service.name.zh, service.name.en, service.everyday_name.zh, service.everyday_name.en)
    return (*own, *service.aliases.all())


class NameBook:
    """Names of all services in the order given, searched by the terms they share with a query."""

    def __init__(self, services: Sequence[Service], weight: Callable[[str], float]) -> None:
        """`weight` tells how much a term distinguishes services."""
        self._weight = weight
        self._names = [
            Name(written, form, plain_terms(form))
            for service in services
            for written in names_of(service)
            for form in (canonical(written, cantonese=True),)
        ]
        counts = [len(names_of(service)) for service in services]
        self._owner = np.repeat(np.arange(len(services)), counts)
        self._count = len(services)
        self._sums = np.array([self.weight(name.terms) for name in self._names], dtype=np.float32)
        postings: dict[str, list[int]] = {}
        for number, name in enumerate(self._names):
            for term in name.terms:
                postings.setdefault(term, []).append(number)
        self._postings = {term: np.array(numbers, dtype=np.int64) for term, numbers in postings.items()}

    def weight(self, terms: Iterable[str]) -> float:
        """The weight of terms together."""
        return sum(self._weight(term) for term in terms)

    def alike(self, terms: frozenset[str]) -> tuple[Scores, Scores]:
        """How alike each service's best name is to the terms, and how much of the terms a name held whole explains.

        Both of shape (services,), 0 to 1: shared weight over weight of both together; the name's over the query's.
        """
        shared = self._shared(terms)
        total = max(self.weight(terms), 1e-6)
        some = np.flatnonzero(shared)
        likeness, holding = (np.zeros(self._count, dtype=np.float32) for _ in range(2))
        if len(some):
            own, shared = self._sums[some], shared[some]
            owners = self._owner[some]
            first = np.flatnonzero(np.diff(owners, prepend=-1))
            held = np.minimum(np.where(shared >= own - 1e-4, own / total, 0.0), 1.0)
            likeness[owners[first]] = np.maximum.reduceat(shared / np.maximum(own + total - shared, 1e-6), first)
            holding[owners[first]] = np.maximum.reduceat(held, first)
        return likeness, holding

    def best(self, place: int, terms: frozenset[str], count: int) -> tuple[Name, ...]:
        """The names of a service that resemble the terms most, best first."""
        own = np.flatnonzero(self._owner == place)
        shared = self._shared(terms)[own]
        likeness = shared / np.maximum(self._sums[own] + self.weight(terms) - shared, 1e-6)
        order = np.argsort(-likeness, kind="stable")[:count]
        return tuple(self._names[own[at]] for at in order if shared[at] > 0)

    def _shared(self, terms: frozenset[str]) -> Scores:
        shared = np.zeros(len(self._names), dtype=np.float32)
        for term in terms:
            numbers = self._postings.get(term)
            if numbers is not None:
                shared[numbers] += self._weight(term)
        return shared


class WrittenNames:
    """All names of the services in one lower-case text, searched for characters in one go."""

    def __init__(self, services: Sequence[Service]) -> None:
        parts = ["\n".join(names_of(service)).lower() for service in services]
        self._starts = list(itertools.accumulate((len(part) + 1 for part in parts), initial=0))
        self._text = "\n".join([*parts, ""])

    def names(self, place: int) -> list[str]:
        """The names of a service, own names first."""
        return self._text[self._starts[place] : self._starts[place + 1] - 1].split("\n")

    def holding(self, piece: str) -> Iterator[int]:
        """Places of the services that have a name with the characters in it, ascending."""
        at = self._text.find(piece)
        while at >= 0:
            after = bisect_right(self._starts, at)
            yield after - 1
            at = self._text.find(piece, self._starts[after])


def shared_words(query: str, terms: frozenset[str]) -> tuple[str, ...]:
    """The longest runs of a canonical query that are made of given terms, in reading order."""
    kept = [False] * len(query)
    for unit in UNIT.finditer(query):
        word = unit.group()
        if word[0].isascii():
            kept[unit.start() : unit.end()] = [stem(word) in terms] * len(word)
            continue
        for size in (1, 2):
            for start in range(len(word) - size + 1):
                if word[start : start + size] in terms:
                    at = unit.start() + start
                    kept[at : at + size] = [True] * size
    runs = itertools.groupby(range(len(query)), key=lambda at: kept[at])
    words = ["".join(query[at] for at in places) for held, places in runs if held]
    return tuple(dict.fromkeys(words))
