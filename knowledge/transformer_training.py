"""Distilling the teacher's space into the transformer: batches of equal length, loss, optimiser, checkpoints."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from knowledge.distillation import RowAdam
from knowledge.pieces import Pieces
from knowledge.transformer_body import Body, HalfCopy

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

LONGEST_TEXT = 48  # pieces while training
TOKENS = 2048  # of a batch
LARGEST_BATCH = 384
TEMPERATURE = 0.05
KL_SHARE = 0.2
NEIGHBOURS = 6  # of each target, always among the strangers
STRANGERS = 3072  # further targets that a text is compared with
SHORTEN = 0.12  # how often a Chinese word is cut into smaller parts
SLIP = 0.15  # how often an English text gets a slip of the finger
WARM_UP = 0.04
CLIP = 1.0
SAVE_EVERY = 240.0  # seconds


@dataclass(frozen=True)
class Lesson:
    """Texts that aim at rows of the targets; `repeat` times in a pass, or a share of them below one."""

    texts: Sequence[str]
    targets: Rows
    repeat: float
    english: bool = False


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn: both rates rise over the first steps and fall linearly to zero."""

    steps: int
    body_rate: float
    row_rate: float
    minutes: float = 0.0  # stops earlier, the rates falling with the clock; 0: no limit


@dataclass(frozen=True)
class Batch:
    """Texts of one length as piece rows, shape (texts, length), and their targets' rows."""

    rows: Rows
    targets: Rows


class Student:
    """The weights being learnt: input table, body, and their optimisers."""

    def __init__(self, table: Floats, body: Body, body_rate: float) -> None:
        self.table = torch.from_numpy(table.copy())
        self.half = HalfCopy(body)
        self.body = body
        flat = [p for p in body.parameters() if p.ndim < 2]
        square = [p for p in body.parameters() if p.ndim >= 2]
        groups = [{"params": square, "weight_decay": 0.01}, {"params": flat, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(groups, lr=body_rate, betas=(0.9, 0.98))
        self._rows = RowAdam(self.table)

    def encode(
        self, rows: Rows, filled: NDArray[np.bool_] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Normalised rows of a batch, the table rows it used, and the leaf that holds them."""
        used, local = np.unique(rows, return_inverse=True)
        used_rows = torch.from_numpy(used)
        leaf = self.table[used_rows].requires_grad_()
        inputs = functional.embedding(torch.from_numpy(local.reshape(rows.shape)), leaf)
        mask = None if filled is None else torch.from_numpy(filled)
        return self.half.half(inputs.bfloat16(), mask), used_rows, leaf

    def learn(self, loss: torch.Tensor, used: torch.Tensor, leaf: torch.Tensor, rates: tuple[float, float]) -> None:
        """One step against the loss with the body's and the rows' rate."""
        loss.backward()  # type: ignore[no-untyped-call]
        self.half.hand_over_gradients()
        torch.nn.utils.clip_grad_norm_(self.body.parameters(), CLIP)
        for group in self._optimiser.param_groups:
            group["lr"] = rates[0]
        self._optimiser.step()
        self.half.refresh()
        assert leaf.grad is not None
        self._rows.update(used, leaf.grad, rates[1])

    def save(self, file: Path) -> None:
        """Write table and body; not the optimisers."""
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        torch.save({"table": self.table, "body": self.body.state_dict()}, part)
        part.replace(file)


def distil(
    student: Student,
    pieces: Pieces,
    lessons: Sequence[Lesson],
    targets: Floats,
    sentences: int,
    schedule: Schedule,
    seed: int,
    checkpoint: Path,
    report: Callable[[int, float, float], None],
) -> int:
    """Teach until the schedule ends; give the number of steps.

    `report` gets step, loss and the share done after every step.
    """
    bank = torch.from_numpy(targets)
    near = neighbours(targets, sentences)
    generator = np.random.default_rng(seed)
    began = saved = time.monotonic()
    step, done = 0, 0.0
    for batch in endless(pieces, lessons, seed):
        pace = min(1.0, done / WARM_UP + 0.02) * (1 - done)
        made, used, leaf = student.encode(batch.rows)
        loss = distillation_loss(made, batch.targets, bank, near, generator)
        student.learn(loss, used, leaf, (schedule.body_rate * pace, schedule.row_rate * pace))
        step += 1
        now = time.monotonic()
        done = step / schedule.steps
        if schedule.minutes:
            done = max(done, (now - began) / (60 * schedule.minutes))
        report(step, float(loss.detach()), min(done, 1.0))
        if now - saved > SAVE_EVERY:
            student.save(checkpoint)
            saved = now
        if done >= 1:
            break
    student.save(checkpoint)
    return step


def distillation_loss(
    made: torch.Tensor, wanted: Rows, bank: torch.Tensor, near: Rows, generator: np.random.Generator
) -> torch.Tensor:
    """Distance to the target + KL from the teacher's to the student's likeness to many other targets."""
    strangers = generator.integers(0, len(bank), STRANGERS)
    others = torch.from_numpy(np.unique(np.concatenate([wanted, near[wanted].ravel(), strangers])))
    aims, others = bank[torch.from_numpy(wanted)], bank[others]
    distance = (1 - (made * aims).sum(dim=1)).mean()
    kl = functional.kl_div(
        functional.log_softmax(made @ others.T / TEMPERATURE, dim=1),
        functional.log_softmax(aims @ others.T / TEMPERATURE, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return distance + KL_SHARE * kl


def neighbours(targets: Floats, sentences: int) -> Rows:
    """The nearest other sentences of each, shape (targets, NEIGHBOURS); a word has only itself."""
    bank = torch.from_numpy(targets[:sentences]).bfloat16()
    found: list[torch.Tensor] = []
    for start in range(0, len(bank), 1024):
        likeness = bank[start : start + 1024] @ bank.T
        likeness[torch.arange(len(likeness)), start + torch.arange(len(likeness))] = -2
        found.append(likeness.topk(NEIGHBOURS, dim=1).indices)
    words = torch.arange(sentences, len(targets))[:, None].expand(-1, NEIGHBOURS)
    return np.asarray(torch.cat([*found, words]).numpy(), dtype=np.int64)


def endless(pieces: Pieces, lessons: Sequence[Lesson], seed: int) -> Iterator[Batch]:
    """Batches of one pass after the other, each pass cut and shuffled anew."""
    number = 0
    while True:
        yield from one_pass(pieces, lessons, random.Random(seed * 1000 + number))
        number += 1


def one_pass(pieces: Pieces, lessons: Sequence[Lesson], chance: random.Random) -> list[Batch]:
    """All texts of a pass in batches of equal length."""
    by_length: dict[int, list[tuple[list[int], int]]] = {}
    for lesson in lessons:
        for place, text in enumerate(lesson.texts):
            times = int(lesson.repeat) + (chance.random() < lesson.repeat % 1)
            for _ in range(times):
                said = slip(text, chance) if lesson.english and chance.random() < SLIP else text
                rows = pieces.read(said, LONGEST_TEXT, lambda: chance.random() < SHORTEN)
                if rows:
                    by_length.setdefault(len(rows), []).append((rows, int(lesson.targets[place])))
    batches = []
    for length, items in sorted(by_length.items()):
        chance.shuffle(items)
        size = min(LARGEST_BATCH, TOKENS // length)
        for start in range(0, len(items), size):
            part = items[start : start + size]
            if len(part) >= size // 2:
                batches.append(Batch(np.array([rows for rows, _ in part]), np.array([target for _, target in part])))
    chance.shuffle(batches)
    return batches


def slip(text: str, chance: random.Random) -> str:
    """The text with two neighbouring letters of one longer word swapped, or one letter dropped."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) >= 5 and word.isascii() and word.isalpha()]
    if not long:
        return text
    place = chance.choice(long)
    word = words[place]
    at = chance.randrange(1, len(word) - 2)
    kept = word[at + 1] + word[at] + word[at + 2 :] if chance.random() < 0.6 else word[at + 1 :]
    return " ".join([*words[:place], word[:at] + kept, *words[place + 1 :]])
