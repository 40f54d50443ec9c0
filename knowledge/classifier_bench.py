"""Our classifier against character TF-IDF with a linear SVM, trained and tested on the same lines in one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from knowledge.encoder import Encoder
from knowledge.figures import LEVEL, Interval
from knowledge.linear_head import LinearHead, train_head
from knowledge.normal import canonical
from knowledge.public_sets import Example, PublicSet, bucket
from knowledge.trainer import RememberingEncoder

DENSE_WEIGHTS, COST = (0.5, 1.0, 2.0), 0.5
RESAMPLES = 1000
AUROC_RESAMPLES = 300
SEED = 7
Labels = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """What one classifier said: the class of each test text, and how sure it was of test and outside texts."""

    labels: Labels
    sureness: Scores
    sureness_outside: Scores


@dataclass(frozen=True)
class Compared:
    """One measure on one set: ours, the baseline's, and the paired difference."""

    set_name: str
    measure: str
    train: int
    test: int
    ours: float
    baseline: float
    gain: Interval


def compare(public: PublicSet, encoder: Encoder) -> list[Compared]:
    """Both classifiers on one set: accuracy, macro-F1, and AUROC where there are outside texts."""
    names = sorted({example.label for example in public.train})
    place = {name: number for number, name in enumerate(names)}
    truth = np.array([place[example.label] for example in public.test], dtype=np.int64)
    ours, baseline = our_answers(public, encoder, place), baseline_answers(public, place)
    measures: list[tuple[str, Callable[[Labels, NDArray[np.int64]], float]]] = [
        ("accuracy", lambda found, rows: float((found[rows] == truth[rows]).mean())),
        ("macro-F1", lambda found, rows: macro_f1(truth[rows], found[rows], len(names))),
    ]
    everything = np.arange(len(truth))
    lines = []
    for measure, score in measures:
        gain = _resampled(
            lambda rows, score=score: score(ours.labels, rows) - score(baseline.labels, rows),  # type: ignore[misc]
            len(truth),
            RESAMPLES,
        )
        one, other = score(ours.labels, everything), score(baseline.labels, everything)
        lines.append(Compared(public.name, measure, len(public.train), len(public.test), one, other, gain))
    if public.outside:
        lines.append(_auroc(public, ours, baseline))
    return lines


def our_answers(public: PublicSet, encoder: Encoder, place: dict[str, int]) -> Answers:
    """The product's head, the weight of its vectors chosen on a part of the training lines."""
    remembering = RememberingEncoder(encoder, encoder.name)
    head = _head(public.train, remembering, _dense_weight(public.train, remembering))
    order = np.array([place[label] for label in head.labels])

    def margins(raw: list[str]) -> Scores:
        clean = [canonical(text, cantonese=True) for text in raw]
        rows = [head.margins(text, vector) for text, vector in zip(clean, remembering.encode_query(clean), strict=True)]
        return np.array(rows, dtype=np.float32).reshape(len(raw), len(order))

    found = margins([example.text for example in public.test])
    return Answers(
        order[found.argmax(axis=1)], found.max(axis=1), margins(list(public.outside)).max(axis=1, initial=-9)
    )


def _head(examples: Sequence[Example], encoder: Encoder, dense_weight: float) -> LinearHead:
    texts = [canonical(example.text, cantonese=True) for example in examples]
    return train_head(texts, [example.label for example in examples], encoder, dense_weight, COST, calibrated=False)


def _dense_weight(examples: Sequence[Example], encoder: Encoder) -> float:
    """The weight that is right most often on the training lines held out from an inner fit."""
    held_out = [example for example in examples if bucket(f"inner {example.key}") == 0]
    learnt = [example for example in examples if bucket(f"inner {example.key}") != 0]
    clean = [canonical(example.text, cantonese=True) for example in held_out]
    rows = list(zip(clean, encoder.encode_query(clean), [example.label for example in held_out], strict=True))

    def right(weight: float) -> int:
        head = _head(learnt, encoder, weight)
        return sum(head.labels[int(head.margins(text, vector).argmax())] == label for text, vector, label in rows)

    return max(DENSE_WEIGHTS, key=right)


def baseline_answers(public: PublicSet, place: dict[str, int]) -> Answers:
    """Character 1-3-grams, TF-IDF, LinearSVC."""
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32)
    rows = vectoriser.fit_transform([example.text for example in public.train])
    model = LinearSVC(random_state=SEED).fit(rows, [place[example.label] for example in public.train])

    def margins(texts: list[str]) -> Scores:
        if not texts:
            return np.zeros((0, len(place)), dtype=np.float32)
        found = model.decision_function(vectoriser.transform(texts))
        return np.asarray(found if found.ndim == 2 else np.stack([-found, found], axis=1), dtype=np.float32)

    found = margins([example.text for example in public.test])
    labels = np.asarray(model.classes_)[found.argmax(axis=1)]
    return Answers(labels, found.max(axis=1), margins(list(public.outside)).max(axis=1, initial=-9))


def macro_f1(truth: Labels, found: Labels, classes: int) -> float:
    """The mean F1 of the classes that occur."""
    hits = np.bincount(truth[truth == found], minlength=classes)
    counts = np.bincount(truth, minlength=classes) + np.bincount(found, minlength=classes)
    occurring = counts > 0
    return float((2 * hits[occurring] / counts[occurring]).mean())


def _auroc(public: PublicSet, ours: Answers, baseline: Answers) -> Compared:
    """How well sureness tells the classes' texts from outside ones."""
    inside = np.array([1] * len(public.test) + [0] * len(public.outside))
    both = [np.concatenate([answers.sureness, answers.sureness_outside]) for answers in (ours, baseline)]

    def area(scores: Scores, rows: NDArray[np.int64]) -> float:
        return float(roc_auc_score(inside[rows], scores[rows])) if len(set(inside[rows])) == 2 else 0.5

    gain = _resampled(lambda rows: area(both[0], rows) - area(both[1], rows), len(inside), AUROC_RESAMPLES)
    one, other = (area(scores, np.arange(len(inside))) for scores in both)
    return Compared(public.name, "outside AUROC", len(public.train), len(inside), one, other, gain)


def _resampled(difference: Callable[[NDArray[np.int64]], float], count: int, resamples: int) -> Interval:
    """The difference over all rows with its 95 % bootstrap interval."""
    draw = np.random.default_rng(SEED)
    values = [difference(draw.integers(0, count, count)) for _ in range(resamples)]
    tail = (100 - LEVEL) / 2
    low, high = np.percentile(values, (tail, 100 - tail))
    return Interval(difference(np.arange(count)), float(low), float(high))
