"""How long the rest of a comparison takes, by what the steps that are done took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from connectors.rasa.bench_results import Learnt, Served
from connectors.rasa.sides import Engine


class Work(Enum):
    """The two steps of an engine on a case, as a person reads them."""

    LEARN = "learns"
    SERVE = "serves"


@dataclass(frozen=True)
class Step:
    """One engine's work on so many sentences, learnt or asked."""

    engine: Engine
    work: Work
    sentences: int


# Seconds a sentence and seconds before the first, on two cores; only until a step of the kind is done.
GUESSES: Mapping[tuple[Engine, Work], tuple[float, float]] = {
    (Engine.OURS, Work.LEARN): (0.003, 5),
    (Engine.OURS, Work.SERVE): (0.02, 5),
    (Engine.RASA, Work.LEARN): (0.15, 30),
    (Engine.RASA, Work.SERVE): (0.03, 30),
}


class Pace:
    """Seconds a step will take: as a sentence took in the largest step of the kind that is done."""

    def __init__(self, done: Iterable[tuple[Step, float]] = ()) -> None:
        self._rates = {kind: rate for kind, (rate, _) in GUESSES.items()}
        for step, seconds in sorted(done, key=lambda pair: pair[0].sentences):
            kind = (step.engine, step.work)
            self._rates[kind] = max(0.0, seconds - GUESSES[kind][1]) / max(1, step.sentences)

    def seconds(self, step: Step) -> float:
        """How long it will take."""
        kind = (step.engine, step.work)
        return GUESSES[kind][1] + self._rates[kind] * step.sentences


def step_done(engine: Engine, done: Learnt | Served) -> tuple[Step, float]:
    """A step that is kept, and how long it took with the starts of its servers."""
    if isinstance(done, Learnt):
        return Step(engine, Work.LEARN, done.examples), done.took.wall_s
    if done.loads:
        took = sum(done.start_s + load.turns / load.turns_s for load in done.loads)
        return Step(engine, Work.SERVE, done.loads[0].turns), took
    took = done.start_s + sum(row.milliseconds for row in done.rows) / 1000
    return Step(engine, Work.SERVE, len(done.rows)), took
