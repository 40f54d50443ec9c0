"""Measurements on public sets: `chengda bench nlu`, `chengda bench answers`, `chengda bench rasa`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.settings import Settings
from connectors.rasa.bench_rasa_commands import rasa
from knowledge.answer_bench import AnswersCompared, AnswerSet, catalogue_answers, compare_answers, policy_answers
from knowledge.catalogue import read_catalogue
from knowledge.encoder import load_encoder
from knowledge.figures import Interval
from knowledge.public_sets import READERS, read_set
from knowledge.queries import read_dev_queries

Data = Annotated[Path, typer.Option(help="Folder of the public sets; a set that is not there is skipped.")]
Sample = Annotated[int, typer.Option(help="Use only that many lines of each set; 0 for all.", min=0)]
Only = Annotated[str, typer.Option(help="Only the sets whose name has this in it.")]
if TYPE_CHECKING:
    from knowledge.classifier_bench import Compared

SHARED = Path("../shared/data")


def nlu(data: Data = SHARED, sample: Sample = 0, only: Only = "") -> None:
    """Our classifier against character TF-IDF with a linear SVM on public sets."""
    encoder, console = load_encoder(Settings().encoder), Console()
    compare = importlib.import_module("knowledge.classifier_bench").compare  # here, as no server needs scikit-learn
    table = Table(
        "set", "train", "test", "measure", "ours %", "TF-IDF + SVM %", "difference", "95 % interval",
        title=f"One run, own splits by hash; encoder {encoder.name}",
    )  # fmt: skip
    names = [name for name in READERS if only in name]
    with _progress() as bar:
        task = bar.add_task("", total=len(names))
        for name in names:
            bar.update(task, description=name)
            public = read_set(name, data, sample)
            if public is None:
                bar.console.print(f"{name}: skipped, no {data / READERS[name][0]}", highlight=False)
            else:
                for line in compare(public, encoder):
                    table.add_row(*_classifier_row(line))
            bar.advance(task)
    console.print(table)


def answers(data: Data = SHARED, sample: Sample = 0) -> None:
    """The long answer to a Chinese question: BM25 alone against the hybrid of our search."""
    encoder, console = load_encoder(Settings().encoder), Console()
    sets: list[AnswerSet] = [catalogue_answers(read_catalogue(), read_dev_queries(), sample)]
    policies = policy_answers(data, sample)
    if policies is None:
        console.print(f"policies (ncp): skipped, not in {data}", highlight=False)
    else:
        sets.append(policies)
    table = Table(
        "set", "questions", "answers", "search", "R@1 %", "R@5 %", "MRR %",
        title=f"Question to long answer; weights chosen on other documents; encoder {encoder.name}",
    )  # fmt: skip
    with _progress() as bar:
        for given in bar.track(sets, description="searching 检索"):
            found = compare_answers(given, encoder)
            for row in _answer_rows(found):
                table.add_row(*row)
    console.print(table)


def register(benches: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (nlu, answers, rasa):
        benches.command()(command)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    )


def _classifier_row(line: Compared) -> tuple[str, ...]:
    return (
        line.set_name, str(line.train), str(line.test), line.measure, f"{100 * line.ours:.1f}",
        f"{100 * line.baseline:.1f}", f"{100 * line.gain.value:+.1f}", _ends(line.gain),
    )  # fmt: skip


def _answer_rows(found: AnswersCompared) -> list[tuple[str, ...]]:
    sizes = (found.set_name, str(found.questions), str(found.answers))
    weights = ", ".join(f"{arm} {weight:g}" for arm, weight in found.weights.items() if weight)
    rows = [
        (*sizes, name, *(f"{100 * value:.1f}" for value in (one.recall_at_1, one.recall_at_5, one.mrr)))
        for name, one in (("BM25, characters 1-2", found.baseline), (f"hybrid: {weights}", found.hybrid))
    ]
    gain = f"{100 * found.gain.value:+.1f} ({_ends(found.gain)})"
    return [*rows, (*sizes, "difference, 95 % interval", gain, "", "")]


def _ends(gain: Interval) -> str:
    return f"{100 * gain.low:+.1f} … {100 * gain.high:+.1f}"
