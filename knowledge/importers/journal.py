"""What a running import has done, on disk: two files that only grow and a checkpoint with their lengths.

A checkpoint fits one input with one set of options. A run that was killed goes on from its last checkpoint and ends
with the same files as a run that was not.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from knowledge.importers.row import Problem

CHECKPOINT_FILE = "checkpoint.json"
FILES = ("items", "problems")


@dataclass
class State:
    """How far an import is: the last row done, the lengths of the files, the tables that grow, and counts."""

    mark: str
    row: int = 0
    lengths: dict[str, int] = field(default_factory=dict)
    tables: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    kept: int = 0
    refused: int = 0
    warnings: int = 0


class Journal:
    """The work folder of one import."""

    def __init__(self, folder: Path, mark: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.state = self._read(mark)
        self._files = {name: self._opened(name) for name in FILES}

    def _read(self, mark: str) -> State:
        try:
            told = json.loads((self.folder / CHECKPOINT_FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return State(mark)
        return State(**told) if told.get("mark") == mark else State(mark)

    def _opened(self, name: str) -> BinaryIO:
        path = self.folder / name
        path.touch()
        handle = path.open("r+b")
        handle.truncate(self.state.lengths.get(name, 0))
        handle.seek(0, os.SEEK_END)
        return handle

    def add_item(self, identity: str, service: Mapping[str, Any]) -> None:
        """Note an item that was taken."""
        self._write("items", {"identity": identity, "service": service})

    def add_problem(self, problem: Problem) -> None:
        """Note a line of the error report."""
        self._write("problems", [problem.row, problem.field, str(problem.level), problem.text])

    def _write(self, name: str, value: Any) -> None:
        self._files[name].write((json.dumps(value, ensure_ascii=False) + "\n").encode())

    def items(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Identity and service of every item so far."""
        for told in self._lines("items"):
            yield told["identity"], told["service"]

    def problems(self) -> Iterator[list[Any]]:
        """The lines of the error report so far."""
        yield from self._lines("problems")

    def _lines(self, name: str) -> Iterator[Any]:
        self._files[name].flush()
        with (self.folder / name).open("rb") as lines:
            yield from map(json.loads, lines)

    def checkpoint(self, tables: dict[str, dict[str, dict[str, str]]]) -> None:
        """Make everything so far last through a kill."""
        for handle in self._files.values():
            handle.flush()
            os.fsync(handle.fileno())
        self.state.lengths = {name: handle.tell() for name, handle in self._files.items()}
        self.state.tables = tables
        write_whole(self.folder / CHECKPOINT_FILE, json.dumps(asdict(self.state), ensure_ascii=False))

    def close(self) -> None:
        """Let go of the files."""
        for handle in self._files.values():
            handle.close()

    def remove(self) -> None:
        """Forget the run once its result is in place."""
        self.close()
        shutil.rmtree(self.folder)


def write_whole(path: Path, text: str) -> None:
    """Put a file in place in one move: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)
