"""Public labelled sets as Rasa training data, split so that the built-in encoder never saw a test sentence."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.rasa.training_data import Annotation, Example, TrainingData
from knowledge.encoder_sets import read_banking, read_clinc
from knowledge.vocabulary import normalise_text

OUT_OF_SCOPE = "out_of_scope"
_SLOT = re.compile(r"\[(?P<name>[^\]:]+?) : (?P<text>[^\]]+?)\]")
_TAKEN = re.compile(r"([\\\[\]\n])")


@dataclass(frozen=True)
class NluSet:
    """What is learnt and what is asked."""

    name: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]

    @property
    def data(self) -> TrainingData:
        """What is learnt, as a project has it."""
        return TrainingData(self.train)

    @property
    def repeated(self) -> tuple[bool, ...]:
        """Of each test sentence whether it is learnt word for word, letter case and kinds of characters aside."""
        learnt = {normalise_text(example.text) for example in self.train}
        return tuple(normalise_text(example.text) in learnt for example in self.test)

    def few(self, shots: int) -> NluSet:
        """With that many sentences an intent, the same ones every time; 0 keeps all."""
        if not shots:
            return self
        ranked = sorted(self.train, key=lambda example: hashlib.sha256(example.text.encode()).digest())
        counts: Counter[str] = Counter()
        kept = []
        for example in ranked:
            counts[example.intent] += 1
            if counts[example.intent] <= shots:
                kept.append(example)
        return NluSet(f"{self.name}, {shots} an intent", tuple(kept), self.test)


def _massive(folder: Path, locale: str) -> NluSet:
    """MASSIVE with its slots as entities: its train part is learnt, its dev part asked."""
    parts: dict[str, list[Example]] = {"train": [], "dev": []}
    with (folder / "massive" / f"{locale}.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            parts[row["partition"]].append(read_slots(row["utt"], row["annot_utt"], row["intent"]))
    return NluSet(f"MASSIVE {locale}", tuple(parts["train"]), tuple(parts["dev"]))


def read_slots(text: str, annotated: str, intent: str) -> Example:
    """`wake me at [time : nine]` as an example; the annotated text may have other spaces than the text."""
    marks, at, read = [], 0, 0
    for match in _SLOT.finditer(annotated):
        read = _past(text, read, annotated[at : match.start()])
        start = _past(text, read, "", spaces=True)
        read = _past(text, start, match["text"])
        marks.append(Annotation(start, read, match["name"].strip(), value=text[start:read]))
        at = match.end()
    return Example(text, intent, None, tuple(marks))


def _past(text: str, at: int, words: str, spaces: bool = False) -> int:
    """Where the words end in a text that is read from `at` on, spaces aside; with `spaces` past those that follow."""
    for char in words:
        if not char.isspace():
            at = text.index(char, at) + 1
    while spaces and at < len(text) and text[at].isspace():
        at += 1
    return at


def _clinc(folder: Path) -> NluSet:
    """CLINC150's 150 intents and one of what belongs to none."""
    read = read_clinc(folder)
    asked = [Example(text, OUT_OF_SCOPE, None, ()) for text in read.outside_asked]
    learnt = [text for text in read.outside if text not in set(read.outside_asked)]
    outside = [Example(text, OUT_OF_SCOPE, None, ()) for text in learnt]
    train, test = ([Example(row.text, row.label, None, ()) for row in rows] for rows in (read.train, read.test))
    return NluSet("CLINC150", (*train, *outside), (*test, *asked))


def _banking(folder: Path) -> NluSet:
    read = read_banking(folder)
    train, test = (tuple(Example(row.text, row.label, None, ()) for row in rows) for rows in (read.train, read.test))
    return NluSet("BANKING77", train, test)


SETS: Mapping[str, tuple[str, Callable[[Path], NluSet]]] = {
    "massive-zh": ("zh", lambda folder: _massive(folder, "zh-CN")),
    "massive-en": ("en", lambda folder: _massive(folder, "en-US")),
    "clinc": ("en", _clinc),
    "banking": ("en", _banking),
}


def read_nlu_set(name: str, folder: Path, shots: int = 0) -> NluSet:
    """A set by its short name; raises FileNotFoundError where the data are missing, KeyError on an unknown name."""
    return SETS[name][1](folder).few(shots)


def nlu_yaml(examples: Iterable[Example]) -> str:
    """Examples as the `nlu.yml` that both engines read; for the bench's own folder, never for the repository."""
    rows: dict[str, list[str]] = {}
    for example in examples:
        rows.setdefault(example.full_intent, []).append(_annotated(example))
    entries = [
        f"- intent: {json.dumps(intent, ensure_ascii=False)}\n  examples: |\n"
        + "".join(f"    - {row}\n" for row in texts)
        for intent, texts in rows.items()
    ]
    return 'version: "3.1"\nnlu:\n' + "".join(entries)


def _annotated(example: Example) -> str:
    text, at = "", 0
    for mark in sorted(example.annotations, key=lambda mark: mark.start):
        text += f"{_plain(example.text[at : mark.start])}[{_plain(example.text[mark.start : mark.end])}]({mark.entity})"
        at = mark.end
    return text + _plain(example.text[at:])


def _plain(text: str) -> str:
    """A text without what would read as a mark."""
    return _TAKEN.sub(" ", text)
