"""What an importer hands on: one row of a list with its number, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """Whether a row was refused, or taken with a remark."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One line of the error report."""

    row: int
    field: str
    level: Level
    text: str


@dataclass(frozen=True)
class Row:
    """One row as it was read; `problem` says why it could not be read, then `values` is empty."""

    number: int
    values: Mapping[str, Any]
    problem: Problem | None = None


class ImportFault(Exception):
    """The whole file cannot be read; the text says what and where."""
