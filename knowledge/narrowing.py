"""The plain service of a family before its narrower variants, where a question names the family and nothing more.

Who needs the variant for a lost, an expired or a foreigner's paper mostly says so; who only says "passport" mostly
needs the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from knowledge.catalogue import Kind, Service
from knowledge.difference import FIELDS, told_in, without_words
from knowledge.fusion import COVERED
from knowledge.names import names_of, plain_terms
from knowledge.normal import canonical
from knowledge.retriever import Retrieval
from knowledge.verdict import Verdict, verdict_of

# Fields whose values make a service narrower when its name tells one; a purpose parts a family that has no plain one.
NARROWING = ("situation", "place")
PLAIN = frozenset({"first"})
# Who writes English may be the foreigner whom a service is for, and then does not say so.
NOT_SAID_IN_ENGLISH = frozenset({"abroad"})
# How likely a person leaves out what makes the wanted service narrower.
UNSAID = 0.02
# Services that make a family, and how many unsaid fields one of another family counts for.
FAMILY, OTHER = 2, 2


def plain_first(found: Retrieval, topic: str, told: str) -> Retrieval:
    """A search weighed by what the question does not say, where all words of its topic name several services found.

    `topic` are the words that name what is wanted, `told` is the canonical question.
    """
    head = without_words(NARROWING, topic)
    wanted = plain_terms(head) if head else frozenset()
    if not wanted or found.verdict is Verdict.NO_SERVICE or found.best.service.kind is not Kind.SERVICE:
        return found
    family = [hit for hit in found.hits if wanted <= _terms(names_of(hit.service))]
    if len(family) < FAMILY or (found.best not in family and found.verdict is Verdict.ANSWERED):
        return found
    weights = [UNSAID ** (unsaid(hit.service, told) if hit in family else OTHER) for hit in found.hits]
    return _weighed(found, weights)


def unsaid(service: Service, told: str) -> int:
    """In how many fields a service is narrower than what a canonical question tells."""
    aside = PLAIN | NOT_SAID_IN_ENGLISH if told.isascii() else PLAIN
    own = [(field, FIELDS[field](service) - aside) for field in NARROWING]
    return sum(bool(values) and not values & told_in(field, told) for field, values in own)


def _weighed(found: Retrieval, weights: Sequence[float]) -> Retrieval:
    weighed = [(hit, hit.score * weight) for hit, weight in zip(found.hits, weights, strict=True)]
    before, after = sum(hit.score for hit in found.hits), sum(score for _, score in weighed)
    scale = before / max(after, 1e-9)
    hits = tuple(sorted((replace(hit, score=score * scale) for hit, score in weighed), key=lambda hit: -hit.score))
    result = replace(found, hits=hits)
    if not found.kinds:
        return result
    others = {kind: chance for kind, chance in found.kinds.items() if kind != COVERED}
    verdict = verdict_of(others, found.kinds.get(COVERED, 1.0), [hit.score for hit in result.choices()])
    return replace(result, verdict=verdict)


@lru_cache(maxsize=1024)
def _terms(names: tuple[str, ...]) -> frozenset[str]:
    """The terms of a service's names, single characters too."""
    forms = [canonical(name, cantonese=True) for name in names]
    return frozenset(term for form in forms for term in plain_terms(form))
