"""`chengda train encoder` and `chengda bench encoder`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.errors import ChengdaError
from knowledge.encoder import STATIC_FOLDER, TRANSFORMER_FOLDER

DATA = Path("../shared/data")
BUILTIN_MODELS = ("builtin", "static", "transformer")


def train(
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")] = DATA,
    out: Annotated[Path, typer.Option(help="Folder to write the transformer to.")] = TRANSFORMER_FOLDER,
    minutes: Annotated[float, typer.Option(help="Shorten the distillation to this; 0 runs all steps.", min=0)] = 0,
    threads: Annotated[int, typer.Option(help="Processor threads.", min=1)] = 2,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 7,
    work: Annotated[Path, typer.Option(help="Folder for checkpoints and the teacher's rows.")] = Path(
        ".chengda/encoder"
    ),
) -> None:
    """Train the transformer face of the built-in encoder; needs the extra `encoder`."""
    try:
        training = importlib.import_module("knowledge.train_transformer")
    except ImportError as error:
        raise ChengdaError(f"{error}; install the extra: pip install -c constraints.txt -e '.[encoder]'") from error
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, loss: float, done: float) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=1.0)
            bar.update(tasks[stage], completed=done, description=f"{stage}, loss {loss:.3f}")

        training.train_transformer(data, out, STATIC_FOLDER, seed, threads, minutes, work, report)
    print(f"written to {out}; measure with: chengda bench encoder")


def bench(
    models: Annotated[list[str] | None, typer.Argument(help="Further sentence-transformers names or paths.")] = None,
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")] = DATA,
) -> None:
    """Compare encoders on the held-back sets: between languages, intents, speed, size."""
    console = Console()
    measuring: Any = importlib.import_module("knowledge.encoder_bench")  # here, as no server needs scikit-learn
    try:
        sets = measuring.Sets.read(data)
    except FileNotFoundError as error:
        console.print(f"skipped: the sets are not there ({error.filename})")
        return
    names = [*BUILTIN_MODELS, *(models or ())]
    columns = {}
    for name in names:
        with console.status(f"measuring {name}"):
            columns[name] = dict(measuring.measure(name, sets))
    table = Table("figure", *(Path(name).name for name in names), title="Encoders on held-back sets, %")
    for figure in dict.fromkeys(figure for found in columns.values() for figure in found):
        cells = (columns[name].get(figure) for name in names)
        table.add_row(figure, *("-" if cell is None else f"{cell:.2f}" for cell in cells))
    for figure, value in measuring.terms_alone(sets):
        table.add_row(f"{figure}, TF-IDF alone", *[f"{value:.2f}"] * len(names))
    console.print(table)
    console.print("CLINC150 val, out-of-scope texts and a third of BANKING77: unseen by the transformer, in any form;")
    console.print("the static face saw them without labels. Every encoder: labels of test texts are never used.")
