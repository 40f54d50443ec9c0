"""Sentences people say for a service: training lines that shape search, and dev lines that only measure it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from knowledge.yaml_file import ContentError

NLU_DATA = Path(__file__).resolve().parents[1] / "nlu_data"
COLUMNS = ["code", "language", "style", "text"]
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


def read_uncovered(folder: Path = NLU_DATA) -> tuple[str, ...]:
    """Needs that are a city's matter but that no service of the catalogue answers: all lines of `uncovered*.csv`."""
    return tuple(text for path in sorted(folder.glob("uncovered*.csv")) for text in _read_texts(path))


def read_vague(path: Path = NLU_DATA / "vague.csv") -> tuple[str, ...]:
    """Messages that want something of the city but leave open what, so that one has to ask back."""
    return tuple(_read_texts(path))


def _read_texts(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text)
        if rows.fieldnames != ["language", "text"]:
            raise ContentError(path, 1, "the columns are language and text")
        found: list[str] = []
        for row in rows:
            _check(path, rows.line_num, row["language"], row["text"])
            found.append(row["text"])
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
