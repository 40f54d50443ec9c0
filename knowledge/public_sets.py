"""Public labelled sets to measure on, each split by a stable hash; nothing trained on them here is kept."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TEST_SHARE = 5
LEAST_EXAMPLES = 2


@dataclass(frozen=True)
class Example:
    """A text and its class; `key` decides its side of the split, so that translations stay together."""

    text: str
    label: str
    key: str


@dataclass(frozen=True)
class PublicSet:
    """A labelled set split in two; `outside` are texts of no class, only to be told apart."""

    name: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    outside: tuple[str, ...] = ()


def bucket(key: str, buckets: int = TEST_SHARE) -> int:
    """The same number for the same key on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % buckets


def split(name: str, examples: Iterable[Example], outside: tuple[str, ...] = (), sample: int = 0) -> PublicSet:
    """A fifth of the keys tests; classes too small to learn are left out; `sample` keeps that many of both, 0 all."""
    rows = sorted(examples, key=lambda example: hashlib.sha256(example.key.encode()).digest())
    if sample:
        rows = rows[:sample]
    train = [example for example in rows if bucket(example.key) != 0]
    counts: dict[str, int] = {}
    for example in train:
        counts[example.label] = counts.get(example.label, 0) + 1
    kept = {label for label, count in counts.items() if count >= LEAST_EXAMPLES}
    test = [example for example in rows if bucket(example.key) == 0 and example.label in kept]
    return PublicSet(name, tuple(e for e in train if e.label in kept), tuple(test), outside)


def massive(folder: Path, locale: str) -> list[Example]:
    """MASSIVE's 60 intents in one language, split by the id that all languages share."""
    with (folder / "massive" / f"{locale}.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Example(row["utt"], row["intent"], row["id"]) for row in rows]


def clinc(folder: Path) -> list[Example]:
    """CLINC150's 150 intents."""
    content = json.loads((folder / "clinc150" / "train_val.json").read_text(encoding="utf-8"))
    return [Example(text, label, text.lower()) for part in ("train", "val") for text, label in content[part]]


def clinc_outside(folder: Path) -> tuple[str, ...]:
    """CLINC150's texts of no intent."""
    found = [
        text
        for name, part in (("train_val.json", "oos_val"), ("oos_plus_train250.json", "oos_train"))
        for text, _ in json.loads((folder / "clinc150" / name).read_text(encoding="utf-8"))[part]
    ]
    return tuple(dict.fromkeys(found))


def banking(folder: Path) -> list[Example]:
    """BANKING77."""
    with (folder / "banking77" / "train.csv").open(encoding="utf-8", newline="") as lines:
        return [Example(row["text"], row["category"], row["text"].lower()) for row in csv.DictReader(lines)]


def messages(folder: Path, field: str) -> list[Example]:
    """Citizens' messages (set B: measured only), by `type` or `domain`; blank labels are left out."""
    lines = (folder / "msgabench" / "messages_train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Example(row["text"], row[field], row["text"]) for row in rows if row[field]]


def taidi(folder: Path) -> list[Example]:
    """Citizens' messages with title (set B: measured only), 7 classes."""
    lines = (folder / "taidi2020_c" / "labelled_train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Example(f"{row['title']} {row['text']}", row["label"], row["text"]) for row in rows]


READERS: Mapping[str, tuple[str, Callable[[Path], list[Example]]]] = {
    "MASSIVE zh-CN intent": ("massive/zh-CN.tsv", lambda folder: massive(folder, "zh-CN")),
    "MASSIVE en-US intent": ("massive/en-US.tsv", lambda folder: massive(folder, "en-US")),
    "BANKING77 intent": ("banking77/train.csv", banking),
    "msgabench type": ("msgabench/messages_train.jsonl", lambda folder: messages(folder, "type")),
    "msgabench domain": ("msgabench/messages_train.jsonl", lambda folder: messages(folder, "domain")),
    "taidi class": ("taidi2020_c/labelled_train.jsonl", taidi),
    "CLINC150 intent": ("clinc150/train_val.json", clinc),
}


def read_set(name: str, folder: Path, sample: int = 0) -> PublicSet | None:
    """A set by name, None where its file is not there."""
    file, read = READERS[name]
    if not (folder / file).exists():
        return None
    outside = clinc_outside(folder) if name.startswith("CLINC150") else ()
    return split(name, read(folder), outside, sample)
