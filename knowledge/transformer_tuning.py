"""Tuning the distilled transformer on our own queries: one service near itself, far from its neighbours."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from knowledge.catalogue import read_catalogue
from knowledge.normal import canonical
from knowledge.pieces import Pieces
from knowledge.queries import LANGUAGES, read_training_queries
from knowledge.transformer_training import (
    LONGEST_TEXT,
    Lesson,
    Rows,
    Schedule,
    Student,
    distillation_loss,
    endless,
    neighbours,
)
from knowledge.vectors import Vectors

SERVICES = 32  # of a batch
RELATED = 3  # neighbours that a service brings along
PHRASES = 2  # of a service and language
TEMPERATURE = 0.07
CONTRAST_SHARE = 0.3
CATALOGUE = "catalogue"  # the author of names and aliases


@dataclass(frozen=True)
class Phrase:
    """Something people say for a service."""

    text: str
    author: str


@dataclass(frozen=True)
class Phrasebook:
    """Phrases by service and language, and each service's neighbours."""

    phrases: Mapping[tuple[str, str], Sequence[Phrase]]
    related: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, without_author: str = "") -> Phrasebook:
        """The training queries and the catalogue's names; never the eval files."""
        phrases: dict[tuple[str, str], list[Phrase]] = {}
        related: dict[str, Sequence[str]] = {}
        for service in read_catalogue():
            related[service.code] = service.related
            for language in LANGUAGES:
                names = [service.name, service.everyday_name, service.description]
                texts = [name.in_language(language) for name in names if name is not None]
                texts += service.aliases.en if language == "en" else [*service.aliases.zh, *service.aliases.yue]
                phrases[service.code, language] = [Phrase(canonical(text), CATALOGUE) for text in texts]
        for query in read_training_queries():
            if query.author != without_author:
                phrase = Phrase(canonical(query.text, cantonese=True), query.author)
                phrases[query.code, query.language].append(phrase)
        return cls(phrases, related)

    def batches(self, chance: random.Random) -> Iterator[tuple[list[str], Rows]]:
        """Texts and the number of each one's service: some services with their neighbours, several authors each."""
        codes = list(self.related)
        while True:
            chosen: dict[str, None] = {}
            while len(chosen) < min(SERVICES, len(codes)):
                code = chance.choice(codes)
                near = [one for one in self.related[code] if one in self.related]
                chosen.update(dict.fromkeys([code, *chance.sample(near, min(RELATED, len(near)))]))
            texts: list[str] = []
            owners: list[int] = []
            for number, code in enumerate(list(chosen)[:SERVICES]):
                for language in LANGUAGES:
                    picked = self._pick(code, language, chance)
                    texts += picked
                    owners += [number] * len(picked)
            yield texts, np.array(owners)

    def _pick(self, code: str, language: str, chance: random.Random) -> list[str]:
        """Some phrases of a service, by different authors where there are any."""
        phrases = self.phrases[code, language]
        authors = sorted({phrase.author for phrase in phrases})
        chosen = chance.sample(authors, min(PHRASES, len(authors)))
        return [chance.choice([phrase.text for phrase in phrases if phrase.author == author]) for author in chosen]


def tune(
    student: Student,
    pieces: Pieces,
    book: Phrasebook,
    lessons: Sequence[Lesson],
    targets: Vectors,
    sentences: int,
    schedule: Schedule,
    seed: int,
    report: Callable[[int, float, float], None],
) -> None:
    """Steps on our own queries and, in turn with them, steps of the distillation, so that nothing is forgotten."""
    bank, near = torch.from_numpy(targets), neighbours(targets, sentences)
    generator, chance = np.random.default_rng(seed), random.Random(seed)
    replay, own = endless(pieces, lessons, seed + 1), book.batches(chance)
    for step in range(schedule.steps):
        pace = min(1.0, (step + 1) / (0.1 * schedule.steps)) * (1 - step / schedule.steps)
        if step % 2:
            batch = next(replay)
            made, used, leaf = student.encode(batch.rows)
            loss = distillation_loss(made, batch.targets, bank, near, generator)
        else:
            texts, owners = next(own)
            rows, filled, kept = padded([pieces.read(text, LONGEST_TEXT) for text in texts])
            made, used, leaf = student.encode(rows, filled)
            loss = CONTRAST_SHARE * contrast(made, torch.from_numpy(owners[kept]))
        student.learn(loss, used, leaf, (schedule.body_rate * pace, schedule.row_rate * pace))
        report(step + 1, float(loss.detach()), (step + 1) / schedule.steps)


def contrast(made: torch.Tensor, owners: torch.Tensor) -> torch.Tensor:
    """How unsurely each text finds the other texts of its service among all of the batch."""
    itself = torch.eye(len(made), dtype=torch.bool)
    same = (owners[:, None] == owners[None, :]) & ~itself
    shares = functional.log_softmax((made @ made.T / TEMPERATURE).masked_fill(itself, -1e4), dim=1)
    return -((shares * same).sum(dim=1) / same.sum(dim=1).clamp(min=1)).mean()


def padded(texts: Sequence[Sequence[int]]) -> tuple[Rows, NDArray[np.bool_], Rows]:
    """Piece rows filled up to one length, where they are real, and the places of the texts that have any."""
    kept = np.array([place for place, rows in enumerate(texts) if rows])
    length = max(len(texts[place]) for place in kept)
    rows = np.zeros((len(kept), length), dtype=np.int64)
    filled = np.zeros((len(kept), length), dtype=bool)
    for number, place in enumerate(kept):
        rows[number, : len(texts[place])] = texts[place]
        filled[number, : len(texts[place])] = True
    return rows, filled, kept
