"""Demands whose item, names and place are known, to learn from (`nlu_data/demands_*`) or to measure on (`eval/`)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cases.duty import DutyList, Matter
from bot.cases.units import Place, UnitId
from bot.records import Record
from knowledge.queries import NLU_DATA
from knowledge.yaml_file import ContentError

EVAL = NLU_DATA / "eval"
Unit = tuple[str, UnitId | None]


@dataclass(frozen=True)
class Labelled:
    """One demand as its author meant it.

    `place` is None where no district is named in its own words: a landmark may still tell one, as may the rest of a
    message that holds several demands.
    """

    author: str
    text: str
    language: str
    type: str
    matter: Matter
    place: Place | None

    def truth(self, duty: DutyList, read: Place) -> Unit | None:
        """The unit that a duty list gives it, None where it has no line; the place read stands in for one not named.

        The unit of a line that needs a place is None where none is told.
        """
        told = self.place or read
        place = duty.units.located(told.district, told.subdistrict)
        line = duty.line(self.matter, place, self.type, self.text)
        return (line.lead, duty.units.at(line.lead, place)) if line else None


def read_labelled(folder: Path = NLU_DATA) -> tuple[Labelled, ...]:
    """The demands of a folder's `demands_<author>.csv` and `.jsonl`; raises ContentError."""
    found: list[Labelled] = []
    for path in sorted((*folder.glob("demands_*.csv"), *folder.glob("demands_*.jsonl"))):
        author = path.stem.removeprefix("demands_")
        for number, row in _rows(path):
            try:
                found += [_labelled(author, one) for one in row]
            except (KeyError, TypeError) as error:
                raise ContentError(path, number, f"no labelled demand: {error}") from error
    return tuple(found)


def _rows(path: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The demands of each line: one of a row, one or more of a message."""
    with path.open(encoding="utf-8", newline="") as lines:
        if path.suffix == ".csv":
            for number, row in enumerate(csv.DictReader(lines), start=2):
                yield number, [{**row, "item": row["service_item"]}]
            return
        for number, line in enumerate(lines, start=1):
            whole = json.loads(line)
            alone = len(whole["demands"]) == 1
            parts = [
                {**one, "text": whole["text"] if alone else one["part"], "alone": alone} for one in whole["demands"]
            ]
            yield number, [{**one, "language": whole["language"]} for one in parts]


def _labelled(author: str, row: dict[str, Any]) -> Labelled:
    matter = Matter(row["item"] or None, row.get("subcategory") or None, row["category"] or None)
    place = Place(row["district"], row["subdistrict"] or None) if row.get("district") and row.get("alone") else None
    return Labelled(author, row["text"], row["language"], row["type"], matter, place)


def record_of(line: Labelled, truth: Unit | None, found: Unit | None, share: float) -> Record:
    """A line's unit found beside the one that is right."""
    return Record("dispatch", line.text, line.language, "", (_told(truth),), (_told(found),), share)


def _told(unit: Unit | None) -> str:
    return "none" if unit is None else unit[1] or f"{unit[0]}:?"
