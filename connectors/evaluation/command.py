"""What `chengda evaluate` does once the assistant is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bot.asked import take_records
from bot.assistant import Assistant
from bot.records import Record, figures_of
from bot.regression import FLOORS, floors_of, read_floors, regressions, write_floors
from bot.run_file import fingerprints, load_run, new_run, save_run
from bot.settings import Settings
from connectors.evaluation.demands import measured, print_demands
from connectors.evaluation.page import render_page
from connectors.evaluation.tables import print_beliefs, print_differences, print_figures, print_pairs, print_wrong
from knowledge.figures import differences

Wrong = Annotated[bool, typer.Option("--wrong", help="Also list every sentence that went wrong.")]
Pairs = Annotated[bool, typer.Option("--pairs", help="Also list every need with the answers in both languages.")]
Page = Annotated[Path | None, typer.Option("--report", help="Write one HTML page with tables and charts here.")]
Save = Annotated[Path | None, typer.Option("--save", help="Keep every sentence's result here, to compare with later.")]
Old = Annotated[Path | None, typer.Option("--compare", help="Compare with a run kept by --save.")]
Fail = Annotated[bool, typer.Option("--fail-on-regression", help="Exit 1 when a headline figure got worse.")]
SetFloors = Annotated[bool, typer.Option("--set-floors", help="Set the floors of --fail-on-regression to now.")]
Name = Annotated[str, typer.Option("--name", help="Name of this run in the report; the encoder's by default.")]


@dataclass(frozen=True)
class Wanted:
    """The options of one evaluation."""

    wrong: bool = False
    pairs: bool = False
    page: Path | None = None
    save: Path | None = None
    old: Path | None = None
    fail: bool = False
    set_floors: bool = False
    name: str = ""


def evaluate(assistant: Assistant, settings: Settings, wanted: Wanted, console: Console) -> None:
    """Ask every sentence, print the figures, and write and compare what is wanted; raises typer.Exit when worse."""
    old = load_run(wanted.old) if wanted.old else None
    records = _asked(assistant)
    run = new_run(
        wanted.name or settings.encoder,
        fingerprints(assistant.understanding.encoder.name, settings.data_dir),
        records,
        assistant.clock(),
    )
    figures = figures_of(records)
    of_demands = measured(assistant.analyst)
    compared = differences(figures_of(old.records), figures) if old else []
    worse = regressions([*figures, *of_demands], read_floors(), compared)
    print_figures(figures, console)
    print_demands(of_demands, console)
    print_beliefs(records, console)
    if wanted.pairs:
        print_pairs(records, console)
    if wanted.wrong:
        print_wrong(records, console)
    if compared:
        print_differences(compared, console)
    if wanted.save:
        save_run(run, wanted.save)
    if wanted.page:
        wanted.page.parent.mkdir(parents=True, exist_ok=True)
        page = render_page(run, figures, worse, assistant.catalogue, old, compared)
        wanted.page.write_text(page, encoding="utf-8")
        console.print(f"report: {wanted.page}", highlight=False)
    if wanted.set_floors:
        write_floors(floors_of([*figures, *of_demands]))
        console.print(f"floors: {FLOORS}", highlight=False)
    for line in worse:
        console.print(f"[red]worse[/red] {line}", highlight=False)
    if worse and wanted.fail:
        raise typer.Exit(1)


def _asked(assistant: Assistant) -> Sequence[Record]:
    """The records, taken under a progress bar."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("asking 提问")

        def show(part: str, done: int, count: int) -> None:
            bar.update(task, description=f"asking 提问: {part}", completed=done, total=count)

        return take_records(assistant, show)
