"""The comparison with Rasa, step by step: each engine learns each case and serves it, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

from bot.errors import ChengdaError
from connectors.rasa.bench_pace import Pace, Step, Work, step_done
from connectors.rasa.bench_project import project_files, write_project
from connectors.rasa.bench_results import BenchRun, Learnt, Made, Results, Served, busy
from connectors.rasa.bench_sets import Case, read_case
from connectors.rasa.dialogue_load import CLIENTS, conversations_of, turns
from connectors.rasa.nlu_sets import NluSet
from connectors.rasa.parsing import parsed
from connectors.rasa.sides import Engine, Place, Side, Tell


class MissingSet(ChengdaError):
    """A public set is not in the folder of data."""


@dataclass(frozen=True)
class Prepared:
    """A case, where its project lies, and a digest of all that is learnt and asked."""

    case: Case
    taken: NluSet
    project: Path
    digest: str


@dataclass(frozen=True)
class Measured:
    """What is kept of a case as each engine did it; a step that was not measured is missing."""

    case: Case
    taken: NluSet
    learnt: Mapping[Engine, Learnt]
    served: Mapping[Engine, Served]


class Show(Protocol):
    """Tells the person who waits: a step begins, says its last line, is over; what is left is some seconds' work."""

    def step(self, title: str, seconds: float, left: float) -> AbstractContextManager[Tell]:
        """A step as long as the block, and how long it and all that is left may take."""
        ...


class Bench:
    """A comparison in a folder; what is kept there of the same versions, machine and data is not measured again."""

    def __init__(self, run: BenchRun, results: Results, data: Path, show: Show | None = None) -> None:
        self.run, self.results, self._data, self._show = run, results, data, show

    def epochs(self, case: Case) -> int:
        """DIET's epochs of a case."""
        return min(self.run.epochs, case.epochs)

    def prepared(self, case: Case) -> Prepared:
        """The case with all that tells it from another; raises MissingSet."""
        try:
            taken = read_case(case, self._data)
        except FileNotFoundError as missing:
            raise MissingSet(f"{case.set_name}: {missing.filename} is missing; --data names the folder") from None
        if self.run.most:
            taken = NluSet(taken.name, taken.train, taken.test[:: max(1, len(taken.test) // self.run.most)])
        files = project_files(taken.train, case.language, self.epochs(case), answers=case.is_dialogue)
        texts = (*files.values(), *(example.text for example in taken.test))
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        return Prepared(case, taken, (self.results.folder / case.key / "project").absolute(), digest)

    def measure(self, ready: Prepared, side: Side, later: Sequence[tuple[Prepared, Side]] = ()) -> None:
        """Let one engine learn and serve a case, what is kept of it aside; `later` comes after it.

        Raises RasaFailed or NotWrittenAlike.
        """
        key, engine = ready.case.key, side.engine
        place = Place(ready.project, self.results.folder.absolute() / key / engine)
        place.work.mkdir(parents=True, exist_ok=True)
        learnt, served = self._kept(ready, engine)
        if learnt and served:
            return
        case, taken = ready.case, ready.taken
        write_project(taken.train, case.language, ready.project, self.epochs(case), answers=case.is_dialogue)
        if learnt is None or not side.has_learnt(place):
            # What lies there is of other versions or data: a cut learning must not leave it beside its own half.
            self.results.forget(key, engine)
            with self._step(ready, engine, Work.LEARN, later) as tell:
                before = busy()
                took = side.trained(place, case.is_dialogue, tell)
                made = self._made(engine, ready)
            self.results.keep(key, engine, Learnt(made, len(taken.train), before, took))
        with self._step(ready, engine, Work.SERVE, later) as tell:
            work = self._talk if case.is_dialogue else self._understand
            self.results.keep(key, engine, work(ready, side, place, tell))

    def measured(self, readies: Sequence[Prepared]) -> Iterator[Measured]:
        """All that is kept of these cases, machine and settings, whatever version of an engine it is of."""
        for ready in readies:
            learnt, served = {}, {}
            for engine in Engine:
                wanted = self._made(engine, ready)
                one, other = self.results.learnt(ready.case.key, engine), self.results.served(ready.case.key, engine)
                if one is not None and one.made.is_like(wanted):
                    learnt[engine] = one
                if other is not None and other.made.is_like(wanted):
                    served[engine] = other
            yield Measured(ready.case, ready.taken, learnt, served)

    def _made(self, engine: Engine, ready: Prepared) -> Made:
        return self.run.made(engine, ready.digest, self.epochs(ready.case))

    def _kept(self, ready: Prepared, engine: Engine) -> tuple[Learnt | None, Served | None]:
        """What is kept of exactly these versions, machine and data."""
        wanted = self._made(engine, ready)
        learnt, served = self.results.learnt(ready.case.key, engine), self.results.served(ready.case.key, engine)
        return (
            learnt if learnt and learnt.made == wanted else None,
            served if served and served.made == wanted else None,
        )

    def _step(
        self, ready: Prepared, engine: Engine, work: Work, later: Sequence[tuple[Prepared, Side]]
    ) -> AbstractContextManager[Tell]:
        if self._show is None:
            return nullcontext(lambda line: None)
        pace = Pace(step_done(engine, done) for engine, done in self.results.all())
        step = _step_of(ready, engine, work)
        rest = [step] if work is Work.SERVE else [step, _step_of(ready, engine, Work.SERVE)]
        for other, side in later:
            kept = dict(zip(Work, self._kept(other, side.engine), strict=True))
            rest += [_step_of(other, side.engine, one) for one, done in kept.items() if done is None]
        title = f"{engine} {work.value} {ready.taken.name}"
        return self._show.step(title, pace.seconds(step), sum(map(pace.seconds, rest)))

    def _understand(self, ready: Prepared, side: Side, place: Place, tell: Tell) -> Served:
        before, texts = busy(), [example.text for example in ready.taken.test]
        done = iter(range(1, len(texts) + 1))
        with side.running(place) as server:
            rows = parsed(server.url, texts, lambda: tell(f"{next(done)} of {len(texts)}"))
            return Served(self._made(side.engine, ready), before, server.started_in, server.megabytes, rows)

    def _talk(self, ready: Prepared, side: Side, place: Place, tell: Tell) -> Served:
        """The same conversations from one client and from several, each time with a server that knows none of them."""
        before, loads, starts, memory = busy(), [], [], []
        conversations = conversations_of([example.text for example in ready.taken.test])
        for clients in CLIENTS:
            tell(f"{clients} at once")
            with side.running(place) as server:
                loads.append(turns(server.url, conversations, clients))
                starts.append(server.started_in)
                memory.append(server.megabytes)
        return Served(self._made(side.engine, ready), before, median(starts), max(memory), loads=tuple(loads))


def _step_of(ready: Prepared, engine: Engine, work: Work) -> Step:
    return Step(engine, work, len(ready.taken.train if work is Work.LEARN else ready.taken.test))
