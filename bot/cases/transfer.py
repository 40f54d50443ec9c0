"""Cases out to a file and in from one, as CSV or JSON Lines; both ways a batch at a time, whatever their number."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, TextIO

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from bot.cases.bulk import BATCH, pages, put
from bot.cases.record import COLUMNS, OPEN_DATA, PERSONAL, TEXT_COLUMNS, CaseRecord
from bot.errors import CaseError
from bot.store import Store

# A spreadsheet takes a cell that begins so for a formula; the sign before it makes it a text, also before itself.
TEXT_SIGN = "'"
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", TEXT_SIGN)
MAX_TOLD = 100
MAX_FIELD = 10_000_000
PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "必填 required",
        "extra_forbidden": "未知的列 unknown column",
        "unkept": "含有无法保存的字符 has a character that cannot be kept",
        "case_number": "不是有效的工单号 not a case number",
        "too_long": "过长 too long",
        "string_too_long": "过长 too long",
        "no_unit": "此状态的工单须有承办单位 a case in this status has a unit",
        "leader": "并单须有主单，其他状态不得有 a merged case, and no other, has a case that leads it",
        "last_event": "状态与最后一条记录不符 the status is not that of the last event",
        "enum": "不在允许的取值内 not one of the allowed values",
        "literal_error": "不在允许的取值内 not one of the allowed values",
        "json": "不是 JSON not JSON",
        "columns": "列数与表头不符 not as many cells as the heading",
        "twice": "列出现两次 column stands twice",
        "encoding": "不是 UTF-8 not UTF-8",
        "clash": "与已有工单冲突 clashes with a case that is there",
    }
)
_FAMILIES = {
    "datetime": "不是时间 not a time",
    "date": "不是时间 not a time",
    "timezone": "不是时间 not a time",
    "float": "不是数 not a number",
    "int": "不是整数 not a whole number",
    "bool": "不是 true 或 false not true or false",
    "greater": "超出范围 out of range",
    "less": "超出范围 out of range",
}


class TransferFault(CaseError):
    """The file as a whole cannot be read."""


class Format(StrEnum):
    """What a file of cases is; JSON Lines also holds events, hand-overs, ratings and marks."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line."""

    line: int
    field: str
    problem: str

    def __str__(self) -> str:
        return f"第 {self.line} 行 line {self.line}: {self.field + ': ' if self.field else ''}{self.problem}"


@dataclass
class Imported:
    """What became of the lines of a file; `left` were in a batch with a fault, so they were not imported."""

    new: int = 0
    known: int = 0
    left: int = 0
    faults: list[Fault] = field(default_factory=list)
    wrong: int = 0


def format_of(path: Path) -> Format:
    """By the end of the name; raises TransferFault."""
    try:
        return {"csv": Format.CSV, "jsonl": Format.JSONL, "ndjson": Format.JSONL}[path.suffix.lower().lstrip(".")]
    except KeyError:
        raise TransferFault(f"{path.name}: 文件名须以 .csv 或 .jsonl 结尾 the name ends in .csv or .jsonl") from None


def exported(store: Store, zone: tzinfo, since: datetime | None = None, personal: bool = False) -> Iterator[CaseRecord]:
    """All cases by time of filing; each batch is read in a transaction of its own, so nobody waits for the whole."""
    last: CaseRecord | None = None
    while True:
        with store.work() as work:
            found = pages(work.connection, since, last, zone)
        if not found:
            return
        last = found[-1]
        yield from found if personal else (one.masked() for one in found)
        del found


def write(
    records: Iterator[CaseRecord], file: TextIO, form: Format, personal: bool, step: Callable[[], None] = lambda: None
) -> int:
    """Write records to a file opened with newline=""; gives how many."""
    count = 0
    names = [name for name in COLUMNS if personal or name not in PERSONAL]
    table = csv.writer(file, lineterminator="\r\n")
    if form is Format.CSV:
        table.writerow(names)
    for count, record in enumerate(records, start=1):  # noqa: B007
        if form is Format.CSV:
            table.writerow([_cell(name, getattr(record, name)) for name in names])
        else:
            told = record.model_dump(
                mode="json", exclude_none=True, exclude=None if personal else set(PERSONAL), warnings=False
            )
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
        step()
    return count


def import_file(
    store: Store, file: BinaryIO, form: Format, zone: tzinfo, step: Callable[[int], None] = lambda done: None
) -> Imported:
    """Take in what is not there yet; a batch with a fault is left out whole, so that the mended file can be sent again.

    `step` gets the bytes read so far. Raises TransferFault where not even the first line can be read.
    """
    done = Imported()
    batch: list[tuple[int, CaseRecord]] = []
    size, bad = 0, False
    for line, found in _records(file, form, zone):
        size += 1
        if isinstance(found, CaseRecord):
            batch.append((line, found))
        else:
            bad = True
            done.wrong += len(found)
            done.faults += found[: max(0, MAX_TOLD - len(done.faults))]
        if size == BATCH:
            _take(store, batch, zone, done, size, bad)
            batch, size, bad = [], 0, False
            step(file.tell())
    _take(store, batch, zone, done, size, bad)
    return done


def _take(
    store: Store, batch: Sequence[tuple[int, CaseRecord]], zone: tzinfo, done: Imported, size: int, bad: bool
) -> None:
    if bad or not batch:
        done.left += size
        return
    try:
        with store.work() as work:
            new = put(work.connection, [record for _, record in batch], zone)
            work.cases.changed = new > 0
    except IntegrityError:
        done.left += size
        done.wrong += 1
        done.faults.append(Fault(batch[0][0], f"… {batch[-1][0]}", PROBLEMS["clash"]))
    else:
        done.new += new
        done.known += size - new


def _records(file: BinaryIO, form: Format, zone: tzinfo) -> Iterator[tuple[int, CaseRecord | list[Fault]]]:
    lines = _rows_of_csv(file) if form is Format.CSV else _rows_of_json(file)
    for line, values in lines:
        if isinstance(values, Fault):
            yield line, [values]
            continue
        try:
            yield line, CaseRecord.model_validate(values, context={"zone": zone})
        except ValidationError as error:
            yield line, [_fault(line, one) for one in error.errors()]


def _rows_of_json(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | Fault]]:
    for line, raw in enumerate(file, start=1):
        if not raw.strip():
            continue
        try:
            values = json.loads(raw.decode("utf-8-sig" if line == 1 else "utf-8"))
        except UnicodeDecodeError:
            yield line, Fault(line, "", PROBLEMS["encoding"])
        except ValueError:
            yield line, Fault(line, "", PROBLEMS["json"])
        else:
            yield line, values if isinstance(values, dict) else Fault(line, "", PROBLEMS["json"])


def _rows_of_csv(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | Fault]]:
    csv.field_size_limit(MAX_FIELD)
    text = TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text, strict=True)
    try:
        names = _heading(next(rows, []))
        start = rows.line_num + 1
        for cells in rows:
            line, start = start, rows.line_num + 1
            if len(cells) != len(names):
                if cells:
                    yield line, Fault(line, "", PROBLEMS["columns"])
                continue
            yield (
                line,
                {
                    name: told
                    for name, cell in zip(names, cells, strict=True)
                    if (told := _told(name, cell)) is not None
                },
            )
    except csv.Error as error:
        yield rows.line_num, Fault(rows.line_num, "", f"不是 CSV not CSV: {error}")
    finally:
        text.detach()


def _heading(cells: Sequence[str]) -> list[str]:
    """The names of the columns, those of the open data among them; raises TransferFault."""
    names = [OPEN_DATA.get(cell.strip().upper(), cell.strip().lower()) for cell in cells]
    for name in names:
        problem = "extra_forbidden" if name not in COLUMNS else "twice" if names.count(name) > 1 else None
        if problem:
            raise TransferFault(str(Fault(1, name, PROBLEMS[problem])))
    if "number" not in names:
        raise TransferFault(str(Fault(1, "number", PROBLEMS["missing"])))
    return names


def _fault(line: int, error: Mapping[str, Any]) -> Fault:
    kind = str(error["type"])
    where = ".".join(str(part) for part in error["loc"]) or str(error.get("ctx", {}).get("field", ""))
    problem = PROBLEMS.get(kind) or _FAMILIES.get(kind.split("_")[0], f"取值无效 not a valid value ({kind})")
    return Fault(line, where, problem)


def _cell(name: str, value: object) -> str:
    """A value as a cell: nothing for None, a sign before a text that could be a formula, and before an empty text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    return f"{TEXT_SIGN}{text}" if name in TEXT_COLUMNS and (not text or text.startswith(FORMULAS)) else text


def _told(name: str, cell: str) -> object:
    """What a cell says; the opposite of `_cell`."""
    if not cell:
        return None
    if name in TEXT_COLUMNS:
        return cell.removeprefix(TEXT_SIGN)
    if name == "assisting":
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    return cell
