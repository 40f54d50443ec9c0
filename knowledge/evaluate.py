"""How well search finds the right service: accuracy@1, recall@3 and MRR per language, style and group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from knowledge.encoder import Encoder
from knowledge.normal import canonical
from knowledge.queries import Query
from knowledge.retriever import Retriever
from knowledge.verdict import Verdict

RANKS = 10


@dataclass(frozen=True)
class Judged:
    """One query with the codes found, best first, and the verdict."""

    query: Query
    found: tuple[str, ...]
    verdict: Verdict

    @property
    def rank(self) -> int | None:
        """Place of the first right service, 0 for the best, None beyond RANKS."""
        right = {self.query.code, *self.query.accept}
        return next((place for place, code in enumerate(self.found) if code in right), None)


@dataclass(frozen=True)
class Score:
    """Figures over some queries, as shares of one."""

    count: int
    accuracy_at_1: float
    recall_at_3: float
    mrr: float
    answered: float

    def row(self) -> tuple[str, ...]:
        """The figures as text."""
        return (
            str(self.count),
            *(f"{100 * value:.1f}" for value in (self.accuracy_at_1, self.recall_at_3, self.mrr, self.answered)),
        )


def judge(queries: Sequence[Query], retriever: Retriever, encoder: Encoder) -> list[Judged]:
    """Search for every query."""
    texts = [canonical(query.text, cantonese=True) for query in queries]
    vectors = encoder.encode_query(texts)
    results = []
    for query, text, vector in zip(queries, texts, vectors, strict=True):
        found = retriever.search(text, vector, top_k=RANKS)
        results.append(Judged(query, tuple(hit.service.code for hit in found.hits), found.verdict))
    return results


def score(judged: Iterable[Judged]) -> Score:
    """The figures of judged queries."""
    rows = list(judged)
    ranks = [row.rank for row in rows]
    count = max(1, len(rows))
    return Score(
        len(rows),
        sum(rank == 0 for rank in ranks) / count,
        sum(rank is not None and rank < 3 for rank in ranks) / count,
        sum(1 / (rank + 1) for rank in ranks if rank is not None) / count,
        sum(row.verdict is Verdict.ANSWERED for row in rows) / count,
    )


def scores_by(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, Score]:
    """The figures by a property of the query."""
    names = sorted({key(row) for row in judged})
    return {name: score(row for row in judged if key(row) == name) for name in names}
