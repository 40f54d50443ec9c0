"""`chengda train dispatch`, `chengda evaluate dispatch`, `chengda bench dispatch`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.calibration import calibration_error, confusions, coverage, reliability
from bot.cases.belief import WEIGHT_FILE, Belief, read_belief
from bot.cases.dispatch import Dispatcher
from bot.cases.duty import duty_of
from bot.database import migrate, open_database
from bot.dispatch_month import HIDDEN, Outcome, replay
from bot.labelled_demands import EVAL, Labelled, read_labelled, record_of
from bot.records import Record
from bot.settings import Settings
from bot.store import Store
from bot.training import load_or_train
from knowledge.catalogue import read_catalogue
from knowledge.city import find_city
from knowledge.encoder import load_encoder
from knowledge.figures import Interval, bootstrap
from knowledge.trainer import RememberingEncoder

LISTED = 12


def records_of(dispatcher: Dispatcher, lines: Sequence[Labelled]) -> list[Record]:
    """Every demand's suggested unit beside the one that the list gives to its true labels."""
    records = []
    with Progress(console=Console(stderr=True), transient=True) as bar:
        for line in bar.track(lines, description="dispatching 分拨"):
            demand = dispatcher.read(line.text)
            told = dispatcher.suggest(demand)
            found = (told.lead, told.unit) if told.line else None
            records.append(record_of(line, line.truth(dispatcher.duty, told.why.place), found, told.confidence))
    return records


def evaluate(dispatcher: Dispatcher, console: Console) -> None:
    """Accuracy, coverage and reliability of dispatching on the demands of `nlu_data/eval`."""
    lines = read_labelled(EVAL)
    if not lines:
        console.print(f"no demands_*.jsonl in {EVAL}")
        return
    records, floor = records_of(dispatcher, lines), dispatcher.belief.floor
    table = Table("demands", "count", "right unit, %", "95 % interval", f"sent at ≥ {floor:.2f}", "right among sent, %")
    groups = [("all", records), *((name, [r for r in records if r.language == name]) for name in ("zh", "en", "mixed"))]
    for name, own in groups:
        sent = [record for record in own if record.share >= floor]
        right, kept = _share(own), _share(sent)
        table.add_row(
            name, str(len(own)), f"{right.value:.1f}", _ends(right), f"{100 * len(sent) / max(1, len(own)):.1f}",
            f"{kept.value:.1f} ({_ends(kept)})",
        )  # fmt: skip
    console.print(table)
    print_belief(reliability(records), coverage(records), calibration_error(records), console)
    wrong = Table("belongs to", "sent to", "times", title="most frequent mistakes")
    for expected, found, count in confusions(records)[:LISTED]:
        wrong.add_row(expected, found, str(count))
    console.print(wrong)


def print_belief(
    points: Sequence[tuple[float, float]], curve: Sequence[tuple[float, float]], error: float, console: Console
) -> None:
    """The reliability table and the curve of accuracy over coverage."""
    table = Table("believed, %", "right, %", title=f"reliability in tenths; mean distance {error:.1f} points")
    for belief, truth in points:
        table.add_row(f"{belief:.1f}", f"{truth:.1f}")
    console.print(table)
    curve_table = Table("sent without a dispatcher, %", "right among them, %", title="the surest first")
    for share, right in curve:
        curve_table.add_row(f"{share:.0f}", f"{right:.1f}")
    console.print(curve_table)


def bench() -> None:
    """Replay an invented month of 5,000 cases: the return rate without and with what rulings taught."""
    city, settings, console = find_city(), Settings(), Console()
    encoder = RememberingEncoder(load_encoder(settings.encoder), "bench")
    with TemporaryDirectory() as folder:
        outcome = replay(
            read_labelled(), duty_of(city), read_catalogue(), read_belief(), encoder.encode_query,
            lambda clock: _store(Path(folder), clock),
        )  # fmt: skip
    print_month(outcome, console)


def print_month(outcome: Outcome, console: Console) -> None:
    """The figures of a replayed month."""
    table = Table("second half of the month", "95 % interval", title=f"{outcome.cases} cases; %")
    for name, value in (
        ("returned, first half (nothing learnt yet)", outcome.first),
        ("returned, second half without rulings", outcome.without),
        ("returned, second half with rulings", outcome.taught),
        ("fewer, paired", outcome.drop),
        (f"fewer among the {outcome.unruled_cases} that no ruling is about", outcome.unruled),
    ):
        table.add_row(f"{name}: {value.value:.1f}", _ends(value))
    console.print(table)
    console.print(f"rulings: {outcome.proposed} proposed, {outcome.approved} approved, {outcome.rules} rules laid over")
    console.print(f"the hidden list differs in {len(HIDDEN)} places; all of it is invented")


def train() -> None:
    """Learn bot/dispatch.json anew: how surely a suggested unit is right, half of the authors read by the others."""
    training: Any = importlib.import_module("bot.train_dispatch")  # here, as no server needs scikit-learn
    settings = Settings()
    models = load_or_train(settings.data_dir, settings.encoder)
    lines = read_labelled()
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("reading held-out authors 读取", total=len(lines))
        seen = training.read_folds(models, lines, settings.data_dir, lambda: bar.advance(task))
    learnt: Belief = training.learn(seen, date.today())
    learnt.save()
    console = Console()
    table = Table("held out", "%", title=f"{WEIGHT_FILE.name}: {learnt.lines} demands, floor {learnt.floor:.2f}")
    for name, value in learnt.figures.items():
        table.add_row(name, f"{value:.1f}")
    console.print(table)
    error = sum(abs(belief - right) for belief, right in learnt.reliability) / max(1, len(learnt.reliability))
    print_belief(learnt.reliability, learnt.curve, error, console)


def _store(folder: Path, clock: Any) -> Store:
    engine = open_database(f"sqlite:///{folder / 'month.sqlite3'}")
    migrate(engine)
    return Store(engine, "SZ", clock)


def _share(records: Sequence[Record]) -> Interval:
    found = bootstrap([float(record.right) for record in records])
    return Interval(100 * found.value, 100 * found.low, 100 * found.high)


def _ends(value: Interval) -> str:
    return f"{value.low:.1f} … {value.high:.1f}"
