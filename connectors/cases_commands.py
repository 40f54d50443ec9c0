"""The commands on cases: `chengda cases export` and `chengda cases import`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from sqlalchemy import func, select

from bot.build import open_store
from bot.cases.tables import cases
from bot.cases.transfer import Format, Imported, exported, format_of, import_file, write
from bot.settings import Settings
from bot.store import Store
from connectors.database_commands import told
from knowledge.city import find_city

commands = typer.Typer(help="Write cases to a file, or take them in from one.")
console = Console(stderr=True)


@commands.command("export")
def export_cases(
    to: Annotated[Path, typer.Option(help="File to write.")],
    format: Annotated[Format | None, typer.Option(help="CSV or JSON Lines; by the file's name if not told.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only cases filed from that day on.")] = None,
    with_personal: Annotated[
        bool,
        typer.Option("--with-personal", help="Also contact, sender, query code and unmasked texts."),
    ] = False,
    excel: Annotated[
        bool, typer.Option("--excel", help="Begin a CSV with the mark by which Excel knows UTF-8.")
    ] = False,
) -> None:
    """Write cases to a file, the oldest first; without personal data unless told to."""
    form = format or format_of(to)
    with _open() as (store, zone):
        start = since.replace(tzinfo=since.tzinfo or zone) if since else None
        query = select(func.count()).select_from(cases)
        query = query.where(cases.c.filed_at >= start) if start else query
        with store.engine.connect() as connection:
            total = connection.execute(query).scalar_one()
        # A name beside it, so that a run cut short leaves no half file under the name asked for.
        part = to.with_name(f"{to.name}.part")
        encoding = "utf-8-sig" if excel and form is Format.CSV else "utf-8"
        with _bar(MofNCompleteColumn()) as bar, part.open("w", encoding=encoding, newline="") as file:
            if with_personal:
                os.fchmod(file.fileno(), 0o600)
            task = bar.add_task("writing 导出", total=total)
            count = write(
                exported(store, zone, start, with_personal), file, form, with_personal, lambda: bar.advance(task)
            )
        part.replace(to)
    console.print(f"{count} cases 工单 → {to}", highlight=False)


@commands.command("import")
def import_cases(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSON Lines, as the export writes it.", exists=True, dir_okay=False)
    ],
    format: Annotated[Format | None, typer.Option(help="CSV or JSON Lines; by the file's name if not told.")] = None,
) -> None:
    """Take in cases that are not there yet; a batch of 500 lines with a fault is left out and can be sent again."""
    form = format or format_of(file)
    with _open() as (store, zone), _bar(DownloadColumn()) as bar, file.open("rb") as content:
        task = bar.add_task("reading 导入", total=file.stat().st_size)
        done = import_file(store, content, form, zone, lambda at: bar.update(task, completed=at))
        bar.update(task, completed=file.stat().st_size)
    _tell(done)
    if done.wrong:
        raise typer.Exit(1)


def _tell(done: Imported) -> None:
    for fault in done.faults:
        console.print(str(fault), style="red", highlight=False, markup=False)
    if done.wrong > len(done.faults):
        console.print(f"… {done.wrong - len(done.faults)} more 另有更多", style="red", highlight=False)
    console.print(
        f"{done.new} imported 已导入, {done.known} there before 已存在, {done.left} left out 未导入", highlight=False
    )
    if done.left:
        console.print("mend the lines and import the same file again 修正后重新导入同一文件即可", highlight=False)


@contextmanager
def _open() -> Iterator[tuple[Store, tzinfo]]:
    """The database of the settings, with the city's time zone."""
    settings = Settings()
    with told():
        store = open_store(settings, find_city(settings.city, settings.data_dir))
        try:
            yield store, store.now().tzinfo or UTC
        finally:
            store.engine.dispose()


def _bar(column: MofNCompleteColumn | DownloadColumn) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), column, TimeElapsedColumn(), console=console
    )
