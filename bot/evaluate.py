"""The labelled evaluation sentences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

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
