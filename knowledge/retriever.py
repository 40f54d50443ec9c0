"""Search over the catalogue: dense, lexical and trained scores standardised, summed and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Audience, Catalogue, Service
from knowledge.index import Index
from knowledge.linear_head import softmax
from knowledge.words import search_terms

Scores = NDArray[np.float32]
Prior = Sequence[tuple[str, float]]
WEIGHTS = {"dense": 0.6, "lexical": 0.5, "head": 1.0}
SHARPNESS = 1.5
FLOOR = 0.15
NEAREST = 0.5
MARGIN = 0.20
SURE = 0.55
MAX_CHOICES = 4
MAX_RECENT = 256
UNCOVERED_LEAD = 0.0
SHORT_NAME = 5
SHORT_ENGLISH_NAME = 18
STANDS_OUT = 2
OWN_NAMES = 4
CHOICE_SHARE = 0.25


class Verdict(StrEnum):
    """What a search came to."""

    ANSWERED = "answered"
    CLARIFY = "clarify"
    NO_SERVICE = "no_service"


@dataclass(frozen=True)
class Hit:
    """A service found; `score` is its calibrated share of the belief, `why` the catalogue words that matched."""

    service: Service
    score: float
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Retrieval:
    """The ranked hits of one search and whether they answer it."""

    verdict: Verdict
    hits: tuple[Hit, ...]
    similarity: float
    known: bool = True

    @property
    def best(self) -> Hit:
        """The first hit."""
        return self.hits[0]

    def choices(self) -> tuple[Hit, ...]:
        """The 2–4 hits worth asking about."""
        likely = [hit for hit in self.hits if hit.score >= CHOICE_SHARE * self.best.score]
        return tuple(likely[:MAX_CHOICES]) if len(likely) > 1 else self.hits[:2]


class Retriever:
    """Finds services for a canonical query and its encoder vector."""

    def __init__(self, catalogue: Catalogue, index: Index) -> None:
        self.catalogue = catalogue
        self._index = index
        self._names = [(_names_of(service), service) for service in catalogue]
        self._recent: dict[object, Retrieval] = {}

    def scores(self, query: str, vector: Scores) -> tuple[dict[str, Scores], bool, float]:
        """The standardised score of each arm, shape (services,) each, a catalogue of thousands having no head.

        Beside them, whether the head sees no service, and the cosine of the nearest text.
        """
        dense = self._index.dense_scores(vector)
        arms = {"dense": _standardised(dense), "lexical": _standardised(self._index.lexical_scores(query))}
        similarity = float(dense.max())
        head = self._index.head_scores(query, vector)
        if head is None:
            return arms, False, similarity
        margins, uncovered = head
        return arms | {"head": _standardised(margins)}, uncovered > margins.max() + UNCOVERED_LEAD, similarity

    def search(
        self,
        query: str,
        vector: Scores,
        top_k: int = 5,
        audience: Audience | None = None,
        among: Sequence[str] | None = None,
        prior: Prior = (),
    ) -> Retrieval:
        """Rank services; `audience` and `among` (codes) keep only what fits them.

        `prior` tells how much likelier some services are than the rest before a word is read (code, factor).

        The vector is the encoder's of the query, so the query alone tells whether a search was made just before.
        """
        key = (query, top_k, audience, None if among is None else tuple(among), tuple(prior))
        if (known := self._recent.get(key)) is not None:
            return known
        if len(self._recent) >= MAX_RECENT:
            self._recent.clear()
        found = self._recent[key] = self._search(query, vector, top_k, audience, among, prior)
        return found

    def _search(
        self,
        query: str,
        vector: Scores,
        top_k: int,
        audience: Audience | None,
        among: Sequence[str] | None,
        prior: Prior,
    ) -> Retrieval:
        arms, uncovered, similarity = self.scores(query, vector)
        fused = sum(WEIGHTS[arm] * scores for arm, scores in arms.items())
        assert isinstance(fused, np.ndarray)
        codes = self._index.codes
        allowed = self._allowed(audience, among)
        belief = fused * SHARPNESS + self._log_prior(prior)
        shares = softmax(np.where(allowed, belief, -np.inf).astype(np.float32))
        order = [place for place in _highest(shares, max(top_k, 2)) if allowed[place]]
        hits = tuple(Hit(self.catalogue[codes[place]], float(shares[place])) for place in order)
        alike = self.sharing_name(query) if among is None and audience is None and not prior else ()
        if alike:
            share = 1 / len(alike)
            named = tuple(Hit(service, share) for service in alike)
            rest = tuple(hit for hit in hits if hit.service not in alike)
            return Retrieval(Verdict.CLARIFY, (*named, *rest)[:top_k], similarity)
        floor = FLOOR if "head" in arms else 0.0
        verdict = Verdict.NO_SERVICE if uncovered else _verdict(hits, similarity, floor)
        return Retrieval(verdict, hits[:top_k], similarity, bool(arms["lexical"].any()))

    def _log_prior(self, prior: Prior) -> Scores:
        """The logarithm of each service's factor, shape (services,); 0 for those not named."""
        logs = np.zeros(len(self._index.codes), dtype=np.float32)
        for code, factor in prior:
            logs[self._index.codes.index(code)] = np.log(factor)
        return logs

    def _allowed(self, audience: Audience | None, among: Sequence[str] | None) -> NDArray[np.bool_]:
        """Which services a search may find, shape (services,)."""
        if audience is None and among is None:
            return np.ones(len(self._index.codes), dtype=bool)
        return np.array(
            [
                (audience is None or audience in (self.catalogue[code].audience or Audience))
                and (among is None or code in among)
                for code in self._index.codes
            ]
        )

    def sharing_name(self, query: str) -> tuple[Service, ...]:
        """Services among whose names a very short query is at home alike, best first; empty when one stands out."""
        if not 2 <= len(query) <= (SHORT_NAME if not query.isascii() else SHORT_ENGLISH_NAME):
            return ()
        counted, exact = [], 0
        for lower, service in self._names:
            if query not in lower:
                continue
            names = lower.split("\n")
            exact += query in names
            own = any(query in name for name in names[:OWN_NAMES])
            counted.append((sum(query in name for name in names) + 2 * own, service))
        counted.sort(key=lambda pair: -pair[0])
        if exact == 1 or len(counted) < 2 or counted[0][0] >= STANDS_OUT * counted[1][0]:
            return ()
        return tuple(service for _, service in counted[:MAX_CHOICES])

    def why(self, service: Service, query: str) -> tuple[str, ...]:
        """The names of the service that share most with a canonical query."""
        terms = set(search_terms(query))
        names = (service.everyday_name.zh, service.everyday_name.en, *service.aliases.all())
        shared = [(len(terms & set(search_terms(name.lower()))), name) for name in names]
        return tuple(name for count, name in sorted(shared, key=lambda pair: -pair[0])[:2] if count)


def _names_of(service: Service) -> str:
    """The names of a service in lower case, one a line: the OWN_NAMES of its name first, then its aliases."""
    own = (service.name.zh, service.name.en, service.everyday_name.zh, service.everyday_name.en)
    return "\n".join((*own, *service.aliases.all())).lower()


def _highest(scores: Scores, count: int) -> NDArray[np.int64]:
    """Places of the highest scores, best first."""
    if count < len(scores):
        some = np.argpartition(-scores, count)[:count]
        return np.asarray(some[np.argsort(-scores[some], kind="stable")], dtype=np.int64)
    return np.argsort(-scores, kind="stable").astype(np.int64)


def _standardised(scores: Scores) -> Scores:
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros_like(scores)


def _verdict(hits: Sequence[Hit], similarity: float, floor: float) -> Verdict:
    """What the hits come to; in a catalogue of thousands alike items share the belief, so there the floor is 0."""
    if not hits or hits[0].score < floor or similarity < NEAREST:
        return Verdict.NO_SERVICE
    if len(hits) == 1 or hits[0].score >= SURE or hits[0].score - hits[1].score >= MARGIN:
        return Verdict.ANSWERED
    return Verdict.CLARIFY
