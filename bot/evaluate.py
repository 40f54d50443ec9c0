"""The labelled evaluation sentences, and how well the demands of one message are told apart."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from bot.cases.split import Splitter
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
