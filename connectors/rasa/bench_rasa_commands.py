"""`chengda bench rasa`: our engine and a real Rasa on the same projects, one table from one run."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.settings import Settings
from connectors.rasa.bench_pictures import PICTURES, write_pictures
from connectors.rasa.bench_project import EPOCHS, SEED
from connectors.rasa.bench_rasa import Bench, Measured
from connectors.rasa.bench_results import BenchRun, Results, busy, this_machine
from connectors.rasa.bench_sets import NAMES, planned
from connectors.rasa.bench_table import as_markdown, rows_of, write_readme
from connectors.rasa.environment import ROOT, RasaFailed, rasa_of
from connectors.rasa.home_commands import Environment
from connectors.rasa.our_side import OurSide
from connectors.rasa.processes import ended_in_order
from connectors.rasa.rasa_side import RasaSide
from connectors.rasa.sides import Engine, Side, Tell

SHARED = Path("../shared/data")
README, SHOWN = ROOT / "README.md", ROOT / "connectors" / "pictures"
TABLE, MAX_LINE = "table.md", 60
# From this share of its cores on a machine has other work, which the figures would show.
BUSY = 0.5
console = Console(stderr=True)


def rasa(
    environment: Environment = None,
    only: Annotated[
        list[Engine] | None, typer.Option(help="Measure only this engine now; what is kept of the other is shown.")
    ] = None,
    sets: Annotated[str, typer.Option(help=f"Only these, split by commas: {', '.join(NAMES)}.")] = "",
    shots: Annotated[
        int | None,
        typer.Option(help="Sentences an intent for every set, 0 for all; MASSIVE has 10 and all else.", min=0),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of steps, table and pictures; `bench-rasa` in the data folder.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with a run that was cut: steps of the same versions, machine and data are kept."
        ),
    ] = False,
    data: Annotated[Path, typer.Option(help="Folder of the public sets.")] = SHARED,
    most: Annotated[
        int, typer.Option(help="Ask about so many sentences of each set, for a quick look; 0 for all.", min=0)
    ] = 0,
    epochs: Annotated[int, typer.Option(help="DIET's epochs; fewer for a rehearsal only.", min=1)] = EPOCHS,
    threads: Annotated[int, typer.Option(help="Processor cores both may use; 0 for all.", min=0)] = 0,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the README, and its pictures.")] = False,
) -> None:
    """Our engine against Rasa: accuracy, training, start-up, memory, turns; exit 1 where a promise is missed."""
    settings = Settings()
    chosen = planned(_names(sets), shots)
    folder = (out or settings.data_dir / "bench-rasa").absolute()
    results = Results(folder)
    allowed = _held_to(threads)
    theirs = (environment or settings.data_dir / "rasa-env").absolute()
    wanted = tuple(only or Engine)
    for case, engine in () if resume else itertools.product(chosen, wanted):
        results.forget(case.key, engine)
    if Engine.RASA in wanted and not rasa_of(theirs).exists():
        raise RasaFailed(f"no Rasa in {theirs}; `chengda rasa environment` makes it, or CHENGDA_RASA_ENV names one")
    sides: list[Side] = [OurSide(allowed)]
    if rasa_of(theirs).exists():
        sides.append(RasaSide(theirs, allowed))
    run = BenchRun(
        this_machine(allowed), {side.engine: side.versions() for side in sides}, epochs, SEED,
        datetime.now(UTC).strftime("%Y-%m-%d"), most,
    )  # fmt: skip
    _warn_if_busy(allowed)
    with ended_in_order(), _steps(2 * len(chosen) * len(wanted)) as show:
        bench = Bench(run, results, data, show)
        readies = [bench.prepared(case) for case in chosen]
        for ready in readies:
            for side in sides:
                if side.engine in wanted:
                    bench.measure(ready, side)
        measured = tuple(bench.measured(readies))
    missed = _report(run, measured, folder, write)
    if missed:
        raise typer.Exit(1)


def _names(told: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in told.split(",") if name.strip())
    if unknown := [name for name in names if name not in NAMES]:
        raise typer.BadParameter(f"no set {unknown[0]}; there are {', '.join(NAMES)}")
    return names


def _held_to(threads: int) -> int:
    """Hold this process and all it starts to so many cores, where the system can; gives how many they are."""
    if not hasattr(os, "sched_setaffinity"):
        return threads or os.cpu_count() or 1
    cores = sorted(os.sched_getaffinity(0))
    if threads and threads < len(cores):
        os.sched_setaffinity(0, cores[:threads])
        return threads
    return len(cores)


def _warn_if_busy(cores: int) -> None:
    if (load := busy()) > BUSY * cores:
        console.print(
            f"[yellow]busy[/yellow] load {load:g} on {cores} cores: times will be too long 机器正忙，用时会偏大"
        )


def _report(run: BenchRun, measured: Sequence[Measured], folder: Path, write: bool) -> bool:
    """Write and print the table; gives whether a promise is missed."""
    rows, text = rows_of(measured), as_markdown(run, measured)
    (folder / TABLE).write_text(text + "\n", encoding="utf-8")
    pictures = write_pictures(rows, folder)
    print(text)
    console.print(f"written 已写入: {', '.join(str(path) for path in (folder / TABLE, *pictures))}", highlight=False)
    if write:
        for path in pictures:
            shutil.copy(path, SHOWN / path.name)
        shown = [
            f"![{PICTURES[path.name][0]}]({(SHOWN / path.name).relative_to(ROOT).as_posix()})" for path in pictures
        ]
        write_readme(README, "\n\n".join((text, *shown)))
    return any(row.missed for row in rows)


@dataclass(frozen=True)
class _Steps:
    """Progress on the console; a log gets a line for each step."""

    bar: Progress
    total: int

    @contextmanager
    def step(self, title: str) -> Iterator[Tell]:
        """A step as long as the block."""
        task = self.bar.tasks[0].id
        self.bar.update(task, description=title, last="")
        if not console.is_terminal:
            console.print(f"{datetime.now():%H:%M:%S}  {title}", highlight=False)
        yield lambda text: self.bar.update(task, last=text[:MAX_LINE].replace("[", "("))
        self.bar.advance(task)


@contextmanager
def _steps(total: int) -> Iterator[_Steps]:
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )  # fmt: skip
    with Progress(*columns, console=console) as bar:
        bar.add_task("", total=total, last="")
        yield _Steps(bar, total)
