"""Written messages with the demands in them: what splitting and reading are learnt from, and measured on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from knowledge.queries import NLU_DATA
from knowledge.yaml_file import ContentError

FIELDS = (
    "part", "type", "category", "subcategory", "item", "urgency", "district", "subdistrict", "place", "time",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One demand of a message as its author meant it; `part` is its words, empty strings where nothing is told."""

    part: str
    type: str
    category: str
    subcategory: str
    item: str
    urgency: str
    district: str
    subdistrict: str
    place: str
    time: str


@dataclass(frozen=True)
class Letter:
    """A message, its language (zh, en or mixed), its style, the demands in it in their order, and its author."""

    text: str
    language: str
    style: str
    demands: tuple[Told, ...]
    author: str

    @property
    def key(self) -> str:
        """The same message has the same key in every run."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @property
    def begins(self) -> tuple[int, ...]:
        """The offsets at which a new demand begins, the first left out."""
        found, at = [], 0
        for told in self.demands:
            start = self.text.find(told.part, at)
            found.append(start if start >= 0 else self.text.find(told.part))
            at = max(at, found[-1] + 1)
        return tuple(sorted(found)[1:])


def read_letters(folder: Path = NLU_DATA) -> tuple[Letter, ...]:
    """The messages of `demands_<author>.jsonl`; raises ContentError."""
    found = []
    for path in sorted(folder.glob("demands_*.jsonl")):
        author = path.stem.removeprefix("demands_")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                row = json.loads(line)
                demands = tuple(Told(*(one[name] for name in FIELDS)) for one in row["demands"])
                found.append(Letter(row["text"], row["language"], row["style"], demands, author))
            except (KeyError, ValueError) as error:
                raise ContentError(path, number, f"no message with demands: {error}") from error
    return tuple(found)
