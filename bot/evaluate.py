"""How well messages are understood: intents per language, and danger caught against false alarms."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.cases.split import Splitter
from bot.nlu.parse import DANGER, Understanding
from knowledge.queries import NLU_DATA
from knowledge.yaml_file import ContentError

EVAL = NLU_DATA / "eval"
ORDINARY = "ordinary"


@dataclass(frozen=True)
class Labelled:
    """A dev sentence and what it should be read as."""

    text: str
    label: str
    language: str


@dataclass(frozen=True)
class Danger:
    """Danger caught, named rightly, and false alarms, as shares; and what went wrong."""

    caught: float
    named: float
    false_alarms: float
    missed: tuple[Labelled, ...]
    alarmed: tuple[Labelled, ...]


def read_labelled(stem: str, label: str, folder: Path = EVAL) -> tuple[Labelled, ...]:
    """The lines of `<stem>_<author>.jsonl`."""
    found = []
    for path in sorted(folder.glob(f"{stem}_*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            row = json.loads(line)
            if not {"text", label, "language"} <= set(row):
                raise ContentError(path, number, f"needs text, {label} and language")
            found.append(Labelled(row["text"], row[label], row["language"]))
    return tuple(found)


def intent_accuracy(rows: Iterable[Labelled], understanding: Understanding) -> tuple[float, list[tuple[Labelled, str]]]:
    """The share of sentences whose best intent is right, and the wrong ones with what was found."""
    judged = [(row, understanding.parse(row.text).intent) for row in rows]
    wrong = [(row, found) for row, found in judged if row.label != found]
    return 1 - len(wrong) / max(1, len(judged)), wrong


def danger(rows: Iterable[Labelled], understanding: Understanding) -> Danger:
    """Danger against ordinary messages at the threshold the policies use."""
    judged = [(row, found.kind, found.share) for row in rows for found in (understanding.parse(row.text).danger,)]
    real = [(row, kind, share) for row, kind, share in judged if row.label != ORDINARY]
    ordinary = [(row, share) for row, _, share in judged if row.label == ORDINARY]
    missed = tuple(row for row, _, share in real if share < DANGER)
    alarmed = tuple(row for row, share in ordinary if share >= DANGER)
    named = sum(share >= DANGER and kind == row.label for row, kind, share in real)
    return Danger(
        1 - len(missed) / max(1, len(real)),
        named / max(1, len(real)),
        len(alarmed) / max(1, len(ordinary)),
        missed,
        alarmed,
    )


@dataclass(frozen=True)
class SplitScore:
    """Messages of two demands cut in two, and messages of one cut at all, as shares."""

    count: int
    found: float
    false_splits: float


def split_score(language: str, splitter: Splitter, path: Path = EVAL / "two_demands.csv") -> SplitScore:
    """How well the demands of one message are told apart in a language."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["language"] == language]
    two = [len(splitter.split(row["text"])) == 2 for row in rows if row["second"]]
    one = [len(splitter.split(row["text"])) > 1 for row in rows if not row["second"]]
    return SplitScore(len(rows), sum(two) / max(1, len(two)), sum(one) / max(1, len(one)))
