"""`chengda bench rasa`: our engine and a real Rasa on the same projects, one table from one run."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bot.settings import Settings
from connectors.rasa.bench_pictures import PICTURES, write_pictures
from connectors.rasa.bench_project import EPOCHS, SEED, NotWrittenAlike
from connectors.rasa.bench_rasa import Bench, Measured
from connectors.rasa.bench_readme import write_readme
from connectors.rasa.bench_results import BenchRun, Results, busy, this_machine
from connectors.rasa.bench_sets import NAMES, WHOLE_EPOCHS, planned
from connectors.rasa.bench_table import as_markdown, rows_of
from connectors.rasa.environment import ROOT, RasaFailed, rasa_of
from connectors.rasa.home_commands import Environment
from connectors.rasa.our_side import OurSide
from connectors.rasa.processes import ended_in_order
from connectors.rasa.rasa_side import RasaSide
from connectors.rasa.sides import Engine, Side, Tell

SHARED = Path("../shared/data")
README, SHOWN = ROOT / "README.md", ROOT / "connectors" / "pictures"
TABLE, MAX_LINE = "table.md", 60
SHARE = re.compile(r"(\d+)%\||(\d+) of (\d+)")
FEWEST, MOST = min(WHOLE_EPOCHS.values()), max(WHOLE_EPOCHS.values())
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
    epochs: Annotated[
        int, typer.Option(help=f"DIET's epochs at most; whole public sets have {FEWEST} to {MOST}.", min=1)
    ] = EPOCHS,
    threads: Annotated[int, typer.Option(help="Processor cores both may use; 0 for all.", min=0)] = 0,
    show: Annotated[
        bool, typer.Option("--show", help="Measure nothing: the table and pictures of the steps kept so far.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the README, and its pictures.")] = False,
    block: Annotated[
        str, typer.Option(help="The README's place for this run, where it shows several; its pictures bear the name.")
    ] = "",
) -> None:
    """Our engine against Rasa: accuracy, training, start-up, memory, turns; exit 1 where a promise is missed."""
    settings = Settings()
    chosen = planned(_names(sets), shots)
    folder = (out or settings.data_dir / "bench-rasa").absolute()
    results = Results(folder)
    allowed = _held_to(threads)
    theirs = (environment or settings.data_dir / "rasa-env").absolute()
    wanted = tuple(only or Engine)
    if Engine.RASA in wanted and not show and not rasa_of(theirs).exists():
        raise RasaFailed(f"no Rasa in {theirs}; `chengda rasa environment` makes it, or CHENGDA_RASA_ENV names one")
    sides: list[Side] = [OurSide(allowed)]
    if rasa_of(theirs).exists():
        sides.append(RasaSide(theirs, allowed))
    run = BenchRun(this_machine(allowed), {side.engine: side.versions() for side in sides}, epochs, SEED, most)
    failed = False
    if not show:
        _warn_if_busy(allowed)
        with ended_in_order(), results.taken(), _steps() as steps:
            for case, engine in () if resume else itertools.product(chosen, wanted):
                results.forget(case.key, engine)
            bench = Bench(run, results, data, steps)
            readies = map(bench.prepared, chosen)
            plan = [(ready, side) for ready in readies for side in sides if side.engine in wanted]
            for number, (ready, side) in enumerate(plan):
                try:
                    bench.measure(ready, side, plan[number + 1 :])
                except (RasaFailed, NotWrittenAlike) as error:
                    failed = True
                    console.print(f"[red]failed 失败[/red] {escape(str(error))}", highlight=False)
    bench = Bench(run, results, data)
    measured = tuple(bench.measured([bench.prepared(case) for case in chosen]))
    missed = _report(run, measured, folder, block if write else None)
    if missed or failed:
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


def _report(run: BenchRun, measured: Sequence[Measured], folder: Path, block: str | None) -> bool:
    """Write and print the table, into a block of the README, too, where one is given; whether a promise is missed."""
    rows, text = rows_of(measured), as_markdown(run, measured)
    (folder / TABLE).write_text(text + "\n", encoding="utf-8")
    pictures = write_pictures(rows, folder)
    print(text)
    console.print(f"written 已写入: {', '.join(str(path) for path in (folder / TABLE, *pictures))}", highlight=False)
    if block is not None:
        shown = []
        for path in pictures:
            place = SHOWN / f"{path.stem}{f'-{block}' if block else ''}{path.suffix}"
            shutil.copy(path, place)
            shown.append(f"![{PICTURES[path.name][0]}]({place.relative_to(ROOT).as_posix()})")
        write_readme(README, "\n\n".join((text, *shown)), block)
    return any(row.missed for row in rows)


@dataclass
class _Steps:
    """Progress on the console, in seconds of expected work; a log gets two lines for each step."""

    bar: Progress
    passed: float = 0.0

    @contextmanager
    def step(self, title: str, seconds: float, left: float) -> Iterator[Tell]:
        """A step as long as the block; a line of it that tells a share moves the bar on."""
        task, began = self.bar.tasks[0].id, time.monotonic()
        told = f"{title} (about {_minutes(seconds)} of {_minutes(left)} left)"
        self.bar.update(task, description=told, last="", total=self.passed + left, completed=self.passed)
        _log(told)

        def tell(text: str) -> None:
            done = self.passed + seconds * share_told(text)
            self.bar.update(task, last=text[:MAX_LINE].replace("[", "("), completed=done)

        yield tell
        self.passed += seconds
        _log(f"{title}: {time.monotonic() - began:.1f} s")


def share_told(line: str) -> float:
    """The share of a step that its line tells, `37%|` of epochs or `7 of 90`; 0 where it tells none."""
    found = SHARE.search(line)
    if not found:
        return 0.0
    percent, done, of = found.groups()
    return int(percent) / 100 if percent else int(done) / max(1, int(of))


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _log(line: str) -> None:
    if not console.is_terminal:
        print(f"{datetime.now():%H:%M:%S}  {line}", flush=True)


@contextmanager
def _steps() -> Iterator[_Steps]:
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )  # fmt: skip
    with Progress(*columns, console=console) as bar:
        bar.add_task("", total=None, last="")
        yield _Steps(bar)
