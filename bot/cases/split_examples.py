"""Messages of one, two and three demands put together from labelled sentences, and the judge fitted on them."""

from __future__ import annotations

import csv
import importlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.cases.boundaries import Boundary, find_openings, read_connectors
from bot.cases.demand_heads import NO_ITEM, rows_of
from bot.cases.letters import Letter
from bot.cases.split import SplitJudge
from bot.cases.split_signs import KIND, OWN, SPLIT_HEADS, Segments, features, read_segments
from knowledge.catalogue import Catalogue, Kind, ServiceCode
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical
from knowledge.queries import NLU_DATA, Query
from knowledge.trainer import Trainer

CONTINUATION_FILE = NLU_DATA / "lookups" / "continuations.csv"
SEED = 11
SERVICE, SERVICE_SHARE = "service", 0.15
FOLDS = 2
SLACK = 6
CONSULT = "consult"
MESSAGES = 4000
WRITTEN, JOINED = 1.0, 0.05  # what a written message counts, and one put together
USUAL = {"zh": ("还有", "另外", "而且"), "en": ("and", "and", "also", "plus")}
LEAD = re.compile(
    r"^(?:还有|另外|而且|同时|对了|仲有|同埋|(?:and|also|plus|besides|moreover|secondly|oh and|by the way)\b)[,， ]*"
)
FAR, NEAR = 0.3, 0.55
SAME_CATEGORY = 0.4
# How many demands a message holds, and how often; 0 stands for two sentences about the same item.
MIX = ((1, 0.44), (2, 0.46), (3, 0.06), (0, 0.04))
END = " ,，.。;；!！?？\n"


@dataclass(frozen=True, eq=False)
class Unit:
    """A sentence about one matter; `item` and `category` may be empty, `fold` is its half of the data."""

    text: str
    language: str
    kind: str
    category: str
    item: str
    fold: int
    vector: NDArray[np.float32]

    def differs(self, other: Unit) -> bool:
        """Another item or category, or another matter of the same one by its meaning."""
        if self.category == other.category and (self.item == other.item or not (self.item and other.item)):
            return float(self.vector @ other.vector) < FAR
        return True

    def same(self, other: Unit) -> bool:
        """The same hotline item, told in other words."""
        near = float(self.vector @ other.vector) > NEAR
        return near and bool(self.item) and self.item == other.item and self.text != other.text


@dataclass(frozen=True)
class Message:
    """A text and the offsets at which a new demand begins."""

    text: str
    begins: tuple[int, ...]


class Writer:
    """Puts messages together; the same seed gives the same messages."""

    def __init__(self, units: Sequence[Unit], seed: int = SEED) -> None:
        self._chance = random.Random(seed)
        self._units = {language: [u for u in units if u.language == language] for language in ("zh", "en")}
        self._kin: dict[tuple[str, str], list[Unit]] = {}
        for unit in units:
            self._kin.setdefault((unit.language, unit.category), []).append(unit)
        self._more: dict[tuple[str, str], list[str]] = {}
        with CONTINUATION_FILE.open(encoding="utf-8", newline="") as lines:
            for row in list(csv.DictReader(lines))[units[0].fold :: FOLDS]:
                self._more.setdefault((row["language"], row["about"]), []).append(row["text"])
        rows = read_connectors()
        self._links = {
            key: [words for language, strength, words in rows if (language, strength) == key]
            for key in ((language, strength) for language in ("zh", "en") for strength in ("strong", "plain"))
        }

    def messages(self, count: int) -> Iterator[Message]:
        """That many messages of the mix."""
        numbers, shares = [number for number, _ in MIX], [share for _, share in MIX]
        for number in self._chance.choices(numbers, shares, k=count):
            language = self._chance.choice(("zh", "en"))
            yield self._message(language, number)

    def _message(self, language: str, number: int) -> Message:
        units = [self._chance.choice(self._units[language])]
        pool = self._units[language]
        if self._chance.random() < SAME_CATEGORY or not number:
            pool = self._kin[language, units[0].category]
        for _ in range(100):
            if len(units) >= (number or 2):
                break
            unit = self._chance.choice(pool)
            if (number and all(unit.differs(u) for u in units)) or (not number and unit.same(units[0])):
                units.append(unit)
        text, begins = "", []
        for place, unit in enumerate(units):
            piece = self._short(unit)
            if place:
                text += self._link(language, number > 0)
                if number:
                    begins.append(len(text))
                piece = self._lower(piece)
            text += piece
            for _ in range(self._chance.choices((0, 1, 2), (0.25, 0.5, 0.25) if number < 2 else (0.6, 0.3, 0.1))[0]):
                text += self._continued(unit)
        return Message(text + self._chance.choice(("", "。" if language == "zh" else ".")), tuple(begins))

    def _short(self, unit: Unit) -> str:
        """The sentence, often only its first clause; short ones are what people join."""
        text = unit.text.strip(END)
        found = [b for b in find_openings(text) if not b.connector]
        if found and self._chance.random() < 0.7 and found[0].start >= (8 if unit.language == "zh" else 25):
            return text[: found[0].start]
        return text

    def _continued(self, unit: Unit) -> str:
        own = [
            *self._more.get((unit.language, unit.item), ()),
            *self._more.get((unit.language, CONSULT if unit.kind == SERVICE else unit.kind), ()),
        ]
        clause = self._chance.choice(own if own and self._chance.random() < 0.4 else self._more[unit.language, ""])
        zh, draw = unit.language == "zh", self._chance.random()
        leads = find_openings(("啊啊啊" if zh else "word word ") + clause)
        if not (leads and leads[0].connector) and draw < 0.25:
            link = self._chance.choice(self._links[unit.language, "plain"])
            clause = f"{link}{clause}" if zh else f"{link} {clause}"
        marks, shares = ("，", "。", "", " "), (0.8, 0.12, 0.04, 0.04)
        if not zh:
            marks, shares = (", ", ". ", " ", "; "), (0.45, 0.2, 0.33, 0.02)
        lead = self._chance.choices(marks, shares)[0]
        return f"{lead}{clause}"

    def _link(self, language: str, new: bool) -> str:
        """What stands between two demands, with its punctuation."""
        weights = (0.35, 0.45, 0.2) if new else (0.15, 0.5, 0.35)
        strength = self._chance.choices(("strong", "plain", "weak"), weights)[0]
        if language == "zh":
            mark = self._chance.choices(("，", "。", "；", " ", ""), (0.6, 0.2, 0.06, 0.07, 0.07))[0]
            if strength == "weak":
                return self._chance.choice(("，", "。", "；"))
            words = self._chance.choice(self._links[language, strength])
            if strength == "plain" and self._chance.random() < 0.6:
                words = self._chance.choice(USUAL[language])
            return mark + words + self._chance.choice(("", "", "，"))
        if strength == "weak":
            return self._chance.choice((", ", ". ", ". ", "; "))
        words = self._chance.choice(self._links[language, strength])
        if strength == "plain" and self._chance.random() < 0.6:
            words = self._chance.choice(USUAL[language])
        mark = self._chance.choices((", ", ". ", " "), (0.45, 0.25, 0.3))[0]
        words = words.capitalize() if mark == ". " and self._chance.random() < 0.8 else words
        return mark + words + self._chance.choice((" ", " ", ", ") if words != "and" else (" ",))

    def _lower(self, piece: str) -> str:
        if self._chance.random() < 0.3 or piece[:2] in ("I ", "I'"):
            return piece
        return piece[0].lower() + piece[1:]


def written(letters: Sequence[Letter]) -> list[Message]:
    """The messages that people wrote whole."""
    return [Message(letter.text, letter.begins) for letter in letters]


def clauses_of(message: Message) -> tuple[list[Boundary], list[str], list[bool]]:
    """The boundaries of a message, its segments, and at which boundaries a new demand begins."""
    boundaries = find_openings(message.text)
    ends = [b.start for b in boundaries] + [len(message.text)]
    starts = [0] + [b.end for b in boundaries]
    new = [False] * len(boundaries)
    for begin in message.begins:
        near = [n for n, b in enumerate(boundaries) if b.start - SLACK <= begin <= b.end + SLACK]
        if near:
            new[min(near, key=lambda n: abs(boundaries[n].end - begin))] = True
    return boundaries, [message.text[a:b] for a, b in zip(starts, ends, strict=True)], new


def train_own(
    units: Sequence[Unit], messages: Sequence[Message], trainer: Trainer, half: int | None = None
) -> LinearHead:
    """Fit the head that tells a clause that opens a demand from one that goes on; a fold may be left out."""
    texts, labels = [], []
    for text, begins in [*((u.text, ()) for u in units if u.fold != half), *((m.text, m.begins) for m in messages)]:
        _, segments, new = clauses_of(Message(text, begins))
        texts += segments
        labels += ["demand", *("demand" if one else "more" for one in new)]
    with CONTINUATION_FILE.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            if number % FOLDS != half:
                texts.append(LEAD.sub("", row["text"]))
                labels.append("more")
    return trainer.fit([canonical(text, cantonese=True) for text in texts], labels, 1.5, 0.1)


def train_split(
    demands: Sequence[Mapping[str, str]],
    letters: Sequence[Letter],
    queries: Sequence[Query],
    catalogue: Catalogue,
    trainer: Trainer,
) -> SplitJudge:
    """Fit the judge on written messages and on ones put together; each half is read by heads of the other one."""
    fold_of = {author: number % FOLDS for number, author in enumerate(sorted({one.author for one in letters}))}
    units = read_units(demands, letters, fold_of, queries, catalogue, trainer)
    named: list[dict[str, float]] = []
    truth: list[bool] = []
    shares: list[float] = []
    for fold in range(FOLDS):
        learnt = [letter for letter in letters if fold_of[letter.author] != fold]
        heads = _heads([unit for unit in units if unit.fold != fold and unit.kind != SERVICE], trainer)
        heads[OWN] = train_own(units, written(learnt), trainer, fold)
        joined = Writer([unit for unit in units if unit.fold == fold], SEED + fold).messages(MESSAGES // FOLDS)
        told = written([letter for letter in letters if fold_of[letter.author] == fold])
        for message, share in [*((m, JOINED) for m in joined), *((m, WRITTEN) for m in told)]:
            boundaries, pieces, new = clauses_of(message)
            if boundaries:
                segments = read_segments(pieces, trainer.encoder, heads)
                for example, label in _examples(segments, boundaries, new, 0, len(pieces)):
                    named.append(example)
                    truth.append(label)
                    shares.append(share)
    fitting: Any = importlib.import_module("knowledge.tree_fitting")  # scikit-learn; no server that only reads needs it
    return SplitJudge(fitting.fit_trees(named, truth, shares), train_own(units, written(letters), trainer))


def _heads(units: Sequence[Unit], trainer: Trainer) -> dict[str, LinearHead]:
    """The heads of category, item and type of some sentences."""
    told = {
        SPLIT_HEADS[0]: [(u.text, u.category) for u in units],
        SPLIT_HEADS[1]: [(u.text, u.item or NO_ITEM) for u in units],
        KIND: [(u.text, u.kind) for u in units if u.kind],
    }
    return {
        name: trainer.fit([canonical(text, cantonese=True) for text, _ in rows], [label for _, label in rows], 1.5, 0.3)
        for name, rows in told.items()
    }


def read_units(
    demands: Sequence[Mapping[str, str]],
    letters: Sequence[Letter],
    fold_of: Mapping[str, int],
    queries: Sequence[Query],
    catalogue: Catalogue,
    trainer: Trainer,
) -> list[Unit]:
    """The labelled demands, those of letters, the sentences of hotline items, and a share of those of services."""
    chance = random.Random(SEED)
    rows = [*((row, chance.randrange(FOLDS)) for row in demands)]
    rows += [(row, fold_of[letter.author]) for letter in letters for row in rows_of([letter])]
    found = [(r["text"], r["language"], r["type"], r["category"], r["service_item"], fold) for r, fold in rows]
    for query in queries:
        service, fold = catalogue.services[ServiceCode(query.code)], chance.randrange(FOLDS)
        if service.kind is Kind.DEMAND and service.category:
            found.append((query.text, query.language, "", service.category, query.code, fold))
        elif chance.random() < SERVICE_SHARE:
            found.append((query.text, query.language, SERVICE, query.code, query.code, fold))
    vectors = trainer.encoder.encode_query([canonical(row[0], cantonese=True) for row in found])
    return [Unit(*row, vector) for row, vector in zip(found, vectors, strict=True)]


def _examples(
    segments: Segments, boundaries: Sequence[Boundary], new: Sequence[bool], low: int, high: int
) -> Iterator[tuple[dict[str, float], bool]]:
    """Every cut of the range, then those of the halves that the middle true cut leaves, as in `split`."""
    for at in range(low, high - 1):
        yield features(segments, boundaries, low, at, high), new[at]
    true = [at for at in range(low, high - 1) if new[at]]
    if true:
        middle = true[len(true) // 2]
        yield from _examples(segments, boundaries, new, low, middle + 1)
        yield from _examples(segments, boundaries, new, middle + 1, high)
