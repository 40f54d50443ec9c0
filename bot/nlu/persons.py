"""Who a message speaks of: groups the catalogue knows (its audiences) and relations of the person writing."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import lru_cache

from knowledge.catalogue import Audience, Service
from knowledge.queries import NLU_DATA

ELLIPSIS = re.compile(
    r"^(?:那么?|咁|如果|要是|假如|若|换成|给)|呢$|一样吗$|也行吗$|也可以吗$|^(?:and|what|how) (?:about|for|if)\b"
    r"|^(?:and|or|but) (?:my|his|her|our|their|the|for|if|a)\b|^what if\b|\b(?:same|too|as well|also)$"
)
PERSON_FILE = NLU_DATA / "lookups" / "persons.csv"


@lru_cache(maxsize=1)
def _table() -> tuple[re.Pattern[str], dict[str, str]]:
    with PERSON_FILE.open(encoding="utf-8") as rows:
        table = {row["phrase"]: row["person"] for row in csv.DictReader(rows)}
    longest_first = sorted(table, key=len, reverse=True)
    parts = [
        rf"(?<![a-z]){re.escape(phrase)}(?![a-z])" if phrase.isascii() else re.escape(phrase)
        for phrase in longest_first
    ]
    return re.compile("|".join(parts)), table


def persons_of(text: str) -> tuple[str, ...]:
    """The persons a canonical text names, in reading order, each once; the longest name counts."""
    pattern, table = _table()
    return tuple(dict.fromkeys(table[found.group()] for found in pattern.finditer(text)))


def audience_of(persons: Sequence[str]) -> Audience | None:
    """The audience among persons; None when they name none, or several, so that no one is guessed."""
    known = [Audience(person) for person in persons if person in set(Audience)]
    return known[0] if len(known) == 1 else None


def without_persons(text: str) -> str:
    """The canonical text with the words that name a person taken out."""
    return _table()[0].sub(" ", text)


def elliptic(text: str) -> bool:
    """Whether a canonical text only adds to what was asked before ("那我老婆呢", "and for my kid?")."""
    return bool(ELLIPSIS.search(text))


@lru_cache(maxsize=1024)
def _persons_in(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(person for text in texts for person in persons_of(text))


def speaks_of(service: Service, persons: Sequence[str]) -> bool:
    """Whether a service's names or description speak of one of the persons."""
    names = (service.name, service.everyday_name, service.description)
    texts = tuple(text.lower() for name in names if name for text in (name.zh, name.en))
    return not _persons_in(texts).isdisjoint(persons)
