"""Measures any encoder on the held-back sets, in one run: retrieval between languages, intents, speed, size."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from knowledge.encoder import MODELS, Encoder, Vectors, load_encoder
from knowledge.encoder_corpus import Corpus, Example, Pair, read_corpus
from knowledge.encoder_sets import Labelled, read_banking, read_clinc

SEED = 7
TIMED = 400  # queries
HAN_PLACE, ENGLISH_PLACE = "zh-CN", "en-US"
FOLDERS = {"builtin": ("static", "transformer"), "static": ("static",), "transformer": ("transformer",)}
Figures = Iterator[tuple[str, float]]


@dataclass(frozen=True)
class Sets:
    """What is measured on; the classical features are computed once for all encoders."""

    corpus: Corpus
    labelled: dict[str, Labelled]

    @classmethod
    def read(cls, data: Path) -> Sets:
        """Raises FileNotFoundError where the data sets are missing."""
        corpus = read_corpus(data)
        labelled = {
            f"MASSIVE intents {place[:2]}": Labelled(
                tuple(corpus.intents_train[place]), tuple(corpus.intents_held_back[place])
            )
            for place in (HAN_PLACE, ENGLISH_PLACE)
        }
        return cls(corpus, {**labelled, "CLINC150": read_clinc(data), "BANKING77": read_banking(data)})

    @cached_property
    def terms(self) -> dict[str, tuple[csr_matrix, csr_matrix, csr_matrix]]:
        """TF-IDF of character 1-3-grams of each set's train, test and outside texts."""
        found = {}
        for name, labelled in self.labelled.items():
            vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
            train = vectoriser.fit_transform(_texts(labelled.train))
            test = vectoriser.transform(_texts(labelled.test))
            found[name] = (train, test, vectoriser.transform(labelled.outside or [""]))
        return found


def measure(name: str, sets: Sets) -> Figures:
    """Name and value of every figure of an encoder; percent unless the name says otherwise."""
    began = time.perf_counter()
    encoder = load_encoder(name)
    encoder.encode_query(["warm up"])
    loading = time.perf_counter() - began
    pairs = sets.corpus.held_back["MASSIVE dev"][:TIMED]
    # Timed first: the built-in encoder remembers texts it has seen.
    times = [milliseconds(encoder, [pair[side] for pair in pairs]) for side in (0, 1)]
    yield from retrieval(encoder, sets.corpus)
    for title, labelled in sets.labelled.items():
        yield from intents(encoder, title, labelled, sets.terms[title])
    yield "ms a short zh query (CPU, median)", times[0]
    yield "ms a short en query (CPU, median)", times[1]
    yield "load, s", loading
    yield "size, MB", size(name)


def terms_alone(sets: Sets) -> Figures:
    """The figures of the classical features without any encoder."""
    for title, labelled in sets.labelled.items():
        train, test, _outside = sets.terms[title]
        yield f"{title}", _accuracy(train, test, labelled)[0]


def retrieval(encoder: Encoder, corpus: Corpus) -> Figures:
    """Nearest text in the other language, both ways, on the held-back pairs."""
    for name, pairs in corpus.held_back.items():
        chinese = encoder.encode_query([pair[0] for pair in pairs])
        english = encoder.encode_document([pair[1] for pair in pairs])
        yield f"{name} zh>en", first_hits(chinese, english, pairs)
        yield f"{name} en>zh", first_hits(english, chinese, [pair[::-1] for pair in pairs])


def first_hits(queries: Vectors, documents: Vectors, pairs: Sequence[Pair]) -> float:
    """Share (%) of queries whose nearest document is theirs; equal texts count as equal."""
    nearest = (queries @ documents.T).argmax(axis=1)
    hits = [
        pairs[found][1] == pair[1] or pairs[found][0] == pair[0] for found, pair in zip(nearest, pairs, strict=True)
    ]
    return 100 * float(np.mean(hits))


def intents(
    encoder: Encoder, title: str, labelled: Labelled, terms: tuple[csr_matrix, csr_matrix, csr_matrix]
) -> Figures:
    """Accuracy of a linear head on TF-IDF and dense features joined; how well its margin tells texts out of scope."""
    dense = [encoder.encode_query(texts) for texts in (_texts(labelled.train), _texts(labelled.test))]
    joined = [hstack([sparse, csr_matrix(rows)]).tocsr() for sparse, rows in zip(terms, dense, strict=False)]
    accuracy, model = _accuracy(joined[0], joined[1], labelled)
    yield f"{title}, joined head", accuracy
    if labelled.outside:
        outside = hstack([terms[2], csr_matrix(encoder.encode_query(labelled.outside))]).tocsr()
        inside_margins, outside_margins = (model.decision_function(rows).max(axis=1) for rows in (joined[1], outside))
        truth = [1] * len(inside_margins) + [0] * len(outside_margins)
        yield f"{title}, OOS AUROC", 100 * roc_auc_score(truth, np.concatenate([inside_margins, outside_margins]))


def milliseconds(encoder: Encoder, texts: Sequence[str]) -> float:
    """Median processor time of encoding one text that was not seen before."""
    times = []
    for text in dict.fromkeys(texts):
        began = time.process_time()
        encoder.encode_query([text])
        times.append(1000 * (time.process_time() - began))
    return float(np.median(times))


def size(name: str) -> float:
    """Megabytes of a model's folders; 0 for one that is known by name only."""
    folders = [MODELS / part for part in FOLDERS[name]] if name in FOLDERS else [Path(name)]
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file()) / 1e6


def _accuracy(train: csr_matrix | Vectors, test: csr_matrix | Vectors, labelled: Labelled) -> tuple[float, LinearSVC]:
    model = LinearSVC(C=1.0, random_state=SEED).fit(train, [example.label for example in labelled.train])
    return 100 * float(model.score(test, [example.label for example in labelled.test])), model


def _texts(examples: Sequence[Example]) -> list[str]:
    return [example.text for example in examples]
