"""An import from a file into a city's folder: streamed, taken up again where it broke off, put in place at the end."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from knowledge.catalogue import ITEMS_FILE, Catalogue, Confidence, Service, Source, Text
from knowledge.importers.columns import unknown_names
from knowledge.importers.formats import IMPORTERS, Format, format_of
from knowledge.importers.journal import Journal, write_whole
from knowledge.importers.national import Item, read_item
from knowledge.importers.place import Codes, Names, service_of
from knowledge.importers.row import Level, Problem, Row
from knowledge.importers.rows import look_at

WORK, REPORT, CODES_FILE = "importing", "errors.csv", "codes.csv"
CHECKPOINT_ROWS = 500
SOURCE_LETTER, AGENCY_LETTER, GROUP_LETTER = "I", "U", "G"
REPORT_COLUMNS = ("row", "field", "level", "problem")
_SERVICE = TypeAdapter(Service)


@dataclass(frozen=True)
class Options:
    """What the person who imports says of the list."""

    title: Text
    checked_on: str
    url: str | None = None
    confidence: Confidence = Confidence.UNSOURCED
    format: Format = Format.AUTO
    strict: bool = False


@dataclass(frozen=True)
class Summary:
    """What an import came to; `resumed_after` is the row after which it went on, 0 for one from the start."""

    rows: int
    kept: int
    refused: int
    warnings: int
    resumed_after: int
    encoding: str
    format: Format
    unknown_columns: tuple[str, ...]


class Import:
    """One run; `folder` is the city's folder that it fills, `base` the city's catalogue so far."""

    def __init__(self, path: Path, folder: Path, base: Catalogue, options: Options) -> None:
        self.source = look_at(path)
        told = format_of(self.source) if options.format is Format.AUTO else options.format
        self.options = replace(options, format=told)
        self.folder, self._base = folder, base
        self.journal = Journal(folder / WORK, self._mark())
        tables = self.journal.state.tables
        self._agencies = Names({**base.agencies, **_texts(tables.get("agencies", {}))}, AGENCY_LETTER)
        self._groups = Names({**base.groups, **_texts(tables.get("groups", {}))}, GROUP_LETTER)
        titles = Names({key: source.title for key, source in base.sources.items()}, SOURCE_LETTER)
        self._source_key = titles.key(options.title)
        self._codes = Codes(read_codes(folder / CODES_FILE), set(base.services))
        self._seen: set[str] = set()
        for identity, service in self.journal.items():
            self._codes.keep(identity, service["code"])
            self._seen.add(identity)

    def _mark(self) -> str:
        options = json.dumps(asdict(self.options), sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(f"{self.source.digest}\n{options}".encode()).hexdigest()

    def run(self, progress: Callable[[int], None] = lambda row: None) -> Summary:
        """Import every row and put the result in place; raises ImportFault, keeping what was done for the next run."""
        state = self.journal.state
        after, unknown = state.row, tuple[str, ...]()
        try:
            for row in self._rows(after):
                unknown = unknown or tuple(unknown_names(row.values))
                self._take(row)
                if row.number % CHECKPOINT_ROWS == 0:
                    self.journal.checkpoint(self._tables())
                progress(row.number)
            self._in_place()
        except BaseException:
            self.journal.close()
            raise
        self.journal.remove()
        told = (state.kept + state.refused, state.kept, state.refused, state.warnings)
        return Summary(*told, after, self.source.encoding, self.options.format, unknown)

    def _rows(self, after: int) -> Iterator[Row]:
        return (row for row in IMPORTERS[self.options.format](self.source) if row.number > after)

    def _take(self, row: Row) -> None:
        item, problems = self._item(row)
        state = self.journal.state
        state.row = row.number
        state.kept += item is not None
        state.refused += item is None
        state.warnings += sum(problem.level is Level.WARNING for problem in problems)
        for problem in problems:
            self.journal.add_problem(problem)
        if item is not None:
            code = self._codes.code(item)
            service = service_of(item, code, self._agencies, self._groups, self._base, self._source_key)
            self.journal.add_item(item.identity, _SERVICE.dump_python(service, mode="json", exclude_defaults=True))

    def _item(self, row: Row) -> tuple[Item | None, list[Problem]]:
        if row.problem:
            return None, [row.problem]
        try:
            item, problems = read_item(row, self.options.confidence, self._source_key)
        except ValueError as error:
            return None, [Problem(row.number, "", Level.ERROR, str(error).splitlines()[0])]
        if self.options.strict and problems:
            return None, [replace(problem, level=Level.ERROR) for problem in problems]
        if item is not None and item.identity in self._seen:
            return None, [Problem(row.number, "name", Level.ERROR, f"stands further up already: {item.identity}")]
        if item is not None:
            self._seen.add(item.identity)
        return item, problems

    def _tables(self) -> dict[str, dict[str, dict[str, str]]]:
        return {"agencies": _plain(self._agencies.table), "groups": _plain(self._groups.table)}

    def _in_place(self) -> None:
        """Tables first, items last, each in one move, so that a reader never meets an item without its tables."""
        source = Source(self.options.title, self.options.checked_on, self.options.url)
        sources = {**self._base.sources, self._source_key: source}
        told = TypeAdapter(dict[str, Source]).dump_python(sources, mode="json", exclude_defaults=True)
        tables = {
            "sources": told,
            "agencies": _plain(self._agencies.table),
            "groups": _plain(self._groups.table),
            "life_events": _plain(self._base.life_events),
        }
        write_whole(self.folder / CODES_FILE, _table(("code", "identity"), self._code_rows()))
        write_whole(self.folder / REPORT, _table(REPORT_COLUMNS, self.journal.problems()))
        for name, table in tables.items():
            write_whole(self.folder / f"{name}.yml", yaml.safe_dump(table, allow_unicode=True, sort_keys=False))
        write_whole(self.folder / ITEMS_FILE, "".join(f"{line}\n" for line in self._lines()))

    def _code_rows(self) -> Iterator[tuple[str, str]]:
        return ((code, identity) for identity, code in self._codes.by_identity.items())

    def _lines(self) -> Iterator[str]:
        """The items of other lists as they stand, and all of this one."""
        new = {service["code"]: service for _, service in self.journal.items()}
        for line in _old_lines(self.folder / ITEMS_FILE):
            told = json.loads(line)
            if told["code"] not in new and told["record"]["source"] != self._source_key:
                yield line
        yield from (json.dumps(service, ensure_ascii=False) for service in new.values())


def read_codes(path: Path) -> dict[str, str]:
    """Codes by identity."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as rows:
        return {row["identity"]: row["code"] for row in csv.DictReader(rows)}


def _old_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _texts(table: Mapping[str, Mapping[str, str]]) -> dict[str, Text]:
    return {key: Text(**row) for key, row in table.items()}


def _plain(table: Mapping[str, Text]) -> dict[str, dict[str, str]]:
    return {key: {k: v for k, v in (("zh", text.zh), ("en", text.en)) if v} for key, text in table.items()}


def _table(columns: tuple[str, ...], rows: Iterator[Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
