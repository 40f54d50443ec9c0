"""What a comparison has measured so far, one JSON file a step, so that a run that was cut short goes on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import psutil
from pydantic import TypeAdapter, ValidationError

from bot.errors import ChengdaError
from connectors.rasa.dialogue_load import Load
from connectors.rasa.parsing import Read
from connectors.rasa.processes import NOTED, end_left_over, noted, still_running
from connectors.rasa.sides import Engine
from connectors.rasa.timed import Timed

RUN, ASIDE = "run", "aside"
LEARNT, SERVED = ".learnt.json", ".served.json"
T = TypeVar("T")


@dataclass(frozen=True)
class Machine:
    """Where it was measured: processor, its cores, threads allowed, memory in GiB, system."""

    processor: str
    cores: int
    threads: int
    memory_gib: int
    system: str


@dataclass(frozen=True)
class Made:
    """What a step depends on and when it was over (UTC); `digest` is of all that was learnt and asked.

    Two are equal whenever they were made.
    """

    machine: Machine
    versions: Mapping[str, str]
    epochs: int
    seed: int
    most: int
    digest: str
    at: str = field(default="", compare=False)

    def is_like(self, other: Made) -> bool:
        """Whether they may stand in one table: equal but for the versions, which the table tells."""
        return replace(self, versions=other.versions) == other


@dataclass(frozen=True)
class Learnt:
    """One engine has learnt a case; `busy` is the machine's load before (one minute)."""

    made: Made
    examples: int
    busy: float
    took: Timed


@dataclass(frozen=True)
class Served:
    """One engine has served a case: seconds to start, resident memory after the work in MB, and what it answered."""

    made: Made
    busy: float
    start_s: float
    memory_mb: float
    rows: tuple[Read, ...] = ()
    loads: tuple[Load, ...] = ()


@dataclass(frozen=True)
class BenchRun:
    """What is common to the steps of a run; `versions` by engine and name."""

    machine: Machine
    versions: Mapping[str, Mapping[str, str]]
    epochs: int
    seed: int
    most: int = 0

    def made(self, engine: Engine, digest: str, epochs: int | None = None) -> Made:
        """What a step of one engine that is over now depends on; what the other engine is does not count."""
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return Made(
            self.machine, self.versions.get(engine, {}), epochs or self.epochs, self.seed, self.most, digest, at
        )


class FolderTaken(ChengdaError):
    """Another comparison is at work in the folder."""


class Results:
    """The folder of a comparison."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The folder for this process alone, freed of what a killed run left running; raises FolderTaken."""
        note = self.folder / f"{RUN}{NOTED}"
        if other := still_running(note):
            raise FolderTaken(f"a comparison is at work in {self.folder} (process {other.pid})")
        end_left_over(self.folder)
        noted(psutil.Process(), note)
        try:
            yield
        finally:
            note.unlink(missing_ok=True)

    def learnt(self, case: str, engine: Engine) -> Learnt | None:
        """What is kept of an engine's learning."""
        return self._read(f"{case}.{engine}{LEARNT}", Learnt)

    def served(self, case: str, engine: Engine) -> Served | None:
        """What is kept of an engine's serving."""
        return self._read(f"{case}.{engine}{SERVED}", Served)

    def keep(self, case: str, engine: Engine, done: Learnt | Served) -> None:
        """Keep a step; a cut never leaves half a file."""
        name = f"{case}.{engine}{LEARNT if isinstance(done, Learnt) else SERVED}"
        fresh = self.folder / f"{name}.new"
        fresh.write_bytes(TypeAdapter(type(done)).dump_json(done, indent=1))
        fresh.replace(self.folder / name)

    def all(self) -> Iterator[tuple[Engine, Learnt | Served]]:
        """Every step that is kept, of whatever versions."""
        for path in self.folder.glob("*.json"):
            case, engine, _ = path.name.split(".", 2)
            read = self.learnt if path.name.endswith(LEARNT) else self.served
            if done := read(case, Engine(engine)):
                yield Engine(engine), done

    def forget(self, case: str, engine: Engine) -> None:
        """Put the steps of one engine on a case aside: they may have taken hours."""
        for path in self.folder.glob(f"{case}.{engine}.*.json"):
            aside = self.folder / ASIDE / path.name
            aside.parent.mkdir(exist_ok=True)
            path.replace(aside)

    def _read(self, name: str, kind: type[T]) -> T | None:
        path = self.folder / name
        try:
            return TypeAdapter(kind).validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


def this_machine(threads: int) -> Machine:
    """The machine as it is."""
    memory = round(psutil.virtual_memory().total / 2**30)
    return Machine(_processor(), os.cpu_count() or 1, threads, memory, platform.platform(terse=True))


def busy() -> float:
    """The machine's load of the last minute."""
    return round(os.getloadavg()[0], 2)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
