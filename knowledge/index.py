"""The search index: FAISS over vectors of every text of a service, BM25 beside it, and a linear head.

A city's own few hundred services get exact vectors and the head. A catalogue of thousands gets vectors in cells and
no head: training one takes minutes there, and a head of centroids, measured on 6,100 items, added nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import bm25s
import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Catalogue, Service, ServiceCode
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead, load_head, train_head
from knowledge.normal import canonical
from knowledge.queries import STRANGERS, Query, Stranger
from knowledge.words import search_terms

Scores = NDArray[np.float32]
NEIGHBOURS = 200
HEAD_COST = 0.5
HEAD_FILE, STRANGERS_FILE = "head.joblib", "strangers.npy"
DENSE_WEIGHT = 2.0
MAX_HEAD_CLASSES = 600
MAX_EXACT_TEXTS = 20_000
TEXTS_A_CELL = 60
PROBED_SHARE = 0.03


@dataclass(frozen=True)
class Document:
    """One text of a service as it stands in the index."""

    code: ServiceCode
    text: str


@dataclass(frozen=True)
class Index:
    """Everything search needs, for one catalogue and one encoder."""

    codes: tuple[ServiceCode, ...]
    documents: tuple[Document, ...]
    owner: NDArray[np.int64]
    vectors: faiss.Index
    lexical: bm25s.BM25
    head: LinearHead | None
    strangers: Scores
    kinds: tuple[str, ...]
    encoder: str

    def __post_init__(self) -> None:
        faiss.omp_set_num_threads(1)

    def dense_scores(self, vector: Scores) -> tuple[Scores, Scores]:
        """Cosine of each service's best text, and the mean of its best and the next two, shape (services,) each.

        A text beyond the nearest counts as near as the last of them.
        """
        similarities, rows = self.vectors.search(vector[None, :], min(NEIGHBOURS, len(self.documents)))
        found = rows[0] >= 0
        near, owners = similarities[0][found], self.owner[rows[0][found]]
        best = np.full((3, len(self.codes)), near[-1] if len(near) else 0, dtype=np.float32)
        order = np.argsort(owners, kind="stable")
        owners, near = owners[order], near[order]
        rank = np.arange(len(owners)) - np.searchsorted(owners, owners)
        for place in range(3):
            best[place, owners[rank == place]] = near[rank == place]
        return best[0], best.mean(axis=0)

    @cached_property
    def _strangers_of(self) -> dict[str, slice]:
        """Where the sentences of each kind lie; they are kept together."""
        found: dict[str, slice] = {}
        for place, kind in enumerate(self.kinds):
            start = found[kind].start if kind in found else place
            found[kind] = slice(start, place + 1)
        return found

    @cached_property
    def _service_rows(self) -> NDArray[np.bool_]:
        """Which labels of the head are services."""
        labels = self.head.labels if self.head is not None else ()
        return np.array([label not in STRANGERS for label in labels], dtype=bool)

    def stranger_scores(self, vector: Scores) -> dict[str, float]:
        """Cosine of the nearest sentence of each kind that no service answers."""
        similarities = self.strangers @ vector
        return {kind: float(similarities[rows].max()) for kind, rows in self._strangers_of.items()}

    def term_weights(self, terms: Iterable[str]) -> dict[str, float]:
        """How much each term distinguishes services: its inverse frequency among them; the most for a term of none."""
        ends = self.lexical.scores["indptr"]
        vocabulary, count = self.lexical.vocab_dict, len(self.codes)
        known = ((term, vocabulary.get(term)) for term in terms)
        return {
            term: math.log(1 + count / (1 + (0 if row is None else int(ends[row + 1] - ends[row]))))
            for term, row in known
        }

    def coverage(self, weights: Mapping[str, float]) -> tuple[Scores, float]:
        """The share of the terms' weight found in each service's texts, shape (services,), and in any's."""
        scores, vocabulary = self.lexical.scores, self.lexical.vocab_dict
        total = sum(weights.values())
        held = np.zeros(len(self.codes), dtype=np.float32)
        anywhere = 0.0
        for term, weight in weights.items():
            row = vocabulary.get(term)
            if row is not None:
                held[scores["indices"][scores["indptr"][row] : scores["indptr"][row + 1]]] += weight
                anywhere += weight
        return (held / total, anywhere / total) if total > 0 else (held, 0.0)

    def nearest_documents(self, vector: Scores, count: int) -> list[tuple[Document, float]]:
        """The nearest texts with their cosine, best first."""
        similarities, rows = self.vectors.search(vector[None, :], count)
        pairs = zip(rows[0], similarities[0], strict=True)
        return [(self.documents[row], float(score)) for row, score in pairs if row >= 0]

    def lexical_scores(self, text: str) -> Scores:
        """BM25 of each service's words for a canonical text, shape (services,)."""
        terms = list(search_terms(text))
        if not terms:
            return np.zeros(len(self.codes), dtype=np.float32)
        scores: Scores = self.lexical.get_scores(terms).astype(np.float32)
        return scores

    def head_scores(self, text: str, vector: Scores) -> tuple[Scores, dict[str, float]] | None:
        """Margins of the head in the order of `codes`, and by kind that of no service; None where there is no head."""
        if self.head is None:
            return None
        margins, own = self.head.margins(text, vector), self._service_rows
        names = (label for label in self.head.labels if label in STRANGERS)
        return margins[own], dict(zip(names, map(float, margins[~own]), strict=True))


def documents_of(service: Service) -> Iterable[str]:
    """The catalogue's own texts of a service that are searched."""
    names = (service.name,) if service.everyday_name == service.name else (service.name, service.everyday_name)
    about = (service.description,) if service.description else ()
    texts = [text for name in names for text in (name.zh, name.en)]
    texts += [*service.aliases.all(), *(text for one in about for text in (one.zh, one.en))]
    return [text for text in texts if text]


def fingerprint(catalogue: Catalogue, queries: Sequence[Query], strangers: Sequence[Stranger], encoder: str) -> str:
    """A digest of all that an index is built from."""
    digest = hashlib.sha256(encoder.encode())
    for service in catalogue:
        digest.update("\n".join((service.code, *documents_of(service))).encode())
    for query in queries:
        digest.update(f"{query.code}\t{query.text}\n".encode())
    for stranger in strangers:
        digest.update(f"{stranger.kind}\t{stranger.text}\n".encode())
    return digest.hexdigest()


def build_index(
    catalogue: Catalogue,
    queries: Sequence[Query],
    strangers: Sequence[Stranger],
    encoder: Encoder,
    progress: Callable[[str], None] = lambda step: None,
) -> Index:
    """Index every service's texts and training sentences; `strangers` are sentences no service answers."""
    progress("texts")
    documents = [
        Document(service.code, canonical(text, cantonese=True))
        for service in catalogue
        for text in documents_of(service)
    ]
    documents += [
        Document(ServiceCode(query.code), canonical(query.text, cantonese=True))
        for query in queries
        if query.code in catalogue
    ]
    codes = tuple(sorted(catalogue.services))
    place = {code: number for number, code in enumerate(codes)}
    progress("vectors")
    rows = encoder.encode_document([document.text for document in documents])
    vectors = _vector_index(rows)
    progress("words")
    terms: list[list[str]] = [[] for _ in codes]
    for document in documents:
        terms[place[document.code]].extend(search_terms(document.text))
    lexical = bm25s.BM25()
    lexical.index(terms, show_progress=False)
    progress("head")
    strangers = sorted(strangers, key=lambda stranger: stranger.kind)
    strange = [canonical(stranger.text, cantonese=True) for stranger in strangers]
    kinds = tuple(stranger.kind for stranger in strangers)
    texts = [document.text for document in documents] + strange
    labels = [*(str(document.code) for document in documents), *kinds]
    many = len(codes) > MAX_HEAD_CLASSES
    head = None if many else train_head(texts, labels, encoder, DENSE_WEIGHT, HEAD_COST, calibrated=False)
    owner = np.array([place[document.code] for document in documents], dtype=np.int64)
    apart = encoder.encode_document(strange)
    return Index(codes, tuple(documents), owner, vectors, lexical, head, apart, kinds, encoder.name)


def _vector_index(rows: Scores) -> faiss.Index:
    """Exact search of a few texts; cells of near texts, of which a share is looked at, for many."""
    exact = faiss.IndexFlatIP(rows.shape[1])
    if len(rows) <= MAX_EXACT_TEXTS:
        exact.add(rows)
        return exact
    cells = len(rows) // TEXTS_A_CELL
    vectors = faiss.IndexIVFFlat(exact, rows.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    vectors.train(rows)
    vectors.add(rows)
    vectors.nprobe = max(1, round(cells * PROBED_SHARE))
    return vectors


def save_index(index: Index, folder: Path, mark: str) -> None:
    """Write an index and the fingerprint it was built from."""
    folder.mkdir(parents=True, exist_ok=True)
    faiss.write_index(index.vectors, str(folder / "vectors.faiss"))
    index.lexical.save(folder / "lexical")
    (folder / HEAD_FILE).unlink(missing_ok=True)
    if index.head is not None:
        index.head.save(folder / HEAD_FILE)
    np.save(folder / STRANGERS_FILE, index.strangers)
    rows = [[document.code, document.text] for document in index.documents]
    content = {"fingerprint": mark, "codes": index.codes, "documents": rows, "kinds": index.kinds}
    content["encoder"] = index.encoder
    (folder / "index.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def load_index(folder: Path, mark: str) -> Index | None:
    """The index of a folder, None when there is none or it was built from other content."""
    try:
        content = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if content["fingerprint"] != mark:
        return None
    codes = tuple(content["codes"])
    place = {code: number for number, code in enumerate(codes)}
    documents = tuple(Document(ServiceCode(code), text) for code, text in content["documents"])
    return Index(
        codes,
        documents,
        np.array([place[document.code] for document in documents], dtype=np.int64),
        faiss.read_index(str(folder / "vectors.faiss")),
        bm25s.BM25.load(folder / "lexical", load_corpus=False),
        load_head(folder / HEAD_FILE) if (folder / HEAD_FILE).exists() else None,
        np.load(folder / STRANGERS_FILE),
        tuple(content["kinds"]),
        content["encoder"],
    )
