"""The commands on the catalogue as a whole: `import`, `export`, `bench catalogue`."""

from __future__ import annotations

import re
import sys
import tempfile
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import numpy as np
import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from threadpoolctl import threadpool_limits

from bot.settings import Settings
from knowledge.catalogue import Catalogue, Confidence, Text, read_catalogue
from knowledge.city import CITY_FILE, City, CityError, catalogue_of, find_city, new_catalogue
from knowledge.encoder import load_encoder
from knowledge.importers.cpsv_export import write_csv, write_json_ld
from knowledge.importers.formats import Format
from knowledge.importers.importing import REPORT, Import, Options, Summary
from knowledge.importers.journal import write_whole
from knowledge.importers.row import ImportFault
from knowledge.large_catalogue import many_items, measure

console = Console(stderr=True)
CITY_NAME = re.compile(r"^[a-z][a-z0-9_-]{1,30}$")
OWN_ITEMS = 187


class ExportFormat(StrEnum):
    """What an export writes."""

    CPSV = "cpsv"
    CSV = "csv"


def register(app: typer.Typer, benches: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("import")(import_items)
    app.command("export")(export_items)
    benches.command("catalogue")(bench_catalogue)


def import_items(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX, JSON, JSONL, JSON-LD, Turtle or Open311 XML.")],
    source_title: Annotated[str, typer.Option(help="What list it is and of whom; told to citizens as the source.")],
    city: Annotated[str, typer.Option(help="City to import into; a new name makes a new city.")] = "",
    name: Annotated[str, typer.Option(help="For a new city, its name: 中文/English, or one of them.")] = "",
    case_prefix: Annotated[str, typer.Option(help="For a new city, the two letters of its case numbers.")] = "",
    source_date: Annotated[str, typer.Option(help="When the list was read, YYYY-MM-DD; today by default.")] = "",
    source_url: Annotated[str, typer.Option(help="Its address; only for pages of government bodies.")] = "",
    confidence: Annotated[Confidence, typer.Option(help="How far its facts can be trusted.")] = Confidence.UNSOURCED,
    format: Annotated[Format, typer.Option(help="What the file holds.")] = Format.AUTO,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a row for a lint remark too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read and report; nothing is kept.")] = False,
) -> None:
    """Import a catalogue: national item model, CPSV-AP or Open311; a run that broke off goes on where it was.

    Exits 1 when rows were refused; the good rows are kept. The next start of the server builds the index.
    """
    settings = Settings()
    options = Options(_title(source_title), _day(source_date), source_url or None, confidence, format, strict)
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = Path(scratch) if dry_run else settings.data_dir
        folder, base = _target(settings, city or settings.city, data_dir, name, case_prefix)
        done = _run(Import(file, folder, base, options))
        _tell(done, folder / REPORT, dry_run)
    raise typer.Exit(1 if done.refused else 0)


def _title(told: str) -> Text:
    zh, _, en = told.partition("/") if "/" in told else (told, "", "")
    return Text(zh.strip(), en.strip()) if en else (Text(en=zh) if zh.isascii() else Text(zh))


def _day(told: str) -> str:
    try:
        return date.fromisoformat(told).isoformat() if told else date.today().isoformat()
    except ValueError:
        raise ImportFault(f"--source-date: {told!r} is no date of the form YYYY-MM-DD") from None


def _target(settings: Settings, key: str, data_dir: Path, name: str, prefix: str) -> tuple[Path, Catalogue]:
    """The folder to fill and the city's catalogue so far; a new city gets its city file."""
    folder = data_dir / "cities" / key
    try:
        return folder, catalogue_of(find_city(key, settings.data_dir))
    except CityError:
        pass
    if not CITY_NAME.match(key):
        raise ImportFault(f"--city: a new city needs a short name of small letters, not {key!r}")
    called = _title(name) if name else Text(en=key.capitalize())
    profile = {"name": {k: v for k, v in (("zh", called.zh), ("en", called.en)) if v}}
    letters = prefix or re.sub("[^A-Z]", "", key.upper())[:2].ljust(2, "X")
    write_whole(folder / CITY_FILE, yaml.safe_dump({**profile, "case_prefix": letters}, allow_unicode=True))
    return folder, new_catalogue()


def _run(job: Import) -> Summary:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} rows 行"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("importing 导入", total=job.source.lines or None)
        done = job.run(lambda row: bar.update(task, completed=row))
        bar.update(task, total=done.rows, completed=done.rows)
    return done


def _tell(done: Summary, report: Path, dry_run: bool) -> None:
    if done.encoding not in ("utf-8-sig", "binary"):
        console.print(f"The file is not UTF-8; it was read as {done.encoding}.")
    if done.resumed_after:
        console.print(f"Taken up after row {done.resumed_after}, where the last run broke off.")
    if done.unknown_columns:
        console.print(f"Columns that mean nothing here: {', '.join(done.unknown_columns)}", markup=False)
    console.print(
        f"{done.format}: {done.rows} rows read, {done.kept} items {'fit' if dry_run else 'kept'}, "
        f"{done.refused} refused, {done.warnings} remarks."
    )
    if dry_run and (done.refused or done.warnings):
        sys.stdout.write(report.read_text(encoding="utf-8"))
    elif done.refused or done.warnings:
        console.print(f"Report by row: {report}", soft_wrap=True)


def export_items(
    city: Annotated[str, typer.Option(help="City to export; the one of the settings by default.")] = "",
    format: Annotated[ExportFormat, typer.Option(help="CPSV-AP 3 as JSON-LD, or a table.")] = ExportFormat.CPSV,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output by default.")] = None,
) -> None:
    """Write the catalogue as CPSV-AP JSON-LD or CSV; `import` reads both back."""
    settings = Settings()
    found = find_city(city or settings.city, settings.data_dir)
    if out is None:
        _write(found, format, sys.stdout)
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        _write(found, format, file)
    console.print(f"{len(catalogue_of(found))} items written to {out}", soft_wrap=True)


def _write(city: City, format: ExportFormat, out: TextIO) -> None:
    catalogue = catalogue_of(city)
    if format is ExportFormat.CSV:
        write_csv(catalogue, out)
    else:
        write_json_ld(catalogue, city.key, out)


def bench_catalogue(
    items: Annotated[int, typer.Option(help="Items to make and search.", min=10)] = 6100,
    searches: Annotated[int, typer.Option(help="Searches to time.", min=10)] = 1000,
) -> None:
    """Build and search a catalogue of thousands, beside one of our own size."""
    threadpool_limits(1, user_api="blas")
    encoder = load_encoder(Settings().encoder)
    ours = read_catalogue()
    figures = [measure(many_items(ours, count), encoder, searches) for count in (OWN_ITEMS, items)]
    table = Table("measure", *(f"{one.items} items" for one in figures), title=f"{searches} searches, one thread")
    table.add_row("texts", *(str(one.texts) for one in figures))
    built = (f"{one.build_seconds:.1f} ({one.build_cpu_seconds:.1f})" for one in figures)
    table.add_row("index built, s (CPU s)", *built)
    for percent in (50, 99):
        told = [(np.percentile(one.cpu_ms, percent), np.percentile(one.wall_ms, percent)) for one in figures]
        table.add_row(
            f"query encoded p{percent}, CPU ms", *(f"{np.percentile(one.encode_ms, percent):.2f}" for one in figures)
        )
        table.add_row(
            f"search without encoding p{percent}, CPU ms (wall ms)", *(f"{cpu:.2f} ({wall:.2f})" for cpu, wall in told)
        )
    for how in figures[0].accuracy:
        table.add_row(f"accuracy@1, {how}, %", *(f"{100 * one.accuracy[how]:.1f}" for one in figures))
    means = [100 * float(np.mean(list(one.accuracy.values()))) for one in figures]
    table.add_row("accuracy@1, all, %", *(f"{mean:.1f}" for mean in means))
    Console().print(table)
