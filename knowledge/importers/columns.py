"""The names that columns go by: Chinese, English of our field list, and of the public database schema."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("fields.csv")
SUFFIX = re.compile(r"^(?P<name>.+?)(?:[_ ](?P<latin>zh|en|yue)|[（(](?P<said>中文|英文|zh|en)[)）])$", re.IGNORECASE)
SAID = {"中文": "zh", "英文": "en"}


@dataclass(frozen=True)
class Column:
    """A field of the item model with its role in ours, and the language that a column's name says."""

    field: str
    role: str
    language: str | None = None


@lru_cache(maxsize=1)
def roles() -> Mapping[str, str]:
    """The role of every field of the item model."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        return {row["field"]: row["role"] for row in csv.DictReader(rows)}


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, str]:
    with FILE.open(encoding="utf-8", newline="") as rows:
        return {
            name.lower(): row["field"]
            for row in csv.DictReader(rows)
            for name in (row["field"], *row["zh"].split("|"), *row["db"].split("|"))
            if name
        }


@lru_cache(maxsize=2000)
def column(name: str) -> Column | None:
    """What a column's name means, None when it is not known."""
    plain = name.strip().lower()
    if (field := _by_name().get(plain)) is not None:
        return Column(field, roles()[field])
    match = SUFFIX.match(plain)
    if match is None or (field := _by_name().get(match["name"].strip())) is None:
        return None
    said = match["latin"] or SAID.get(match["said"], match["said"])
    return Column(field, roles()[field], said.lower())


def by_field(values: Mapping[str, Any]) -> dict[str, list[tuple[str | None, Any]]]:
    """The values of a row by field of the item model, each with the language its column says."""
    found: dict[str, list[tuple[str | None, Any]]] = {}
    for name, value in values.items():
        known = column(name)
        if known is not None and value not in (None, "", [], {}):
            found.setdefault(known.field, []).append((known.language, value))
    return found


def unknown_names(names: Iterable[str]) -> list[str]:
    """The columns that mean nothing to us."""
    return [name for name in names if name and column(name) is None]
