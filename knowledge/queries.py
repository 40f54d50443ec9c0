"""Sentences people say for a service: training lines that shape search, and dev lines that only measure it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from knowledge.yaml_file import ContentError

NLU_DATA = Path(__file__).resolve().parents[1] / "nlu_data"
COLUMNS = ["code", "language", "style", "text"]
UNCOVERED, VAGUE, OUTSIDE = "none", "vague", "outside"
STRANGERS = (UNCOVERED, VAGUE, OUTSIDE)
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Query:
    """One sentence and the service it asks for; `accept` lists further right answers."""

    text: str
    code: str
    language: str
    style: str
    author: str
    accept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stranger:
    """A sentence that asks for no service of the catalogue; `kind` is one of STRANGERS, `source` the file's stem."""

    text: str
    kind: str
    source: str


def read_training_queries(folder: Path = NLU_DATA / "queries") -> tuple[Query, ...]:
    """All lines of `train_<author>.csv`; raises ContentError with file and line."""
    found: list[Query] = []
    for path in sorted(folder.glob("train_*.csv")):
        author = path.stem.removeprefix("train_")
        with path.open(encoding="utf-8", newline="") as text:
            rows = csv.DictReader(text)
            if rows.fieldnames != COLUMNS:
                raise ContentError(path, 1, f"the columns are {COLUMNS}")
            for row in rows:
                _check(path, rows.line_num, row["language"], row["text"])
                query = Query(row["text"], row["code"], row["language"], row["style"], author)
                found.append(query)
    return tuple(found)


def read_strangers(folder: Path = NLU_DATA) -> tuple[Stranger, ...]:
    """What people say that no service answers; raises ContentError with file and line.

    Needs that are a city's matter but not in the catalogue (`uncovered*.csv`), messages that leave open what they want
    (`vague.csv`), and what is no city's matter (`outside.csv` and the acts out of scope).
    """
    found = [
        Stranger(row["text"], kind, path.stem)
        for kind, pattern in ((UNCOVERED, "uncovered*.csv"), (VAGUE, "vague*.csv"), (OUTSIDE, "outside.csv"))
        for path in sorted(folder.glob(pattern))
        for row in _read_rows(path, {"language", "text"})
    ]
    acts = _read_rows(folder / "acts.csv", {"intent", "language", "text"})
    found += [Stranger(row["text"], OUTSIDE, "acts") for row in acts if row["intent"] == "out_of_scope"]
    return tuple(found)


def _read_rows(path: Path, columns: set[str]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text)
        if not columns <= set(rows.fieldnames or ()):
            raise ContentError(path, 1, f"needs the columns {', '.join(sorted(columns))}")
        found: list[dict[str, str]] = []
        for row in rows:
            _check(path, rows.line_num, row["language"], row["text"])
            found.append(row)
        return found


def read_dev_queries(folder: Path = NLU_DATA / "eval") -> tuple[Query, ...]:
    """All lines of `services_<author>.jsonl`; raises ContentError with file and line."""
    found: list[Query] = []
    for path in sorted(folder.glob("services_*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            row = json.loads(line)
            _check(path, number, row["language"], row["text"])
            found.append(
                Query(
                    row["text"],
                    row["code"],
                    row["language"],
                    row["style"],
                    path.stem.removeprefix("services_"),
                    tuple(row.get("accept", ())),
                )
            )
    return tuple(found)


def _check(path: Path, line: int, language: str, text: str) -> None:
    if language not in LANGUAGES:
        raise ContentError(path, line, f"language is {language!r}, not zh or en")
    if not text.strip():
        raise ContentError(path, line, "an empty sentence")
