"""The comparison with Rasa, step by step: each engine learns each case and serves it, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

from bot.errors import ChengdaError
from connectors.rasa.bench_project import write_project
from connectors.rasa.bench_results import BenchRun, Learnt, Results, Served, busy
from connectors.rasa.bench_sets import Case, read_case
from connectors.rasa.dialogue_load import conversations_of, turns
from connectors.rasa.nlu_sets import NluSet
from connectors.rasa.parsing import parsed
from connectors.rasa.sides import Engine, Place, Side, Tell

CLIENTS = (1, 8)


class MissingSet(ChengdaError):
    """A public set is not in the folder of data."""


@dataclass(frozen=True)
class Prepared:
    """A case with its project written."""

    case: Case
    taken: NluSet
    project: Path
    digest: str


@dataclass(frozen=True)
class Measured:
    """A case as each engine did it; an engine that was not measured is missing."""

    case: Case
    taken: NluSet
    learnt: Mapping[Engine, Learnt]
    served: Mapping[Engine, Served]


class Show(Protocol):
    """Tells the person who waits: a step begins, says its last line, is over."""

    def step(self, title: str) -> AbstractContextManager[Tell]:
        """A step as long as the block."""
        ...


class Bench:
    """A comparison in a folder; what is kept there of the same versions, machine and data is not measured again."""

    def __init__(self, run: BenchRun, results: Results, data: Path, show: Show) -> None:
        self.run, self.results, self._data, self._show = run, results, data, show

    def prepared(self, case: Case) -> Prepared:
        """The case written as a project; raises MissingSet or NotWrittenAlike."""
        try:
            taken = read_case(case, self._data)
        except FileNotFoundError as missing:
            raise MissingSet(f"{case.set_name}: {missing.filename} is missing; --data names the folder") from None
        if self.run.most:
            taken = NluSet(taken.name, taken.train, taken.test[:: max(1, len(taken.test) // self.run.most)])
        project = (self.results.folder / case.key / "project").absolute()
        digest = write_project(taken.train, case.language, project, self.run.epochs, answers=case.is_dialogue)
        asked = hashlib.sha256("\0".join(example.text for example in taken.test).encode()).hexdigest()
        return Prepared(case, taken, project, digest + asked)

    def measure(self, ready: Prepared, side: Side) -> None:
        """Let one engine learn and serve a case, unless both are kept; raises RasaFailed."""
        key, engine = ready.case.key, side.engine
        place = Place(ready.project, self.results.folder.absolute() / key / engine)
        place.work.mkdir(parents=True, exist_ok=True)
        mark = self.run.mark(engine, ready.digest)
        learnt, served = self.results.learnt(key, engine), self.results.served(key, engine)
        if learnt is None or learnt.mark != mark or not (served or side.has_learnt(place)):
            served = None
            with self._show.step(f"{engine} learns {ready.taken.name}{self._expected(ready, engine)}") as tell:
                before = busy()
                took = side.trained(place, ready.case.is_dialogue, tell)
            self.results.keep(key, engine, Learnt(mark, len(ready.taken.train), before, took))
        if served is None or served.mark != mark:
            with self._show.step(f"{engine} serves {ready.taken.name}") as tell:
                work = self._talk if ready.case.is_dialogue else self._understand
                self.results.keep(key, engine, work(ready, side, place, mark, tell))

    def measured(self, readies: Sequence[Prepared]) -> Iterator[Measured]:
        """All that is kept of this run."""
        for ready in readies:
            learnt, served = {}, {}
            for engine in Engine:
                mark = self.run.mark(engine, ready.digest)
                one, other = self.results.learnt(ready.case.key, engine), self.results.served(ready.case.key, engine)
                if one is not None and other is not None and one.mark == other.mark == mark:
                    learnt[engine], served[engine] = one, other
            yield Measured(ready.case, ready.taken, learnt, served)

    def _understand(self, ready: Prepared, side: Side, place: Place, mark: str, tell: Tell) -> Served:
        before, texts = busy(), [example.text for example in ready.taken.test]
        done = iter(range(1, len(texts) + 1))
        with side.running(place) as server:
            rows = parsed(server.url, texts, lambda: tell(f"{next(done)} of {len(texts)}"))
            return Served(mark, before, server.started_in, server.megabytes, rows)

    def _talk(self, ready: Prepared, side: Side, place: Place, mark: str, tell: Tell) -> Served:
        """The same conversations from one client and from several, each time with a server that knows none of them."""
        before, loads, starts, memory = busy(), [], [], []
        conversations = conversations_of([example.text for example in ready.taken.test])
        for clients in CLIENTS:
            tell(f"{clients} at once")
            with side.running(place) as server:
                loads.append(turns(server.url, conversations, clients))
                starts.append(server.started_in)
                memory.append(server.megabytes)
        return Served(mark, before, median(starts), max(memory), loads=tuple(loads))

    def _expected(self, ready: Prepared, engine: Engine) -> str:
        """How long it may take, by the largest case that this engine has learnt so far."""
        kept = [
            one for path in self.results.folder.glob(f"*.{engine}.learnt.json") if (one := self._kept(path, engine))
        ]
        if not kept:
            return ""
        most = max(kept, key=lambda one: one.examples)
        return f" (about {most.took.wall_s * len(ready.taken.train) / max(1, most.examples) / 60:.0f} min)"

    def _kept(self, path: Path, engine: Engine) -> Learnt | None:
        return self.results.learnt(path.name.split(".")[0], engine)
