"""Learning how surely a suggested unit is right: every author's demands read by heads that saw none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from bot.calibration import coverage, reliability
from bot.cases.analysis import DemandAnalyst
from bot.cases.belief import Belief, Signs
from bot.cases.demand_heads import train_demand_head
from bot.cases.dispatch import Dispatcher
from bot.cases.duty import duty_of
from bot.cases.examples import Encode, Example, Examples
from bot.cases.split import Splitter
from bot.cases.units import Place
from bot.cases.weighing import weigher
from bot.labelled_demands import Labelled, Unit, record_of
from bot.records import Record
from bot.training import Models
from knowledge.fitting import fit_judge
from knowledge.queries import read_training_queries
from knowledge.retriever import Retriever
from knowledge.trainer import RememberingEncoder, Trainer

LEARNT = ("category", "subcategory", "service_item")
COST = 1.0
WANTED = 0.93  # share right among those sent without a dispatcher: the aim of peers.md §5
LEAST = 50  # lines that a floor is read from
FAKE_RULINGS = 4  # one in so many of the other authors' lines speaks as a ruling while the belief is learnt
EMPTY = Belief("", 0, 1.0, {}, (), (), {})


@dataclass(frozen=True)
class Seen:
    """A demand's candidates with their signs, and the unit that is right; None where the list has none for it."""

    labelled: Labelled
    candidates: tuple[tuple[Unit, Signs], ...]
    truth: Unit | None

    def record(self, belief: Belief) -> Record:
        """The likeliest candidate beside the truth, as the calibration figures read it."""
        told = max(
            ((belief.of(signs), unit) for unit, signs in self.candidates), key=lambda pair: pair[0], default=None
        )
        share, found = told or (0.0, None)
        return record_of(self.labelled, self.truth, found, share)


class Whole(Splitter):
    """Splits nothing: a demand to learn from stands alone."""

    def __init__(self) -> None:
        """Needs no model."""

    def split(self, text: str) -> tuple[str, ...]:
        return (text.strip(),)


def read_folds(models: Models, lines: Sequence[Labelled], folder: Path, progress: Callable[[], None]) -> list[Seen]:
    """Every demand with its signs, each half of the authors read by heads that learnt from the other half."""
    encoder = RememberingEncoder(models.encoder, models.encoder.name)
    trainer = Trainer(encoder, folder / "fold_heads")
    halves = _halves(lines)
    queries = read_training_queries()
    retriever = Retriever(models.catalogue, models.index)
    dispatchers: dict[str, Dispatcher] = {}
    for half in halves:
        rows = [row_of(line) for line in lines if line.author not in half]
        heads = {name: train_demand_head(name, rows, queries, models.catalogue, trainer) for name in LEARNT}
        analyst = DemandAnalyst(encoder, {**models.demands, **heads}, retriever, Whole(), models.city)
        dispatcher = Dispatcher(
            duty_of(models.city), models.catalogue, analyst.analyse, EMPTY, weigher(analyst, encoder)
        )
        dispatchers |= dict.fromkeys(half, dispatcher)
    return read_signs(dispatchers.__getitem__, lines, encoder.encode_query, progress)


def _halves(lines: Sequence[Labelled]) -> tuple[set[str], set[str]]:
    """The authors in two groups of about equally many lines."""
    halves: tuple[set[str], set[str]] = (set(), set())
    sizes = [0, 0]
    for author, count in Counter(line.author for line in lines).most_common():
        place = sizes.index(min(sizes))
        halves[place].add(author)
        sizes[place] += count
    return halves


def row_of(line: Labelled) -> dict[str, str]:
    """A demand as the heads learn from it."""
    matter = line.matter
    return {
        "text": line.text,
        "service_item": matter.item or "",
        "subcategory": matter.subcategory or "",
        "category": matter.category or "",
    }


def read_signs(
    dispatchers: Callable[[str], Dispatcher], lines: Sequence[Labelled], encode: Encode, progress: Callable[[], None]
) -> list[Seen]:
    """Every demand read by the dispatcher of its author, which learnt from the other authors only.

    One in four lines of the other authors stands in for a ruling, so that the weight of an example is learnt too.
    """
    seen: list[Seen] = []
    for author in sorted({line.author for line in lines}):
        dispatcher = dispatchers(author)
        others = [line for line in lines if line.author != author]
        voiced = dispatcher.taught((), Examples(list(_examples(others, dispatcher)), encode))
        for place, line in enumerate(one for one in lines if one.author == author):
            asked = voiced if place % 2 else dispatcher
            demand = dispatcher.read(line.text)
            found = tuple(((lead, unit), signs) for lead, unit, signs in asked.signs(demand))
            seen.append(Seen(line, found, line.truth(dispatcher.duty, Place(demand.district, demand.subdistrict))))
            progress()
    return seen


def _examples(lines: Sequence[Labelled], dispatcher: Dispatcher) -> Iterator[Example]:
    for number, line in enumerate(lines[::FAKE_RULINGS]):
        truth = line.truth(dispatcher.duty, Place())
        if truth is not None:
            yield Example(number, line.text, truth[0], Place())


def learn(seen: Sequence[Seen], today: date) -> Belief:
    """The belief of all lines; figures, floor and curves from each author held out in turn."""
    records: list[Record] = []
    for author in sorted({one.labelled.author for one in seen}):
        held_out = fit([one for one in seen if one.labelled.author != author])
        for one in seen:
            if one.labelled.author == author:
                records.append(one.record(held_out))
    whole = fit(seen)
    floor = floor_of(records)
    sent = [record for record in records if record.share >= floor]
    figures = {
        "right": _percent(records),
        "sent": 100 * len(sent) / len(records),
        "right among sent": _percent(sent),
        "expected when taken for granted": 100 * float(np.mean([record.share for record in records])),
    }
    rounded = {name: round(value, 1) for name, value in figures.items()}
    return Belief(
        today.isoformat(), len(records), round(floor, 4), rounded, _points(reliability(records)),
        _points(coverage(records)), {name: round(weight, 4) for name, weight in whole.weights.items()},
    )  # fmt: skip


def fit(seen: Sequence[Seen]) -> Belief:
    """The weights under which right candidates are likely and wrong ones are not."""
    pairs = [(signs, unit == one.truth) for one in seen for unit, signs in one.candidates]
    weights = fit_judge([signs for signs, _ in pairs], [right for _, right in pairs], COST)
    return Belief("", len(seen), 0.0, {}, (), (), weights)


def floor_of(records: Sequence[Record], wanted: float = WANTED) -> float:
    """The lowest belief above which the wanted share is right; 1 where none is."""
    ranked = sorted(records, key=lambda record: -record.share)
    right = np.cumsum([record.right for record in ranked]) / np.arange(1, len(ranked) + 1)
    good = [place for place in range(LEAST - 1, len(ranked)) if right[place] >= wanted]
    return ranked[good[-1]].share if good else 1.0


def _percent(records: Sequence[Record]) -> float:
    return 100 * sum(record.right for record in records) / max(1, len(records))


def _points(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((round(first, 1), round(second, 1)) for first, second in points)
