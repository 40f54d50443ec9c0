"""What editors taught: aliases, example sentences and uncovered needs, each line with its author and date.

A learned folder holds `aliases.csv`, `queries.csv` and `uncovered.csv`. Two are read: `nlu_data/learned` of the
repository, and one beside what a run writes, so that an installation whose own files are read-only learns too.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from knowledge.catalogue import Catalogue, Service, ServiceCode
from knowledge.city import City
from knowledge.queries import LANGUAGES, NLU_DATA, UNCOVERED, Query, Stranger
from knowledge.yaml_file import ContentError

REPOSITORY = NLU_DATA / "learned"
STYLE = "learned"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "aliases.csv": ("code", "language", "text", "author", "date"),
    "queries.csv": ("code", "language", "style", "text", "author", "date"),
    "uncovered.csv": ("language", "text", "author", "date"),
}


@dataclass(frozen=True)
class Learned:
    """The accepted lines of all learned folders."""

    aliases: tuple[tuple[ServiceCode, str, str], ...] = ()
    queries: tuple[Query, ...] = ()
    uncovered: tuple[str, ...] = ()

    def added_to(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with the learned aliases among its services' own; those of unknown codes are left out."""
        services = dict(catalogue.services)
        for code, language, text in self.aliases:
            if code in services:
                services[code] = _with_alias(services[code], language, text)
        return replace(catalogue, services=services)

    def strangers(self) -> tuple[Stranger, ...]:
        """The learned needs that no service covers."""
        return tuple(Stranger(text, UNCOVERED, STYLE) for text in self.uncovered)

    def queries_for(self, catalogue: Catalogue) -> tuple[Query, ...]:
        """The learned sentences of the services that the catalogue has."""
        return tuple(query for query in self.queries if query.code in catalogue)


def read_learned(*folders: Path) -> Learned:
    """The lines of several folders, each text of a kind once; raises ContentError with file and line."""
    found: dict[str, list[dict[str, str]]] = {name: [] for name in COLUMNS}
    for folder in dict.fromkeys(path.resolve() for path in folders):
        for name, rows in found.items():
            known = {(row.get("code"), row["text"]) for row in rows}
            rows += [row for row in _read_rows(folder / name) if (row.get("code"), row["text"]) not in known]
    return Learned(
        tuple((ServiceCode(row["code"]), row["language"], row["text"]) for row in found["aliases.csv"]),
        tuple(
            Query(row["text"], row["code"], row["language"], row["style"], row["author"])
            for row in found["queries.csv"]
        ),
        tuple(row["text"] for row in found["uncovered.csv"]),
    )


def learned_folder(city: City, learned_dir: Path) -> Path:
    """Where the accepted lines of a city go: the folder itself for the home city, else one within it."""
    return learned_dir if city.home else learned_dir / "cities" / city.key


def learned_of(city: City, learned_dir: Path) -> Learned:
    """The accepted lines of a city; those that the repository ships are for the home city."""
    own = learned_folder(city, learned_dir)
    return read_learned(REPOSITORY, own) if city.home else read_learned(own)


def append_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Add lines to a file of a learned folder; a reader sees all of them or none."""
    lines = [*_read_rows(path), *rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    with fresh.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, COLUMNS[path.name], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    fresh.replace(path)


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    columns = COLUMNS[path.name]
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text)
        if tuple(rows.fieldnames or ()) != columns:
            raise ContentError(path, 1, f"the columns are {', '.join(columns)}")
        found = []
        for row in rows:
            _check(path, rows.line_num, row)
            found.append(row)
        return found


def _check(path: Path, line: int, row: Mapping[str, str]) -> None:
    if row["language"] not in LANGUAGES:
        raise ContentError(path, line, f"language is {row['language']!r}, not zh or en")
    for name in ("text", "author"):
        if not (row[name] or "").strip():
            raise ContentError(path, line, f"no {name}")
    try:
        date.fromisoformat(row["date"] or "")
    except ValueError:
        raise ContentError(path, line, f"date is {row['date']!r}, not year-month-day") from None


def _with_alias(service: Service, language: str, text: str) -> Service:
    own = service.aliases
    if text in own.all():
        return service
    aliases = replace(own, zh=[*own.zh, text]) if language == "zh" else replace(own, en=[*own.en, text])
    return replace(service, aliases=aliases)
