"""Queued messages that ask alike, gathered, with the services nearest to each gathering."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.content_check import plain
from bot.language import detect
from bot.learning.queue import QueueEntry
from knowledge.encoder import Encoder
from knowledge.index import Index
from knowledge.normal import canonical

LEAST_ALIKE = 0.6
SHOWN_SERVICES = 3
FAR_QUANTILE = 0.75


@dataclass(frozen=True)
class Message:
    """One distinct text of the queue: how often it came, why, and the services its senders refused."""

    text: str
    language: str
    count: int
    reasons: tuple[str, ...]
    refused: frozenset[str]


@dataclass(frozen=True)
class Near:
    """A service and the mean cosine of its nearest text to the messages of a cluster."""

    code: str
    similarity: float


@dataclass(frozen=True)
class Cluster:
    """Messages that ask alike, most frequent first, and the nearest services that were not refused."""

    messages: tuple[Message, ...]
    nearest: tuple[Near, ...]

    @property
    def size(self) -> int:
        """How many turns it stands for."""
        return sum(message.count for message in self.messages)

    def reasons(self) -> Counter[str]:
        """How often each reason brought a message here."""
        return Counter(reason for message in self.messages for reason in message.reasons)


def messages_of(entries: Iterable[QueueEntry]) -> tuple[Message, ...]:
    """The distinct texts of entries, compared in normal form, in the order they first came."""
    alike: dict[str, list[QueueEntry]] = {}
    for entry in entries:
        alike.setdefault(plain(entry.text), []).append(entry)
    return tuple(
        Message(
            group[0].text,
            group[0].language,
            len(group),
            tuple(str(entry.reason) for entry in group),
            frozenset(service.code for entry in group for service in entry.services if service.refused),
        )
        for group in alike.values()
    )


def clusters_of(messages: Sequence[Message], encoder: Encoder, index: Index) -> tuple[Cluster, ...]:
    """Gather messages by the cosine of their vectors (average linkage); the largest gathering first."""
    if not messages:
        return ()
    vectors = encoder.encode_query([_canonical(message.text) for message in messages])
    labels = _labels(vectors)
    found = []
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label).tolist()
        own = sorted((messages[row] for row in rows), key=lambda message: (-message.count, message.text))
        scores = np.mean([index.dense_scores(vectors[row])[0] for row in rows], axis=0)
        refused = frozenset[str]().union(*(message.refused for message in own))
        order = [place for place in np.argsort(-scores, kind="stable") if index.codes[place] not in refused]
        near = tuple(Near(index.codes[place], float(scores[place])) for place in order[:SHOWN_SERVICES])
        found.append(Cluster(tuple(own), near))
    return tuple(sorted(found, key=lambda cluster: (-cluster.size, cluster.messages[0].text)))


def reach(uncovered: Sequence[str], encoder: Encoder, index: Index) -> float:
    """How near a service a text must be to be likely its own: nearer than three in four of those known to have none."""
    if not uncovered:
        return LEAST_ALIKE
    vectors = encoder.encode_query([_canonical(text) for text in uncovered])
    return float(np.quantile([index.dense_scores(vector)[0].max() for vector in vectors], FAR_QUANTILE))


def _labels(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    if len(vectors) == 1:
        return np.zeros(1, dtype=np.int64)
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    library: Any = importlib.import_module("sklearn.cluster")  # here, as no server needs it
    model = library.AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - LEAST_ALIKE
    )
    return np.asarray(model.fit_predict(distances), dtype=np.int64)


def _canonical(text: str) -> str:
    return canonical(text, detect(text).cantonese)
