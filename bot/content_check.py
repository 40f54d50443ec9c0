"""Checks every content file: wrong columns and values, lines given twice, dev lines that are trained on."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot.cases.case import DemandType
from bot.cases.demand_heads import read_subcategories
from bot.cases.duty import check_duty
from bot.cases.letters import FIELDS as LETTER_FIELDS
from bot.cases.written_reports import COLUMNS as DUPLICATES
from bot.domain import read_domain
from bot.follow_ups import COLUMNS as FOLLOW_UP_COLUMNS
from bot.follow_ups import NONE
from bot.nlu.intents import NLU_FILES
from bot.nlu.paths import COLUMNS as PATH_COLUMNS
from bot.nlu.training_data import read_nlu
from bot.rules import read_rules
from knowledge.catalogue import Catalogue, read_catalogue
from knowledge.city import find_city, shipped_cities
from knowledge.learned import COLUMNS as LEARNED
from knowledge.normal import normalise
from knowledge.paths import read_paths
from knowledge.queries import COLUMNS, LANGUAGES, NLU_DATA
from knowledge.yaml_file import ContentError

MIN_LINES = 20
ORDINARY = "ordinary"
MIXED = "mixed"
SPAN_LABELS = {"location", "time"}
URGENCIES = {"normal", "urgent", "emergency"}
SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("queries/train_*.csv", tuple(COLUMNS)),
    ("acts.csv", ("intent", "language", "text")),
    ("safety.csv", ("intent", "language", "text")),
    ("danger_border.csv", ("intent", "language", "text")),
    ("demands_*.csv", ("type", "category", "subcategory", "service_item", "urgency", "language", "style", "text")),
    ("demands_*.jsonl", ("text", "language", "style", "demands")),
    ("eval/demands_*.jsonl", ("text", "language", "style", "demands")),
    ("uncovered*.csv", ("language", "text")),
    ("vague.csv", ("language", "text")),
    ("paths.csv", tuple(PATH_COLUMNS)),
    *((f"learned/{name}", columns) for name, columns in LEARNED.items()),
    ("outside.csv", ("language", "source", "text")),
    ("follow_ups/*.csv", tuple(FOLLOW_UP_COLUMNS)),
    ("entities_*.jsonl", ("text", "language", "spans")),
    ("duplicates_*.jsonl", DUPLICATES),
    ("eval/two_demands.csv", ("language", "text", "first", "second")),
    ("eval/pairs.csv", ("code", "zh", "en")),
    ("eval/services_*.jsonl", ("text", "code", "language", "style")),
    ("eval/intents_*.jsonl", ("text", "intent", "language")),
    ("eval/safety_*.jsonl", ("text", "label", "language")),
    ("eval/openings_*.jsonl", ("text", "outcome", "language")),
    ("eval/entities_*.jsonl", ("text", "language", "spans")),
    ("eval/duplicates_*.jsonl", DUPLICATES),
    ("eval/calls_*.jsonl", ("call", "language", "asr", "segments", "want")),
)
OPTIONAL = {"accept"}
TRAINING = ("*.csv", "*.jsonl", "queries/*.csv", "learned/*.csv")
EVAL = ("eval/*.csv", "eval/*.jsonl")
# Only how signs weigh is learnt from these, no words: a short one may stand elsewhere too.
FOLLOW_UPS = ("follow_ups/*.csv",)


@dataclass(frozen=True)
class Line:
    """One sentence of a content file; `code` or `intent` where its file gives one."""

    file: Path
    number: int
    text: str
    language: str = ""
    code: str = ""
    intent: str = ""


@dataclass(frozen=True)
class Known:
    """The names that content may use."""

    codes: frozenset[str]
    categories: frozenset[str]
    intents: frozenset[str]
    paths: frozenset[str]


def check_content(folder: Path = NLU_DATA) -> tuple[ContentError, ...]:
    """Every problem of the content, in the order of the files; empty when all is well."""
    try:
        catalogue, domain = read_catalogue(), read_domain()
        read_rules(domain)
        paths = read_paths(catalogue)
    except ContentError as error:
        return (error,)
    categories = frozenset(category.zh for category in catalogue.categories)
    known = Known(
        frozenset(service.code for service in catalogue), categories, frozenset(domain.intents), frozenset(paths)
    )
    problems: list[ContentError] = [problem for name in shipped_cities() for problem in check_duty(find_city(name))]
    trained = [*_examples(folder, known, problems), *_lines(folder, TRAINING, known, problems)]
    measured = list(_lines(folder, EVAL, known, problems))
    list(_lines(folder, FOLLOW_UPS, known, problems))
    for path in sorted(folder.glob("lookups/*.csv")):
        problems += _lookup(path)
    problems += (*_twice(trained), *_leaks(trained, measured, catalogue))
    for kind in sorted({_kind(line) for line in measured}):
        problems += _twice([line for line in measured if _kind(line) == kind])
    problems += (*_few(folder, trained, "code", sorted(known.codes)), *_few(folder, trained, "intent", domain.intents))
    return tuple(problems)


@lru_cache(maxsize=200_000)
def plain(text: str) -> str:
    """What makes two lines the same: the text without case, width, script, spaces and punctuation."""
    normal = normalise(text).text
    return re.sub(r"\W+", "", normal) or normal


def _examples(folder: Path, known: Known, problems: list[ContentError]) -> Iterator[Line]:
    """The intent examples of both languages."""
    for name in NLU_FILES:
        try:
            examples = read_nlu(folder / name)
        except ContentError as error:
            problems.append(error)
            continue
        for example in examples:
            if example.intent not in known.intents:
                problems.append(ContentError(example.file, example.line, f"unknown intent {example.intent!r}"))
            language = name.split(".")[1]
            yield Line(example.file, example.line, example.text, language, intent=example.intent)


def _lines(folder: Path, patterns: Sequence[str], known: Known, problems: list[ContentError]) -> Iterator[Line]:
    """The sentences of the CSV and JSON files of a folder; files without sentences give none."""
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        try:
            rows = tuple(_rows(path, _shape(folder, path)))
        except ContentError as error:
            problems.append(error)
            continue
        for number, row in rows:
            wrong = [
                f"{name} is {row[name]!r}" for name, right in CHECKS.items() if name in row and not right(row, known)
            ]
            problems += [ContentError(path, number, problem) for problem in wrong]
            if isinstance(row.get("text"), str):
                code, language = str(row.get("code", "")), str(row.get("language", ""))
                yield Line(path, number, row["text"], language, code)


def _shape(folder: Path, path: Path) -> tuple[str, ...] | None:
    return next((columns for pattern, columns in SHAPES if path in folder.glob(pattern)), None)


def _rows(path: Path, columns: tuple[str, ...] | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Rows with their line; raises ContentError where the file does not have its columns."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ContentError(path, None, "is not UTF-8") from None
    if path.suffix == ".jsonl":
        yield from _json_rows(path, text, columns)
        return
    reader = csv.DictReader(text.splitlines(keepends=True))
    if columns is not None and tuple(reader.fieldnames or ()) != columns:
        raise ContentError(path, 1, f"the columns are {', '.join(columns)}")
    for row in reader:
        if None in row or None in row.values():
            raise ContentError(path, reader.line_num, f"not {len(reader.fieldnames or ())} columns")
        yield reader.line_num, row


def _json_rows(path: Path, text: str, columns: tuple[str, ...] | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            raise ContentError(path, number, "not JSON") from None
        if not isinstance(row, dict) or (columns is not None and set(row) - OPTIONAL != set(columns)):
            raise ContentError(path, number, f"needs {', '.join(columns or ('an object',))} and nothing else")
        yield number, row


def _second_level_fits(row: Mapping[str, Any]) -> bool:
    """Whether the second-level name is one of the first-level name's."""
    found = read_subcategories().get(row["subcategory"])
    return found is not None and found.category == row["category"]


def _told_right(told: Mapping[str, Any], text: str, known: Known) -> bool:
    """Whether a demand of a message has words of the message and known labels."""
    return (
        set(told) == set(LETTER_FIELDS)
        and bool(told["part"])
        and all(told[name] in text for name in ("part", "place", "time"))
        and told["type"] in set(DemandType)
        and told["urgency"] in URGENCIES
        and (not told["item"] or told["item"] in known.codes)
        and _second_level_fits(told)
    )


def _spans_fit(row: Mapping[str, Any], _: Known) -> bool:
    """Whether marked spans lie inside the text, apart from each other, and carry known labels."""
    at = 0
    for start, end, label in sorted(row["spans"]):
        if not at <= start < end <= len(row["text"]) or label not in SPAN_LABELS:
            return False
        at = end
    return True


CHECKS: dict[str, Callable[[Mapping[str, Any], Known], bool]] = {
    "text": lambda row, known: isinstance(row["text"], str) and bool(row["text"].strip()),
    "language": lambda row, known: (
        row["language"] in LANGUAGES or (row["language"] == MIXED and bool({"event", "demands", "call"} & set(row)))
    ),
    "scenario": lambda row, known: isinstance(row["scenario"], int),
    "event": lambda row, known: isinstance(row["event"], str) and len(row["event"]) == 1,
    "day": lambda row, known: isinstance(row["day"], int) and row["day"] >= 0,
    "place": lambda row, known: "text" not in row or row["place"] in row["text"],
    "code": lambda row, known: row["code"] in known.codes,
    "about": lambda row, known: row["about"] == NONE or known.codes.issuperset(row["about"].split("|")),
    "before": lambda row, known: known.codes.issuperset(re.split(r"[ |]", row["before"])),
    "accept": lambda row, known: set(row["accept"]) <= known.codes,
    "service_item": lambda row, known: not row["service_item"] or row["service_item"] in known.codes,
    "category": lambda row, known: not row["category"] or row["category"] in known.categories,
    "subcategory": lambda row, known: _second_level_fits(row),
    "demands": lambda row, known: (
        bool(row["demands"]) and all(_told_right(one, row["text"], known) for one in row["demands"])
    ),
    "type": lambda row, known: row["type"] in set(DemandType),
    "urgency": lambda row, known: row["urgency"] in URGENCIES,
    "intent": lambda row, known: row["intent"] in known.intents,
    "path": lambda row, known: row["path"] in known.paths,
    "label": lambda row, known: row["label"] == ORDINARY or row["label"] in known.intents,
    "spans": _spans_fit,
}


def _lookup(path: Path) -> Iterator[ContentError]:
    """Problems of a lookup: rows of another width, rows given twice, patterns that are none."""
    seen: dict[tuple[str, ...], int] = {}
    try:
        rows = tuple(_rows(path, None))
    except ContentError as error:
        yield error
        return
    for number, row in rows:
        key = tuple(row.values())
        if key in seen:
            yield ContentError(path, number, f"the row of line {seen[key]} again")
        seen.setdefault(key, number)
        try:
            re.compile(row.get("pattern", ""))
        except re.error as error:
            yield ContentError(path, number, f"not a pattern: {error}")


def _kind(line: Line) -> str:
    """What a file of `eval/` measures; two kinds may ask different things of the same sentence."""
    return line.file.stem.split("_")[0]


def _twice(lines: Sequence[Line]) -> Iterator[ContentError]:
    first: dict[str, Line] = {}
    for line in lines:
        known = first.setdefault(plain(line.text), line)
        if known is not line:
            where = f"{known.file.name}:{known.number}"
            yield ContentError(line.file, line.number, f"{line.text!r} stands in {where} already")


def _leaks(trained: Sequence[Line], measured: Sequence[Line], catalogue: Catalogue) -> Iterator[ContentError]:
    """Sentences that measure and are learnt from as well; names of services count as learnt."""
    learnt = {plain(line.text): f"{line.file.name}:{line.number}" for line in trained}
    for service in catalogue:
        learnt |= {plain(alias): f"an alias of {service.code}" for alias in service.aliases.all()}
    for line in measured:
        if (where := learnt.get(plain(line.text))) is not None:
            yield ContentError(line.file, line.number, f"{line.text!r} is trained on: {where}")


def _few(folder: Path, lines: Sequence[Line], field: str, names: Sequence[str]) -> Iterator[ContentError]:
    """Services and intents with too few sentences in a language."""
    counts = Counter((getattr(line, field), line.language) for line in lines)
    where = folder / ("queries" if field == "code" else "")
    for name in names:
        for language in LANGUAGES:
            if (count := counts[name, language]) < MIN_LINES:
                yield ContentError(where, None, f"{name} has {count} lines in {language}, fewer than {MIN_LINES}")
