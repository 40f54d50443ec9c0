"""Labelled English sets that measure the encoder, and texts of our own it learns from."""

from __future__ import annotations

import csv
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from knowledge.encoder_corpus import Example, Pair
from knowledge.vocabulary import normalise_text

KNOWLEDGE = Path(__file__).parent
OUTSIDE = "oos"
BANKING_PARTS = 3  # one of them is held back


@dataclass(frozen=True)
class Labelled:
    """Examples to fit a head on, to test it on, and test texts that belong to no label.

    `outside_asked` are those of the outside texts that the set itself asks; the others may be learnt from.
    """

    train: tuple[Example, ...]
    test: tuple[Example, ...]
    outside: tuple[str, ...] = ()
    outside_asked: tuple[str, ...] = ()

    def held_back(self) -> set[str]:
        """Texts no encoder of ours may see in training."""
        return {example.text for example in self.test} | set(self.outside)


def read_clinc(data: Path) -> Labelled:
    """CLINC150: its train part to fit, its val part and all texts out of scope to test."""
    parts = json.loads((data / "clinc150" / "train_val.json").read_text(encoding="utf-8"))
    plus = json.loads((data / "clinc150" / "oos_plus_train250.json").read_text(encoding="utf-8"))
    outside = [*parts["oos_val"], *(row for rows in plus.values() for row in rows if row[1] == OUTSIDE)]
    return Labelled(
        tuple(Example(normalise_text(text), label) for text, label in parts["train"]),
        tuple(Example(normalise_text(text), label) for text, label in parts["val"]),
        tuple(dict.fromkeys(normalise_text(text) for text, _label in outside)),
        tuple(dict.fromkeys(normalise_text(text) for text, _label in parts["oos_val"])),
    )


def read_banking(data: Path) -> Labelled:
    """BANKING77: one text in three, by checksum, is held back."""
    with (data / "banking77" / "train.csv").open(encoding="utf-8", newline="") as lines:
        rows = [Example(normalise_text(row["text"].strip()), row["category"]) for row in csv.DictReader(lines)]
    held = [zlib.crc32(row.text.encode()) % BANKING_PARTS == 0 for row in rows]
    return Labelled(
        tuple(row for row, back in zip(rows, held, strict=True) if not back),
        tuple(row for row, back in zip(rows, held, strict=True) if back),
    )


def own_pairs(folder: Path = KNOWLEDGE) -> list[Pair]:
    """Chinese and English side by side in our own catalogue."""
    pairs: dict[Pair, None] = {}
    for path in sorted(folder.rglob("*.yml")):
        _collect(yaml.safe_load(path.read_text(encoding="utf-8")), pairs)
    return list(pairs)


def _collect(node: Any, pairs: dict[Pair, None]) -> None:
    if isinstance(node, dict):
        chinese, english = node.get("zh"), node.get("en")
        if isinstance(chinese, str) and isinstance(english, str) and chinese != english:
            pairs[normalise_text(chinese), normalise_text(english)] = None
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _collect(child, pairs)
