"""The search index: FAISS over vectors of every text of a service, BM25 beside it, and a linear head.

A city's own few hundred services get exact vectors and the head. A catalogue of thousands gets vectors in cells and
no head: training one takes minutes there, and a head of centroids, measured on 6,100 items, added nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bm25s
import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Catalogue, Service, ServiceCode
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead, load_head, train_head
from knowledge.normal import canonical
from knowledge.queries import Query
from knowledge.words import search_terms

Scores = NDArray[np.float32]
NEIGHBOURS = 60
HEAD_COST = 0.5
UNCOVERED = "none"
HEAD_FILE = "head.joblib"
DENSE_WEIGHT = 2.0
MAX_HEAD_CLASSES = 600
MAX_EXACT_TEXTS = 20_000
TEXTS_A_CELL = 60
PROBED_SHARE = 0.06


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

    def __post_init__(self) -> None:
        faiss.omp_set_num_threads(1)

    def dense_scores(self, vector: Scores) -> Scores:
        """Best cosine of any text of each service, shape (services,); 0 beyond the nearest texts."""
        scores = np.zeros(len(self.codes), dtype=np.float32)
        similarities, rows = self.vectors.search(vector[None, :], NEIGHBOURS)
        found = rows[0] >= 0
        np.maximum.at(scores, self.owner[rows[0][found]], similarities[0][found])
        return scores

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

    def head_scores(self, text: str, vector: Scores) -> tuple[Scores, float] | None:
        """Margins of the head in the order of `codes`, and that of having no service; None where there is no head.

        The margin of no service is -inf for a head that learnt none.
        """
        if self.head is None:
            return None
        margins = self.head.margins(text, vector)
        if UNCOVERED not in self.head.labels:
            return margins, float("-inf")
        own = self.head.labels.index(UNCOVERED)
        return np.delete(margins, own), float(margins[own])


def documents_of(service: Service) -> Iterable[str]:
    """The catalogue's own texts of a service that are searched."""
    names = (service.name,) if service.everyday_name == service.name else (service.name, service.everyday_name)
    about = (service.description,) if service.description else ()
    texts = [text for name in names for text in (name.zh, name.en)]
    texts += [*service.aliases.all(), *(text for one in about for text in (one.zh, one.en))]
    return [text for text in texts if text]


def fingerprint(catalogue: Catalogue, queries: Sequence[Query], uncovered: Sequence[str], encoder: str) -> str:
    """A digest of all that an index is built from."""
    digest = hashlib.sha256(encoder.encode())
    for service in catalogue:
        digest.update("\n".join((service.code, *documents_of(service))).encode())
    for query in queries:
        digest.update(f"{query.code}\t{query.text}\n".encode())
    digest.update("\n".join(uncovered).encode())
    return digest.hexdigest()


def build_index(
    catalogue: Catalogue,
    queries: Sequence[Query],
    uncovered: Sequence[str],
    encoder: Encoder,
    progress: Callable[[str], None] = lambda step: None,
) -> Index:
    """Index every service's texts and training sentences; `uncovered` are needs no service answers."""
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
    texts = [document.text for document in documents] + [canonical(text, cantonese=True) for text in uncovered]
    labels = [str(document.code) for document in documents] + [UNCOVERED] * len(uncovered)
    many = len(codes) > MAX_HEAD_CLASSES
    head = None if many else train_head(texts, labels, encoder, DENSE_WEIGHT, HEAD_COST, calibrated=False)
    owner = np.array([place[document.code] for document in documents], dtype=np.int64)
    return Index(codes, tuple(documents), owner, vectors, lexical, head)


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
    rows = [[document.code, document.text] for document in index.documents]
    content = {"fingerprint": mark, "codes": index.codes, "documents": rows}
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
    )
