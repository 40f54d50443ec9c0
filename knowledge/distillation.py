"""Distilling the teacher's space into the rows of a static encoder: batches, loss, optimiser."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from knowledge.encoder import Vectors
from knowledge.vocabulary import Vocabulary

Rows = NDArray[np.int64]

TEMPERATURE = 0.05  # of the similarity rows
KL_SHARE = 0.2
CONTRAST_SHARE = 0.1
CONTRAST_SCALE = 20.0
SAME_MEANING = 0.9  # teacher cosine above which another English text is no negative


@dataclass(frozen=True)
class Bags:
    """Texts as bags of weighted rows, stored one behind the other; bag i ends at ends[i]."""

    rows: Rows
    weights: Vectors
    ends: Rows

    @classmethod
    def read(cls, vocabulary: Vocabulary, texts: Sequence[str]) -> Self:
        rows: list[int] = []
        weights: list[float] = []
        ends: list[int] = []
        for text in texts:
            text_rows, text_weights = vocabulary.read(text)
            rows += text_rows
            weights += text_weights
            ends.append(len(rows))
        return cls(
            np.array(rows, dtype=np.int64),
            np.array(weights, dtype=np.float32),
            np.array(ends, dtype=np.int64),
        )

    def take(self, places: Rows) -> "Bags":
        """The bags at `places`, in that order."""
        starts = np.concatenate(([0], self.ends[:-1]))[places]
        sizes = self.ends[places] - starts
        ends = np.cumsum(sizes)
        inside = np.arange(ends[-1]) - np.repeat(ends - sizes, sizes)
        picked = np.repeat(starts, sizes) + inside
        return Bags(self.rows[picked], self.weights[picked], ends)

    def followed_by(self, other: "Bags") -> "Bags":
        return Bags(
            np.concatenate((self.rows, other.rows)),
            np.concatenate((self.weights, other.weights)),
            np.concatenate((self.ends, other.ends + len(self.rows))),
        )


@dataclass(frozen=True)
class TrainingSet:
    """Bags and the index of each bag's target row.

    Pair i is the Chinese bag `chinese`[i] and the English bag `english`[i], one target.
    """

    chinese: Bags
    english: Bags
    singles: Bags
    pair_targets: Rows
    single_targets: Rows
    targets: Vectors  # normalised teacher rows


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn; the rate falls linearly to zero."""

    steps: int
    pairs: int
    singles: int
    rate: float


def distil(
    start: Vectors,
    training: TrainingSet,
    schedule: Schedule,
    seed: int,
    report: Callable[[int, float], None],
) -> Vectors:
    """Learn the table of shape (rows, dimension) that begins as `start`.

    `report` gets the step and its loss after every step.
    """
    table = torch.from_numpy(start.copy())
    optimiser = RowAdam(table)
    targets = torch.from_numpy(training.targets)
    pair_places = _endless(len(training.pair_targets), schedule.pairs, seed)
    single_places = _endless(len(training.single_targets), schedule.singles, seed + 1)
    for step in range(schedule.steps):
        pairs, singles = next(pair_places), next(single_places)
        bags = training.chinese.take(pairs).followed_by(training.english.take(pairs))
        bags = bags.followed_by(training.singles.take(singles))
        wanted = np.concatenate((np.tile(training.pair_targets[pairs], 2), training.single_targets[singles]))
        used, local = np.unique(bags.rows, return_inverse=True)
        used_rows = torch.from_numpy(used)
        leaf = table[used_rows].requires_grad_()
        loss = distillation_loss(_pool(leaf, local, bags), targets[torch.from_numpy(wanted)], schedule.pairs)
        (gradient,) = torch.autograd.grad(loss, leaf)
        optimiser.update(used_rows, gradient, schedule.rate * (1 - step / schedule.steps))
        report(step + 1, float(loss.detach()))
    return np.asarray(table.numpy(), dtype=np.float32)


def distillation_loss(students: torch.Tensor, targets: torch.Tensor, pairs: int) -> torch.Tensor:
    """Distance to the target + KL of similarity rows + contrast of the translations.

    Both tensors have shape (2 pairs + singles, dimension), rows normalised; the first
    `pairs` rows are Chinese, the next `pairs` their English translations.
    """
    distance = (1 - (students * targets).sum(dim=1)).mean()
    return (
        distance
        + KL_SHARE * _similarity_loss(students, targets)
        + CONTRAST_SHARE * (_contrast(students[:pairs], students[pairs : 2 * pairs], targets[:pairs]))
    )


def _similarity_loss(students: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """KL from the teacher's to the student's similarities of each text to all others."""
    itself = torch.eye(len(students), dtype=torch.bool)
    taught = (targets @ targets.T / TEMPERATURE).masked_fill(itself, -1e4)
    learnt = (students @ students.T / TEMPERATURE).masked_fill(itself, -1e4)
    return functional.kl_div(
        functional.log_softmax(learnt, dim=1),
        functional.log_softmax(taught, dim=1),
        reduction="batchmean",
        log_target=True,
    )


def _contrast(chinese: torch.Tensor, english: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Multiple negatives ranking both ways, near-duplicates masked."""
    same = (targets @ targets.T > SAME_MEANING) & ~torch.eye(len(targets), dtype=torch.bool)
    scores = (CONTRAST_SCALE * chinese @ english.T).masked_fill(same, -1e4)
    right = torch.arange(len(scores))
    forth = functional.cross_entropy(scores, right)
    return (forth + functional.cross_entropy(scores.T, right)) / 2


def _pool(leaf: torch.Tensor, local: Rows, bags: Bags) -> torch.Tensor:
    starts = np.concatenate(([0], bags.ends[:-1]))
    sums = functional.embedding_bag(
        torch.from_numpy(local),
        leaf,
        torch.from_numpy(starts),
        mode="sum",
        per_sample_weights=torch.from_numpy(bags.weights),
    )
    return functional.normalize(sums, dim=1)


def _endless(size: int, batch: int, seed: int) -> Iterator[Rows]:
    """Batches of places from one shuffle after the other."""
    generator = np.random.default_rng(seed)
    while True:
        order = generator.permutation(size)
        for start in range(0, size - batch + 1, batch):
            yield order[start : start + batch]


class RowAdam:
    """Adam that touches only the rows of a batch, with one second moment a row."""

    FIRST, SECOND, EPSILON = 0.9, 0.99, 1e-8

    def __init__(self, table: torch.Tensor) -> None:
        self._table = table
        self._first = torch.zeros_like(table)
        self._second = torch.zeros(len(table))
        self._updates = torch.zeros(len(table))

    def update(self, rows: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Move `rows` of the table, in place, against `gradient` (same number of rows)."""
        self._updates[rows] += 1
        count = self._updates[rows]
        first = self.FIRST * self._first[rows] + (1 - self.FIRST) * gradient
        second = self.SECOND * self._second[rows] + (1 - self.SECOND) * gradient.square().mean(1)
        self._first[rows], self._second[rows] = first, second
        length = (second / (1 - self.SECOND**count)).sqrt() + self.EPSILON
        step = rate / (length * (1 - self.FIRST**count))
        self._table[rows] -= step[:, None] * first
