"""The table of a comparison: rows from one run, where Rasa is better, which promises are missed, and the README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.errors import ChengdaError
from connectors.rasa.bench_rasa import Measured
from connectors.rasa.bench_results import BenchRun
from connectors.rasa.dialogue_load import Load
from connectors.rasa.nlu_scores import Scores, gains, scores
from connectors.rasa.sides import Engine
from knowledge.figures import Interval

BEGIN, END = "<!-- bench rasa: `chengda bench rasa --write` writes this -->", "<!-- end of bench rasa -->"
NOTHING = "–"
NOTES = (
    "The same files are learnt by both, one engine after the other, on the same cores; whole processes are measured, "
    "from the command's start to its end. Rasa: its default featurizers and DIET, `JiebaTokenizer` for Chinese, and "
    "for turns RulePolicy alone (its networks for dialogue would only cost it time).",
    "Our encoder is shipped trained, without labels, on sentences that include the train parts of MASSIVE, CLINC150 "
    "and BANKING77 (its smaller face on CLINC150's val part and all of BANKING77, too); DIET starts from nothing. What "
    "is compared is what one gets, not two learners that begin alike.",
    "MASSIVE and CLINC150: dev or val is asked; BANKING77: a third by checksum; our intents: asked is what an author "
    "wrote who did not see the training lines. Without repeats: less the sentences that were learnt in the same words.",
)


class NoMarks(ChengdaError):
    """A file has no place for the table."""


@dataclass(frozen=True)
class Measure:
    """A column: its title, digits after the point, and the factor of a promise (ours at least so many times better)."""

    title: str
    digits: int = 1
    lower_is_better: bool = False
    promise: float | None = None


UNDERSTOOD = {
    "accuracy": Measure("accuracy %", promise=1.0),
    "accuracy_without_repeats": Measure("without repeats %"),
    "macro_f1": Measure("macro-F1 %"),
    "entity_f1": Measure("entity F1 %"),
    "oos_recall": Measure("out of scope: recall %"),
    "oos_precision": Measure("out of scope: precision %"),
}
COST = {
    "wall_s": Measure("training s", lower_is_better=True, promise=10.0),
    "fit_s": Measure("learning alone s", lower_is_better=True),
    "cpu_s": Measure("training, processors s", lower_is_better=True),
    "peak_mb": Measure("training, peak MB", 0, lower_is_better=True),
    "start_s": Measure("start-up s", lower_is_better=True),
    "memory_mb": Measure("serving MB", 0, lower_is_better=True, promise=3.0),
    "parse_p50": Measure("parse p50 ms", lower_is_better=True),
    "parse_p99": Measure("parse p99 ms", lower_is_better=True),
}
TURNS = {
    "turns_s": Measure("turns/s", promise=10.0),
    "turn_p50": Measure("p50 ms", lower_is_better=True),
    "turn_p99": Measure("p99 ms", lower_is_better=True),
}
MEASURES = {**UNDERSTOOD, **COST, **TURNS}


@dataclass(frozen=True)
class Row:
    """One figure of both engines, None where it was not measured or there is nothing of the kind."""

    case: str
    key: str
    ours: float | None
    rasa: float | None
    gain: Interval | None = None

    @property
    def measure(self) -> Measure:
        """What was measured."""
        return MEASURES[self.key]

    @property
    def times(self) -> float | None:
        """How many times better ours is; None where a side is missing or nothing."""
        if not self.ours or not self.rasa:
            return None
        return self.rasa / self.ours if self.measure.lower_is_better else self.ours / self.rasa

    @property
    def rasa_is_better(self) -> bool:
        """Whether Rasa's figure is the better one as it is told."""
        if self.ours is None or self.rasa is None:
            return False
        ours, rasa = (round(one, self.measure.digits) for one in (self.ours, self.rasa))
        return rasa < ours if self.measure.lower_is_better else rasa > ours

    @property
    def missed(self) -> bool:
        """Whether a promise is given of it and not kept."""
        if self.measure.promise is None or self.ours is None or self.rasa is None:
            return False
        return (self.times or 0.0) < self.measure.promise

    def told(self, value: float | None) -> str:
        """A value as the table has it."""
        return NOTHING if value is None else f"{value:,.{self.measure.digits}f}"

    @property
    def pair(self) -> str:
        """Ours and Rasa's."""
        return (
            NOTHING if self.ours is None and self.rasa is None else f"{self.told(self.ours)} / {self.told(self.rasa)}"
        )


def rows_of(measured: Iterable[Measured]) -> tuple[Row, ...]:
    """All figures of a run."""
    return tuple(row for one in measured for row in (*_understood(one), *_cost(one), *_turns(one)))


def _understood(one: Measured) -> Iterator[Row]:
    if one.case.is_dialogue:
        return
    read = {engine: served.rows for engine, served in one.served.items()}
    found = {engine: scores(one.taken, rows) for engine, rows in read.items()}
    gained = gains(one.taken, read[Engine.OURS], read[Engine.RASA]) if len(read) == len(Engine) else None
    intervals = {"accuracy": gained.accuracy, "accuracy_without_repeats": gained.without_repeats} if gained else {}
    for key in UNDERSTOOD:
        ours, rasa = (_score(found.get(engine), key) for engine in Engine)
        yield Row(one.taken.name, key, ours, rasa, intervals.get(key))


def _score(found: Scores | None, key: str) -> float | None:
    value: float | None = getattr(found, key) if found else None
    return value


def _cost(one: Measured) -> Iterator[Row]:
    figures: dict[Engine, dict[str, float | None]] = {}
    for engine, served in one.served.items():
        took, times = one.learnt[engine].took, [row.milliseconds for row in served.rows]
        p50, p99 = (float(np.percentile(times, share)) if times else None for share in (50, 99))
        figures[engine] = {
            "wall_s": took.wall_s, "fit_s": took.fit_s, "cpu_s": took.cpu_s, "peak_mb": took.peak_mb,
            "start_s": served.start_s, "memory_mb": served.memory_mb, "parse_p50": p50, "parse_p99": p99,
        }  # fmt: skip
    for key in COST:
        ours, rasa = (figures.get(engine, {}).get(key) for engine in Engine)
        yield Row(_name(one), key, ours, rasa)


def _turns(one: Measured) -> Iterator[Row]:
    loads = {engine: {load.clients: load for load in served.loads} for engine, served in one.served.items()}
    for clients in sorted({number for some in loads.values() for number in some}):
        pair = [loads.get(engine, {}).get(clients) for engine in Engine]
        name = f"{_name(one)}, {clients} at once" if clients > 1 else f"{_name(one)}, one after the other"
        for key in TURNS:
            ours, rasa = (_figure(load, key) for load in pair)
            yield Row(name, key, ours, rasa)


def _figure(load: Load | None, key: str) -> float | None:
    if load is None:
        return None
    return {"turns_s": load.turns_s, "turn_p50": load.p50_ms, "turn_p99": load.p99_ms}[key]


def _name(one: Measured) -> str:
    return f"turns ({one.taken.name})" if one.case.is_dialogue else one.taken.name


def as_markdown(run: BenchRun, measured: Sequence[Measured]) -> str:
    """The run, its tables, what was promised and missed, and where Rasa is better."""
    rows = rows_of(measured)
    sizes = {_name(one): f"{_name(one)} ({len(one.taken.train):,} / {len(one.taken.test):,})" for one in measured}
    parts = [_heading(run), *(_block(rows, columns, sizes) for columns in (UNDERSTOOD, COST, TURNS))]
    both = [row for row in rows if row.ours is not None and row.rasa is not None]
    if both:
        missed = [row for row in both if row.missed]
        parts.append("**Promises missed:** " + ("; ".join(map(_missed, missed)) if missed else "none") + ".")
        parts.append(where_rasa_is_better(both))
    else:
        parts.append("**Only one engine was measured:** nothing is compared.")
    parts.append("\n".join(f"* {note}" for note in NOTES))
    return "\n\n".join(part for part in parts if part)


def _heading(run: BenchRun) -> str:
    versions = "; ".join(
        f"{engine}: " + ", ".join(f"{name} {number}" for name, number in told.items())
        for engine, told in run.versions.items()
    )
    machine = run.machine
    quick = f", every set thinned to {run.most} questions" if run.most else ""
    return (
        f"`chengda bench rasa`, {run.date}: {machine.processor}, {machine.cores} cores, {machine.threads} threads, "
        f"{machine.memory_gib} GiB; {versions}; DIET {run.epochs} epochs, seed {run.seed}{quick}. "
        "Every cell: ours / Rasa's; beside a set, sentences learnt / asked; 95 % intervals of the paired difference."
    )


def _block(rows: Sequence[Row], columns: dict[str, Measure], sizes: dict[str, str]) -> str:
    there = [key for key in columns if any(row.key == key and row.pair != NOTHING for row in rows)]
    cases = list(dict.fromkeys(row.case for row in rows if row.key in there))
    if not there:
        return ""
    lines = ["| ours / Rasa | " + " | ".join(columns[key].title for key in there) + " |"]
    lines.append("|---" * (len(there) + 1) + "|")
    by_place = {(row.case, row.key): row for row in rows}
    for case in cases:
        cells = [_cell(by_place.get((case, key))) for key in there]
        lines.append(f"| {sizes.get(case, case)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return NOTHING
    if row.gain is None:
        return row.pair
    return f"{row.pair} ({row.gain.value:+.1f}: {row.gain.low:+.1f} … {row.gain.high:+.1f})"


def _missed(row: Row) -> str:
    factor = row.measure.promise
    wanted = "at least Rasa's" if factor == 1 else f"{factor:g} times better"
    return f"{row.case}: {row.measure.title} {row.pair}, promised {wanted}"


def where_rasa_is_better(rows: Iterable[Row]) -> str:
    """Every figure in which Rasa is ahead, said plainly."""
    ahead = [_ahead(row) for row in rows if row.rasa_is_better]
    if not ahead:
        return "**Where Rasa is better:** in nothing that was measured here."
    return "**Where Rasa is better** (Rasa's against ours):\n" + "\n".join(f"* {one}" for one in ahead)


def _ahead(row: Row) -> str:
    chance = " (within chance)" if row.gain is not None and row.gain.high >= 0 else ""
    return f"{row.case}: {row.measure.title} {row.told(row.rasa)} against {row.told(row.ours)}{chance}"


def write_readme(path: Path, text: str) -> None:
    """Put the text between the marks of a file; raises NoMarks."""
    whole = path.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarks(f"{path} has no lines `{BEGIN}` and `{END}`")
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
