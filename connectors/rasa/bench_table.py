"""The table of a comparison: rows from one run, where Rasa is better, which promises are missed, and the README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from connectors.rasa.bench_rasa import Measured
from connectors.rasa.bench_results import BenchRun, Made
from connectors.rasa.dialogue_load import CLIENTS
from connectors.rasa.nlu_scores import gains, marks_of, scores
from connectors.rasa.nlu_sets import NluSet
from connectors.rasa.parsing import Read
from connectors.rasa.sides import Engine
from knowledge.figures import Interval

NOTHING, OPEN = "–", "not measured"
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
NO_SUCH: Mapping[Engine, Mapping[str, float | None]] = {engine: {} for engine in Engine}
TAUGHT, PARSED = {"wall_s", "fit_s", "cpu_s", "peak_mb"}, {"parse_p50", "parse_p99"}
MEASURES = {**UNDERSTOOD, **COST, **TURNS}


@dataclass(frozen=True)
class Row:
    """One figure of both engines; None where there is nothing of the kind, or not measured: the engine is `open`."""

    case: str
    key: str
    ours: float | None
    rasa: float | None
    gain: Interval | None = None
    open: frozenset[Engine] = frozenset()

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

    def _of(self, engine: Engine) -> str:
        return OPEN if engine in self.open else self.told(self.ours if engine is Engine.OURS else self.rasa)

    @property
    def pair(self) -> str:
        """Ours and Rasa's."""
        both = tuple(map(self._of, Engine))
        return both[0] if both[0] == both[1] in (NOTHING, OPEN) else " / ".join(both)


def rows_of(measured: Iterable[Measured]) -> tuple[Row, ...]:
    """All figures of a run."""
    return tuple(row for one in measured for row in (*_understood(one), *_cost(one), *_turns(one)))


def _understood(one: Measured) -> Iterator[Row]:
    if one.case.is_dialogue:
        return
    found = {engine: scores(one.taken, served.rows) for engine, served in one.served.items()}
    gained = gains(one.taken, *(one.served[engine].rows for engine in Engine)) if len(found) == len(Engine) else None
    intervals = {"accuracy": gained.accuracy, "accuracy_without_repeats": gained.without_repeats} if gained else {}
    told = {engine: {key: getattr(score, key) for key in UNDERSTOOD} for engine, score in found.items()}
    there = kinds_of(one.taken)
    for key in UNDERSTOOD:
        yield _row(one.taken.name, key, told if key in there else NO_SUCH, intervals.get(key))


def kinds_of(taken: NluSet) -> set[str]:
    """What can be scored of a set: the shares that come to nothing in the best case are of no kind that it has."""
    best = scores(taken, [Read(example.intent, tuple(marks_of(example)), 0.0) for example in taken.test])
    return {key for key in UNDERSTOOD if getattr(best, key) is not None}


def _row(case: str, key: str, told: Mapping[Engine, Mapping[str, float | None]], gain: Interval | None = None) -> Row:
    ours, rasa = (told.get(engine, {}).get(key) for engine in Engine)
    return Row(case, key, ours, rasa, gain, frozenset(Engine) - told.keys())


def _cost(one: Measured) -> Iterator[Row]:
    learning = {engine: asdict(learnt.took) for engine, learnt in one.learnt.items()}
    serving: dict[Engine, dict[str, float | None]] = {}
    for engine, served in one.served.items():
        times = [row.milliseconds for row in served.rows]
        p50, p99 = (float(np.percentile(times, share)) if times else None for share in (50, 99))
        serving[engine] = {
            "start_s": served.start_s, "memory_mb": served.memory_mb, "parse_p50": p50, "parse_p99": p99,
        }  # fmt: skip
    for key in COST:
        asked = key in PARSED and one.case.is_dialogue
        yield _row(_name(one), key, NO_SUCH if asked else learning if key in TAUGHT else serving)


def _turns(one: Measured) -> Iterator[Row]:
    if not one.case.is_dialogue:
        return
    for clients in CLIENTS:
        told = {
            engine: {"turns_s": load.turns_s, "turn_p50": load.p50_ms, "turn_p99": load.p99_ms}
            for engine, served in one.served.items()
            for load in served.loads
            if load.clients == clients
        }
        name = f"{_name(one)}, {clients} at once" if clients > 1 else f"{_name(one)}, one after the other"
        for key in TURNS:
            yield _row(name, key, told)


def _name(one: Measured) -> str:
    return f"turns ({one.taken.name})" if one.case.is_dialogue else one.taken.name


def as_markdown(run: BenchRun, measured: Sequence[Measured]) -> str:
    """The run, its tables, what was promised and missed, and where Rasa is better."""
    rows = rows_of(measured)
    sizes = {_name(one): f"{_name(one)} ({_size(run, one)})" for one in measured}
    parts = [_heading(run, measured), *(_block(rows, columns, sizes) for columns in (UNDERSTOOD, COST, TURNS))]
    both = [row for row in rows if row.ours is not None and row.rasa is not None]
    if both:
        missed = [row for row in both if row.missed]
        parts.append("**Promises missed:** " + ("; ".join(map(_missed, missed)) if missed else "none") + ".")
        parts.append(where_rasa_is_better(both))
    else:
        parts.append("**Nothing was measured of both engines:** nothing is compared.")
    if missing := _open(measured):
        parts.append(f"**{OPEN.capitalize()} yet:** {'; '.join(missing)}.")
    parts.append("\n".join(f"* {note}" for note in NOTES))
    return "\n\n".join(part for part in parts if part)


def _size(run: BenchRun, one: Measured) -> str:
    size = f"{len(one.taken.train):,} / {len(one.taken.test):,}"
    return f"{size}; DIET {one.case.epochs} epochs" if one.case.epochs < run.epochs else size


def _open(measured: Iterable[Measured]) -> list[str]:
    """The steps that are missing."""
    return [
        f"{_name(one)} {work} by {engine}"
        for one in measured
        for work, kept in (("learnt", one.learnt), ("served", one.served))
        for engine in Engine
        if engine not in kept
    ]


def _heading(run: BenchRun, measured: Sequence[Measured]) -> str:
    """Machine, versions and days as the steps themselves tell them."""
    kept = [(engine, step.made) for one in measured for engine, step in one.learnt.items()]
    kept += [(engine, step.made) for one in measured for engine, step in one.served.items()]
    told = {engine: sorted({_versions(made) for by, made in kept if by is engine}) for engine in Engine}
    versions = "; ".join(f"{engine}: {' and '.join(some)}" for engine, some in told.items() if some)
    moments = sorted(f"{made.at} UTC" for _, made in kept) or [OPEN]
    when = " to ".join(dict.fromkeys((moments[0], moments[-1])))
    machine = run.machine
    quick = f", every set thinned to {run.most} questions" if run.most else ""
    return (
        f"`chengda bench rasa`, {when}: {machine.processor}, {machine.cores} cores, {machine.threads} threads, "
        f"{machine.memory_gib} GiB; {versions}; DIET {run.epochs} epochs where a row says no other, seed "
        f"{run.seed}{quick}. "
        "Every cell: ours / Rasa's; beside a set, sentences learnt / asked; 95 % intervals of the paired difference."
    )


def _versions(made: Made) -> str:
    return ", ".join(f"{name} {number}" for name, number in made.versions.items())


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
