"""`chengda evaluate calls`: written calls heard segment by segment, services offered and forms filled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.assist.assistance import Assistance
from bot.assist.figures import Measured, measure, right, score
from bot.assist.labelled_calls import DEMAND, FIELDS, read_calls, shipped_calls
from knowledge.figures import bootstrap

Files = Annotated[list[Path] | None, typer.Argument(help="Files of calls; those of nlu_data/eval by default.")]
Wrong = Annotated[bool, typer.Option("--wrong", help="Also list every call of which something was missed.")]


def evaluate_calls(assistance: Assistance, files: Sequence[Path], wrong: bool, console: Console) -> None:
    """Print recall@3 of the right service and how early, and F1 of the form, by language and recognition."""
    written = read_calls(files or shipped_calls())
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("calls 通话", total=len(written))
        measured = measure(assistance, written, lambda: bar.advance(task))
    _print_services(measured, console)
    _print_fields(measured, console)
    if wrong:
        _print_wrong(measured, console)


def _groups(measured: Sequence[Measured]) -> list[tuple[str, list[Measured]]]:
    """All calls, then those of each language, author, recognition and kind."""
    groups: dict[str, list[Measured]] = {"all": list(measured)}
    for key in ("language", "author", "asr", "kind"):
        for one in sorted(measured, key=lambda one: str(getattr(one.call, key))):
            groups.setdefault(str(getattr(one.call, key)), []).append(one)
    return list(groups.items())


def _print_services(measured: Sequence[Measured], console: Console) -> None:
    table = Table(
        "calls", "with a service", "recall@1 %", "recall@3 %", "95 % interval", "from % of the words on", "kind %",
        title="The right service or item among those offered after the last segment",
    )  # fmt: skip
    for name, own in _groups(measured):
        wanted = [one for one in own if one.call.services]
        first = [float(one.rank == 1) for one in wanted]
        third = bootstrap([float(one.rank is not None and one.rank <= 3) for one in wanted])
        early = [one.early for one in wanted if one.early is not None]
        kinds = [one.kind == one.call.kind for one in own]
        table.add_row(
            f"{name} {len(own)}", str(len(wanted)), _percent(sum(first) / max(1, len(first))), _percent(third.value),
            f"{_percent(third.low)} … {_percent(third.high)}", _percent(sum(early) / max(1, len(early))),
            _percent(sum(kinds) / max(1, len(kinds))),
        )  # fmt: skip
    console.print(table)


def _print_fields(measured: Sequence[Measured], console: Console) -> None:
    names = (name.replace("_", " ") for name in FIELDS)
    table = Table("demands", "precision %", "recall %", "F1 %", *names, title="The form, and F1 % of its fields")
    for name, own in _groups(measured):
        demands = [one for one in own if one.call.kind == DEMAND]
        if demands:
            whole = score(own, FIELDS)
            fields = (score(own, (field,)).f1 for field in FIELDS)
            figures = (whole.precision, whole.recall, whole.f1, *fields)
            table.add_row(f"{name} {len(demands)}", *map(_percent, figures))
    console.print(table)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _print_wrong(measured: Sequence[Measured], console: Console) -> None:
    for one in measured:
        told = [f"{one.kind} for {one.call.kind}"] if one.kind != one.call.kind else []
        if one.call.services and (one.rank is None or one.rank > 3):
            told.append(f"offered {', '.join(one.offered)} for {', '.join(one.call.services)}")
        for name in FIELDS if one.call.kind == DEMAND else ():
            read, wanted = one.fields[name], one.call.case[name]
            if (read or wanted) and not right(name, read, wanted):
                told.append(f"{name}: {read or '–'} for {wanted or '–'}")
        for line in told:
            console.print(f"{one.call.key} {one.call.language} {one.call.asr}: {line}", highlight=False, markup=False)
