"""What a comparison has measured so far, one JSON file a step, so that a run that was cut short goes on."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
from pydantic import TypeAdapter, ValidationError

from connectors.rasa.dialogue_load import Load
from connectors.rasa.parsing import Read
from connectors.rasa.sides import Engine
from connectors.rasa.timed import Timed

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
class Learnt:
    """One engine has learnt a case: `mark` tells all it depends on, `busy` the machine's load before (one minute)."""

    mark: str
    examples: int
    busy: float
    took: Timed


@dataclass(frozen=True)
class Served:
    """One engine has served a case: seconds to start, resident memory after the work in MB, and what it answered."""

    mark: str
    busy: float
    start_s: float
    memory_mb: float
    rows: tuple[Read, ...] = ()
    loads: tuple[Load, ...] = ()


@dataclass(frozen=True)
class BenchRun:
    """What a table tells of its making; `versions` by engine and name."""

    machine: Machine
    versions: Mapping[str, Mapping[str, str]]
    epochs: int
    seed: int
    date: str
    most: int = 0

    def mark(self, engine: Engine, *parts: str) -> str:
        """A digest of what a measurement of one engine depends on; what the other engine is does not count."""
        told = (self.machine, sorted(self.versions.get(engine, {}).items()), self.epochs, self.seed, self.most)
        return hashlib.sha256(repr((told, parts)).encode()).hexdigest()[:16]


class Results:
    """The folder of a comparison."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def learnt(self, case: str, engine: Engine) -> Learnt | None:
        """What is kept of an engine's learning."""
        return self._read(f"{case}.{engine}.learnt.json", Learnt)

    def served(self, case: str, engine: Engine) -> Served | None:
        """What is kept of an engine's serving."""
        return self._read(f"{case}.{engine}.served.json", Served)

    def keep(self, case: str, engine: Engine, done: Learnt | Served) -> None:
        """Keep a step; a cut never leaves half a file."""
        name = f"{case}.{engine}.{'learnt' if isinstance(done, Learnt) else 'served'}.json"
        fresh = self.folder / f"{name}.new"
        fresh.write_bytes(TypeAdapter(type(done)).dump_json(done, indent=1))
        fresh.replace(self.folder / name)

    def forget(self, case: str, engine: Engine) -> None:
        """Throw away the steps of one engine on a case."""
        for path in self.folder.glob(f"{case}.{engine}.*.json"):
            path.unlink()

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
