"""How well demands are read: `chengda evaluate demands`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.cases.analysis import DemandAnalyst
from bot.cases.letters import read_letters
from bot.demand_figures import LANGUAGES, PART, demand_figures, pairs_of
from bot.evaluate import EVAL
from bot.regression import read_floors, regressions
from knowledge.figures import Figure

Wrong = Annotated[bool, typer.Option("--wrong", help="Also list every demand of which something was read wrongly.")]
Fail = Annotated[bool, typer.Option("--fail-on-regression", help="Exit 1 when a headline figure got worse.")]
COMPARED = ("type", "category", "subcategory", "urgency", "district", "subdistrict")


def demands(analyst: DemandAnalyst, wrong: bool, fail: bool, console: Console) -> None:
    """Print accuracy and coverage of every field on the written messages; raises typer.Exit when worse."""
    figures = measured(analyst)
    print_demands(figures, console)
    if wrong:
        _print_wrong(analyst, console)
    worse = regressions(figures, read_floors())
    for line in worse:
        console.print(f"[red]worse[/red] {line}", highlight=False)
    if worse and fail:
        raise typer.Exit(1)


def measured(analyst: DemandAnalyst) -> list[Figure]:
    """The figures of the written messages, taken under a progress bar."""
    letters = read_letters(EVAL)
    columns = (TextColumn("reading demands 读诉求"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=len(letters))
        return demand_figures(letters, analyst, lambda done: bar.update(task, completed=done))


def print_demands(figures: Sequence[Figure], console: Console) -> None:
    """One row a measure, one column a language; percent with the count, the 95 % interval over all."""
    groups = ("all", *LANGUAGES)
    found = {(figure.measure, figure.group): figure for figure in figures if figure.part == PART}
    table = Table("measure", "all %", "95 % interval", "count", *(f"{name} %" for name in LANGUAGES), title="Demands")
    for measure in dict.fromkeys(measure for measure, _ in found):
        cells = [found.get((measure, group)) for group in groups]
        if cells[0] is not None:
            over = cells[0].interval()
            table.add_row(
                measure,
                f"{100 * over.value:.1f}",
                f"{100 * over.low:.1f} … {100 * over.high:.1f}",
                str(len(cells[0].values)),
                *(f"{100 * cell.value:.1f}" if cell else "" for cell in cells[1:]),
            )
    console.print(table)


def _print_wrong(analyst: DemandAnalyst, console: Console) -> None:
    for letter in read_letters(EVAL):
        read = analyst.analyse(letter.text)
        if len(read) != len(letter.demands):
            console.print(
                f"{len(letter.demands)} demands, read {len(read)}: {letter.text}", highlight=False, markup=False
            )
        for pair in pairs_of(letter, read):
            for name in COMPARED:
                told, found = getattr(pair.told, name), getattr(pair.read, name) or ""
                if told != found:
                    console.print(f"{name}: {told} read {found}: {pair.told.part}", highlight=False, markup=False)
