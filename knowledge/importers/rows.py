"""Rows of CSV, XLSX, JSON and JSON Lines files, one at a time, however large the file.

Rows are numbered as a person counts them: a line of a table with its header as 1, an object of a list from 1.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import itertools
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson
import openpyxl

from knowledge.importers.row import ImportFault, Level, Problem, Row

MAX_CELL = 20_000
MAX_LINE = 2_000_000
MAX_UNPACKED = 1_000_000_000
BLOCK = 1 << 20
FALLBACK = "gb18030"
FORMULA = re.compile(r"^=|^[+\-@][A-Za-z ]+[(|!]")
MARKED = re.compile(r"^'(?=[=+\-@\t\r])")


@dataclass(frozen=True)
class Source:
    """A file to import: its digest over all bytes, its encoding, its bytes and line ends."""

    path: Path
    digest: str
    encoding: str
    size: int
    lines: int


def look_at(path: Path) -> Source:
    """The digest and the encoding of a file, in one pass; raises ImportFault for neither UTF-8, UTF-16 nor GB 18030."""
    digest = hashlib.sha256()
    tried = [codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", FALLBACK)]
    readable = [True, True]
    lines = 0
    try:
        with path.open("rb") as content:
            head = content.read(4)
            content.seek(0)
            while block := content.read(BLOCK):
                digest.update(block)
                lines += block.count(b"\n")
                for place, decoder in enumerate(tried):
                    readable[place] = readable[place] and _decodes(decoder, block)
    except OSError as error:
        raise ImportFault(f"{path}: {error.strerror}") from None
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif head.startswith(b"PK"):
        encoding = "binary"
    elif readable[0] or readable[1]:
        encoding = "utf-8-sig" if readable[0] else FALLBACK
    else:
        raise ImportFault(f"{path}: the text is neither UTF-8, UTF-16 nor GB 18030")
    return Source(path, digest.hexdigest(), encoding, path.stat().st_size, lines)


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes) -> bool:
    try:
        decoder.decode(block, final=len(block) < BLOCK)
    except UnicodeDecodeError:
        return False
    return True


def read_rows(source: Source) -> Iterator[Row]:
    """The rows of a file by the ending of its name; raises ImportFault."""
    reader = READERS.get(source.path.suffix.lower())
    if reader is None:
        raise ImportFault(f"{source.path}: read are {', '.join(READERS)}")
    return reader(source)


def _csv(source: Source) -> Iterator[Row]:
    with source.path.open(encoding=source.encoding, newline="") as text:
        separator = "\t" if source.path.suffix.lower() == ".tsv" else ","
        reader = csv.reader(text, delimiter=separator, strict=True)
        csv.field_size_limit(MAX_LINE)
        yield from _table(source, ((reader.line_num, cells) for cells in _lines(source, reader)))


def _lines(source: Source, reader: Any) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ImportFault(f"{source.path}: line {reader.line_num}: {error} (a quote that is not closed?)") from None


def _xlsx(source: Source) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(source.path) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAX_UNPACKED:
                raise ImportFault(f"{source.path}: unpacks to more than {MAX_UNPACKED // 10**6} MB")
        book = openpyxl.load_workbook(source.path, read_only=True, data_only=False)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ImportFault(f"{source.path}: no workbook: {error}") from None
    sheet = book.worksheets[0]
    numbered = enumerate(sheet.iter_rows(values_only=True), start=1)
    yield from _table(source, ((number, list(cells)) for number, cells in numbered))
    book.close()


def _table(source: Source, lines: Iterator[tuple[int, Sequence[Any]]]) -> Iterator[Row]:
    """Rows under a header; empty lines are left out."""
    header = next(lines, None)
    if header is None:
        raise ImportFault(f"{source.path}: the file is empty")
    columns = [_text(cell) for cell in header[1]]
    while columns and not columns[-1]:
        columns.pop()
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice or not any(columns):
        raise ImportFault(f"{source.path}: columns given twice: {twice}" if twice else f"{source.path}: no header")
    for number, cells in lines:
        told = [_text(cell) for cell in cells]
        if not any(told):
            continue
        if any(told[len(columns) :]):
            yield _refused(number, "", f"has more cells than the {len(columns)} columns")
            continue
        yield _row(number, dict(zip(columns, told, strict=False)))


def _json(source: Source) -> Iterator[Row]:
    """The objects of the first list in a JSON file."""
    try:
        with source.path.open("rb") as content:
            prefix = _list_in(content)
            content.seek(0)
            for number, value in enumerate(ijson.items(content, prefix, use_float=True), start=1):
                yield _object(number, value)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise ImportFault(f"{source.path}: no JSON in UTF-8: {error}") from None


def _list_in(content: io.BufferedIOBase) -> str:
    for prefix, event, _ in ijson.parse(content):
        if event == "start_array":
            return f"{prefix}.item" if prefix else "item"
    raise ImportFault("the file holds no list")


def _json_lines(source: Source) -> Iterator[Row]:
    with source.path.open(encoding=source.encoding) as text:
        for number in itertools.count(1):
            line = text.readline(MAX_LINE)
            if not line:
                return
            if len(line) == MAX_LINE:
                raise ImportFault(f"{source.path}: line {number} has more than {MAX_LINE} characters")
            if not line.strip():
                continue
            try:
                yield _object(number, json.loads(line))
            except (json.JSONDecodeError, RecursionError) as error:
                yield _refused(number, "", f"no JSON: {error}")


def _object(number: int, value: Any) -> Row:
    return _row(number, value) if isinstance(value, dict) else _refused(number, "", "is no object")


def _row(number: int, values: dict[str, Any]) -> Row:
    for name, value in values.items():
        for text in _strings(value):
            if len(text) > MAX_CELL:
                return _refused(number, name, f"has {len(text)} characters, more than {MAX_CELL}")
            if FORMULA.match(text):
                return _refused(number, name, "holds a formula, not a value")
    return Row(number, {name: _unmarked(value) for name, value in values.items()})


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _unmarked(value: Any) -> Any:
    """A text without the apostrophe that keeps a spreadsheet from reading it as a formula."""
    return MARKED.sub("", value) if isinstance(value, str) else value


def _refused(number: int, field: str, text: str) -> Row:
    return Row(number, {}, Problem(number, field, Level.ERROR, text))


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


READERS: dict[str, Callable[[Source], Iterator[Row]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".xlsx": _xlsx,
    ".json": _json,
    ".jsonl": _json_lines,
}
