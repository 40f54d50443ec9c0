"""What a comparison asks of an engine, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from connectors.rasa.processes import RasaServer
from connectors.rasa.timed import Timed

Tell = Callable[[str], None]


class Engine(StrEnum):
    """The engines compared."""

    OURS = "ours"
    RASA = "rasa"


@dataclass(frozen=True)
class Place:
    """Where one engine works on one project: the project's folder (absolute), and one of its own for what it makes."""

    project: Path
    work: Path

    @property
    def log(self) -> Path:
        """What the engine's programs print."""
        return self.work / "engine.log"


class Side(Protocol):
    """An engine driven from outside, program by program."""

    @property
    def engine(self) -> Engine:
        """Which it is."""
        ...

    def trained(self, place: Place, whole: bool, tell: Tell) -> Timed:
        """Learn the project in a process of its own; `whole` with its rules, else the understanding alone.

        Raises RasaFailed.
        """
        ...

    def has_learnt(self, place: Place) -> bool:
        """Whether what was learnt still lies there."""
        ...

    def running(self, place: Place) -> AbstractContextManager[RasaServer]:
        """The trained project as a server until the block ends; raises RasaFailed."""
        ...

    def versions(self) -> dict[str, str]:
        """What is compared, by name and version."""
        ...
