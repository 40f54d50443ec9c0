"""`chengda evaluate duplicates`: reports of one event told from others, on an author who was never learnt from."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.cases.duplicate_figures import Measured, b_cubed, false_alarms, groups_of, lines_of, measure
from bot.cases.duplicates import PairModel
from bot.cases.reports import ReportReader
from bot.cases.written_reports import MEASURED_FILE, Written, read_written
from bot.settings import Settings
from bot.training import load_or_train
from knowledge.figures import Interval


def duplicates() -> None:
    """Print how well reports of one event are told from others: pairs, languages, kinds of other pairs, groups."""
    settings = Settings()
    models = load_or_train(settings.data_dir, settings.encoder)
    reader, model = ReportReader(models.encoder, models.demands, models.city), PairModel()
    written = read_written(MEASURED_FILE)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("reports 诉求", total=len(written))
        measured = measure(written, reader, model, lambda: bar.advance(task))
    console = Console()
    _print_pairs(measured, console)
    _print_rest(measured, written, console)


def _print_pairs(measured: Measured, console: Console) -> None:
    table = Table(
        "pairs", "one event", "other", "precision %", "recall %", "F1 %", "recall at P ≥ 90 %", "P at recall 80 %",
        title=f"{MEASURED_FILE.name}: one event from {measured.threshold:.3f} on; 95 % intervals over scenarios",
    )  # fmt: skip
    for line in lines_of(measured):
        table.add_row(
            line.name, str(line.same), str(line.other), _told(line.precision), _told(line.recall), _told(line.f1),
            f"{100 * line.recall_at_precision:.1f}", f"{100 * line.precision_at_recall:.1f}",
        )  # fmt: skip
    console.print(table)


def _print_rest(measured: Measured, written: tuple[Written, ...], console: Console) -> None:
    names = {"hard": "another event of the scenario", "later": "the same again weeks later", "easy": "elsewhere"}
    table = Table("pairs of two events", "taken for one", "of", "%")
    for kind, (taken, count) in false_alarms(measured).items():
        table.add_row(names[kind], str(taken), str(count), f"{100 * taken / max(1, count):.1f}")
    console.print(table)
    found = groups_of(measured, len(written))
    precision, recall, f1 = b_cubed(found, [(one.scenario, one.event) for one in written])
    console.print(
        f"groups (B-cubed): precision {100 * precision:.1f} %, recall {100 * recall:.1f} %, F1 {100 * f1:.1f} %; "
        f"{len(set(found))} groups of {len({(one.scenario, one.event) for one in written})} events",
        highlight=False,
    )


def _told(interval: Interval) -> str:
    return f"{100 * interval.value:.1f} ({100 * interval.low:.0f}–{100 * interval.high:.0f})"
