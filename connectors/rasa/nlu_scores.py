"""How well sentences were understood: intents, entities, what is out of scope; and what one engine gains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from bot.rasa.training_data import Example
from connectors.rasa.nlu_sets import OUT_OF_SCOPE, NluSet
from connectors.rasa.parsing import Read
from knowledge.figures import Figure, Interval, difference

ACCURACY, WITHOUT_REPEATS = "accuracy", "accuracy without repeats"
Mark = tuple[str, int, int]


@dataclass(frozen=True)
class Scores:
    """Shares in percent, None where the set has nothing of the kind; `repeats` of the sentences asked were learnt."""

    asked: int
    repeats: int
    accuracy: float
    macro_f1: float
    entity_f1: float | None
    oos_recall: float | None
    oos_precision: float | None
    accuracy_without_repeats: float


@dataclass(frozen=True)
class Gains:
    """Ours less theirs on the same sentences, in points, with the 95 % interval of the paired difference."""

    accuracy: Interval
    without_repeats: Interval


def scores(taken: NluSet, rows: Sequence[Read]) -> Scores:
    """The scores of what was read in the sentences asked, in their order."""
    truth, found = [example.intent for example in taken.test], [row.intent for row in rows]
    accuracy, macro = intent_scores(truth, found)
    new = [at for at, repeated in enumerate(taken.repeated) if not repeated]
    recall, precision = label_scores(truth, found, OUT_OF_SCOPE) or (None, None)
    return Scores(
        len(truth),
        len(truth) - len(new),
        accuracy,
        macro,
        entity_f1([marks_of(example) for example in taken.test], [set(row.entities) for row in rows]),
        recall,
        precision,
        intent_scores([truth[at] for at in new], [found[at] for at in new])[0],
    )


def fresh(taken: NluSet, rows: Sequence[Read]) -> tuple[NluSet, tuple[Read, ...]]:
    """The set and what was read without the sentences that were learnt, too."""
    new = [at for at, repeated in enumerate(taken.repeated) if not repeated]
    test = tuple(taken.test[at] for at in new)
    return NluSet(taken.name, taken.train, test), tuple(rows[at] for at in new)


def gains(taken: NluSet, ours: Sequence[Read], theirs: Sequence[Read]) -> Gains:
    """What our engine gains on the sentences that both were asked."""
    (new, ours_new), (_, theirs_new) = fresh(taken, ours), fresh(taken, theirs)
    return Gains(_gain(taken.test, ours, theirs, ACCURACY), _gain(new.test, ours_new, theirs_new, WITHOUT_REPEATS))


def intent_scores(truth: Sequence[str], found: Sequence[str]) -> tuple[float, float]:
    """Accuracy, and the mean F1 over the labels of the truth, in percent."""
    right = Counter(one for one, other in zip(truth, found, strict=True) if one == other)
    there, told = Counter(truth), Counter(found)
    each = [2 * right[label] / (count + told[label]) for label, count in there.items()]
    return 100 * right.total() / max(1, len(truth)), 100 * float(np.mean(each or [0.0]))


def label_scores(truth: Sequence[str], found: Sequence[str], label: str) -> tuple[float, float] | None:
    """Recall and precision of one label in percent; None where the truth lacks it."""
    if label not in truth:
        return None
    right = sum(one == other == label for one, other in zip(truth, found, strict=True))
    return 100 * right / truth.count(label), 100 * right / max(1, found.count(label))


def marks_of(example: Example) -> set[Mark]:
    """The entities of an annotated sentence."""
    return {(mark.entity, mark.start, mark.end) for mark in example.annotations}


def entity_f1(wanted: Sequence[AbstractSet[Mark]], found: Sequence[AbstractSet[Mark]]) -> float | None:
    """F1 of entities with the right name and ends, in percent; None where none is annotated."""
    if not any(wanted):
        return None
    right = sum(len(one & other) for one, other in zip(wanted, found, strict=True))
    return 100 * 2 * right / max(1, sum(map(len, wanted)) + sum(map(len, found)))


def _gain(test: Sequence[Example], ours: Sequence[Read], theirs: Sequence[Read], measure: str) -> Interval:
    def figure(rows: Sequence[Read]) -> Figure:
        asked = enumerate(zip(test, rows, strict=True))
        values = {str(at): 100.0 * (row.intent == example.intent) for at, (example, row) in asked}
        return Figure("rasa", "intents", measure, values)

    found = difference(figure(theirs), figure(ours))
    return found.gain if found else Interval(0.0, 0.0, 0.0)
