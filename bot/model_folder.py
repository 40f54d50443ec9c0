"""Trained models on disk: every part in a folder named after what it was made from, and a pointer to those in use.

A part is never changed once it stands there, so a server may read it while the next one is trained beside it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT = 3
MARK_CHARS = 16
POINTER = "current"


class ModelFolder:
    """The `models` folder of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "models"

    def part(self, name: str, mark: str) -> Path:
        """Where the part of a name made from `mark` stands, or will stand."""
        return self._root / f"{name}-{mark[-MARK_CHARS:]}"

    @contextmanager
    def making(self, part: Path) -> Iterator[Path]:
        """A folder to write a part to; it takes its place, whole, at the end."""
        fresh = part.with_name(f"new-{part.name}-{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        try:
            yield fresh
            if part.exists():
                # Broken, or made by another process meanwhile; in either case the fresh one is as good.
                part.rename(fresh.with_suffix(".old"))
            fresh.rename(part)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(fresh.with_suffix(".old"), ignore_errors=True)

    def current(self) -> tuple[str, ...]:
        """The names of the parts in use, none before the first training."""
        try:
            return tuple((self._root / POINTER).read_text(encoding="utf-8").split())
        except FileNotFoundError:
            return ()

    def parts(self) -> tuple[Path, ...]:
        """The folders of the parts in use."""
        return tuple(self._root / name for name in self.current())

    def point_to(self, *parts: Path) -> None:
        """Name the parts to use from now on and forget all but the last few of each name."""
        names = tuple(part.name for part in parts)
        for part in parts:
            os.utime(part)
        if names != self.current():
            fresh = self._root / f"{POINTER}.{os.getpid()}"
            fresh.write_text("\n".join(names) + "\n", encoding="utf-8")
            fresh.replace(self._root / POINTER)
        for part in parts:
            prefix = part.name.rsplit("-", 1)[0]
            alike = sorted(self._root.glob(f"{prefix}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
            for old in alike[KEPT:]:
                shutil.rmtree(old, ignore_errors=True)
