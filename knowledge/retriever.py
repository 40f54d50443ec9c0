"""Search over the catalogue: the evidence of every arm, fused as learnt, and a verdict by expected cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Audience, Catalogue, Service
from knowledge.encoder import NAME
from knowledge.evidence import ARMS, Evidence, Witness
from knowledge.fusion import COVERED, Fusion, fusion_for, whole_signs
from knowledge.index import Index
from knowledge.names import OWN_NAMES, WrittenNames, names_of, plain_terms, shared_words
from knowledge.search_encoder import own_encoder
from knowledge.verdict import Verdict, verdict_of

Scores = NDArray[np.float32]
NEAREST = 0.5
MAX_CHOICES = 4
MAX_RECENT = 256
SHORT_NAME = 5
SHORT_ENGLISH_NAME = 18
STANDS_OUT = 2
CHOICE_SHARE = 0.25
PLAUSIBLE = 0.4
NAMES_SHOWN = 2
NAMED_SHARE = 0.9
LEAST_WORD = 5


@dataclass(frozen=True)
class Hit:
    """A service found; `score` is its calibrated share of the belief, `why` the catalogue words that matched."""

    service: Service
    score: float
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Retrieval:
    """The ranked hits of one search and whether they answer it.

    `similarity` is the cosine of the nearest text, `kinds` how likely the query asks for no service, by kind.
    """

    verdict: Verdict
    hits: tuple[Hit, ...]
    similarity: float
    known: bool = True
    kinds: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> Hit:
        """The first hit."""
        return self.hits[0]

    def choices(self) -> tuple[Hit, ...]:
        """The 2–4 hits worth asking about; none for a vague query when too little of the belief is in them."""
        likely = [hit for hit in self.hits if hit.score >= CHOICE_SHARE * self.best.score]
        chosen = tuple(likely[:MAX_CHOICES]) if len(likely) > 1 else self.hits[:2]
        plausible = self.verdict is not Verdict.VAGUE or sum(hit.score for hit in chosen) >= PLAUSIBLE
        return chosen if plausible else ()


@dataclass(frozen=True)
class Belief:
    """What one query says of every service before anything else is weighed, each of shape (services,).

    `shares` is the calibrated belief, `likeness` how alike the best name is, `coverage` the share of the words found in
    the service's texts; `kinds` how likely the query asks for no service, by kind.
    """

    shares: Scores
    likeness: Scores
    coverage: Scores
    similarity: float
    kinds: Mapping[str, float]


class Retriever:
    """Finds services for a canonical query and its encoder vector."""

    def __init__(self, catalogue: Catalogue, index: Index, fusion: Fusion | None = None) -> None:
        """`fusion` is the shipped one unless given."""
        self.catalogue = catalogue
        self._index = index
        self._encoder = own_encoder(index)
        self._fusion = fusion or fusion_for(NAME if self._encoder else index.encoder)
        self._witness = Witness(catalogue, index)
        self._services = list(catalogue)
        self._names = WrittenNames(self._services)
        self._recent: dict[object, Retrieval] = {}
        self._evidence: dict[str, Evidence] = {}
        self.place = {str(code): place for place, code in enumerate(index.codes)}

    def search(
        self,
        query: str,
        vector: Scores,
        top_k: int = 5,
        audience: Audience | None = None,
        among: Sequence[str] | None = None,
    ) -> Retrieval:
        """Rank services; `audience` and `among` (codes) keep only what fits them.

        The vector is the encoder's of the query, so the query alone tells whether a search was made just before; an
        index of very many texts has vectors of another encoder and reads the query itself.
        """
        key = (query, top_k, audience, None if among is None else tuple(among))
        if (known := self._recent.get(key)) is not None:
            return known
        if len(self._recent) >= MAX_RECENT:
            self._recent.clear()
        found = self._recent[key] = self._search(query, vector, top_k, audience, among)
        return found

    def belief(self, query: str, vector: Callable[[], Scores]) -> Belief:
        """What a canonical query says of every service, in the order of `place`; `vector` is asked for if need be."""
        known = self._evidence.get(query)
        evidence = known if known is not None else self._read(query, vector())
        learnt = self._fusion.of(evidence)
        shares = learnt.shares(evidence, np.ones(len(self.place), dtype=bool))
        kinds = learnt.gate.probabilities(whole_signs(evidence, shares)) if self._index.kinds else {}
        likeness, coverage = (evidence.arms[ARMS.index(arm)] for arm in ("likeness", "coverage"))
        return Belief(shares, likeness, coverage, evidence.similarity, kinds)

    def _read(self, query: str, vector: Scores) -> Evidence:
        """The evidence for a query, kept for the next search with the same one."""
        if (known := self._evidence.get(query)) is not None:
            return known
        if len(self._evidence) >= MAX_RECENT:
            self._evidence.clear()
        if self._encoder is not None:
            vector = self._encoder.encode_query([query])[0]
        read = self._evidence[query] = self._witness.of(query, vector)
        return read

    def _search(
        self,
        query: str,
        vector: Scores,
        top_k: int,
        audience: Audience | None,
        among: Sequence[str] | None,
    ) -> Retrieval:
        evidence = self._read(query, vector)
        learnt = self._fusion.of(evidence)
        codes = self._index.codes
        allowed = self._allowed(audience, among)
        if not allowed.any():
            return Retrieval(Verdict.NO_SERVICE, (), evidence.similarity, evidence.known)
        shares = learnt.shares(evidence, allowed)
        order = [place for place in _highest(shares, max(top_k, MAX_CHOICES)) if allowed[place]]
        hits = tuple(Hit(self.catalogue[codes[place]], float(shares[place])) for place in order)
        similarity = evidence.similarity
        alike = self.sharing_name(query) if among is None and audience is None else ()
        if alike:
            share = 1 / len(alike)
            named = tuple(Hit(service, share) for service in alike)
            rest = tuple(hit for hit in hits if hit.service not in alike)
            return Retrieval(Verdict.CLARIFY, (*named, *rest)[:top_k], similarity)
        kinds = learnt.gate.probabilities(whole_signs(evidence, shares)) if self._index.kinds else {}
        found = Retrieval(Verdict.NO_SERVICE, hits[: max(top_k, 2)], similarity, evidence.known, kinds)
        sole = hits[0].score >= NAMED_SHARE and self._only_name(query, hits[0].service)
        return replace(found, verdict=Verdict.ANSWERED if sole else _verdict(found), hits=hits[:top_k])

    def _only_name(self, query: str, service: Service) -> bool:
        """Whether a query holds a whole name of the service that is no part of another service's names."""
        names = [name.lower() for name in names_of(service)]
        held = [name for name in names if not name.isascii() and len(name) > 1 and name in query]
        held += [name for name in names if name.isascii() and len(name) >= LEAST_WORD and f" {name} " in f" {query} "]
        return any(
            all(self._services[place].code == service.code for place in self._names.holding(name)) for name in held
        )

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
        for place in self._names.holding(query):
            names = self._names.names(place)
            exact += query in names
            own = any(query in name for name in names[:OWN_NAMES])
            counted.append((sum(query in name for name in names) + 2 * own, self._services[place]))
        counted.sort(key=lambda pair: -pair[0])
        if exact == 1 or len(counted) < 2 or counted[0][0] >= STANDS_OUT * counted[1][0]:
            return ()
        return tuple(service for _, service in counted[:MAX_CHOICES])

    def why(self, service: Service, query: str) -> tuple[str, ...]:
        """The names of the service that resemble a canonical query most, each with the query's words found in it."""
        place = self._index.codes.index(service.code)
        names = self._witness.names.best(place, plain_terms(query), NAMES_SHOWN)
        return tuple(f"{name.written}: {', '.join(shared_words(query, name.terms))}" for name in names)


def _highest(scores: Scores, count: int) -> NDArray[np.int64]:
    """Places of the highest scores, best first."""
    if count < len(scores):
        some = np.argpartition(-scores, count)[:count]
        return np.asarray(some[np.argsort(-scores[some], kind="stable")], dtype=np.int64)
    return np.argsort(-scores, kind="stable").astype(np.int64)


def _verdict(found: Retrieval) -> Verdict:
    """What the hits come to; where the index knows no strangers, only a far text is nothing found."""
    if not found.hits or (not found.kinds and found.similarity < NEAREST):
        return Verdict.NO_SERVICE
    covered = found.kinds.get(COVERED, 1.0)
    others = {kind: chance for kind, chance in found.kinds.items() if kind != COVERED}
    return verdict_of(others, covered, [hit.score for hit in found.choices()])
