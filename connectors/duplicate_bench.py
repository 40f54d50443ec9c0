"""How fast a new report finds its like among very many open cases: `chengda bench duplicates`."""

from __future__ import annotations

import gc
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import select

from bot.cases.bulk import put
from bot.cases.case import CaseDraft, DemandType
from bot.cases.case_index import CaseIndex
from bot.cases.demand_heads import read_demands
from bot.cases.duplicate_finder import BY_MEANING, DuplicateFinder, finder_of
from bot.cases.record import CaseRecord
from bot.cases.synthetic import synthetic_cases
from bot.cases.tables import cases
from bot.database import migrate, open_database
from bot.errors import ChengdaError
from bot.messages import SenderId
from bot.nlu.gazetteer import Name, by_form
from bot.settings import Settings
from bot.store import Store
from bot.training import load_or_train
from connectors.case_bench import END, LOAD_BATCH, ZONE, NotForMeasuring
from connectors.database_commands import told
from connectors.timing import Times, timed_once
from knowledge.city import City, find_city

ITEMS = 30
WARM_UP = 5
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Reports:
    """Invented reports: demands as people write them, at places of the city."""

    texts: Sequence[str]
    places: Sequence[Name]
    subdistricts: Sequence[Name]

    @classmethod
    def of(cls, city: City) -> Reports:
        """From the training demands and the gazetteer."""
        names = sorted(set(by_form(city).values()), key=lambda name: (name.label, name.value))
        places = [name for name in names if name.label in ("road", "landmark")]
        return cls([row["text"] for row in read_demands()], places, [n for n in names if n.label == "subdistrict"])

    def draft(self, chance: random.Random) -> CaseDraft:
        """One more report."""
        area, place = chance.choice(self.subdistricts), chance.choice(self.places).value
        where = f"{area.value}{place}{chance.randrange(1, 400)}号"
        return CaseDraft(
            f"{where}，{chance.choice(self.texts)}", DemandType.COMPLAINT, location=where, district=area.district,
            subdistrict=area.value, service_item=f"H{chance.randrange(1, ITEMS + 1):02d}",
        )  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What one run found; times in seconds, those of the processor with `_cpu`, memory in bytes."""

    count: int
    encoded: float
    encoded_cpu: float
    built: float
    memory: int
    adding: Times
    searching: Times
    finding: Times
    finding_cpu: Times


def bench_duplicates(
    count: Annotated[int, typer.Option("--cases", help="Open cases in the index.", min=100)] = 100_000,
    url: Annotated[str, typer.Option(help="Empty database to measure on; by default a new SQLite file.")] = "",
    calls: Annotated[int, typer.Option(help="New reports that look for their like.", min=10)] = 300,
) -> None:
    """Build the index of so many invented open cases, then measure adding to it, searching it, and its memory."""
    settings, city = Settings(), find_city()
    models = load_or_train(settings.data_dir, settings.encoder)

    def fresh() -> DuplicateFinder:
        found = finder_of(models.encoder, models.demands, city)
        if found is None:
            raise ChengdaError(f"duplicates were not learnt with the encoder {models.encoder.name}")
        return found

    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as folder, told():
        engine = open_database(url or f"sqlite:///{Path(folder) / 'duplicates.sqlite3'}")
        try:
            migrate(engine)
            with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
                tasks = {name: bar.add_task(name, total=None) for name in STAGES}

                def report(stage: str, done: int, total: int) -> None:
                    bar.update(tasks[stage], completed=done, total=total)

                store = Store(engine, "SZ", lambda: datetime.now(ZONE))
                found = measure(store, fresh, Reports.of(city), count, calls, report)
            _print(found, engine.dialect.name, Console())
        finally:
            engine.dispose()


LOADING, ENCODING, BUILDING, ADDING, FINDING = STAGES = (
    "loading 载入", "encoding 编码", "building 建索引", "adding 新增", "finding 查找",
)  # fmt: skip


def measure(
    store: Store, fresh: Callable[[], DuplicateFinder], reports: Reports, count: int, calls: int, report: Report
) -> Measured:
    """Load and measure; raises NotForMeasuring for a database that holds cases."""
    chance = random.Random(7)
    _load(store, _open_cases(reports, count, chance), count, report)
    # Kept until the end, so that the second index takes memory of its own.
    first, finder = fresh(), fresh()
    cpu = time.process_time()
    encoded = _loading(store, first.index, ENCODING, report)
    cpu = time.process_time() - cpu
    gc.collect()
    before = psutil.Process().memory_info().rss
    built = _loading(store, finder.index, BUILDING, report)
    memory = psutil.Process().memory_info().rss - before
    adding, searching, finding, finding_cpu = Times(), Times(), Times(), Times()
    for place in range(calls + WARM_UP):
        with store.work() as work:
            work.cases.file(reports.draft(chance), SenderId("synthetic-new"), "zh", None, False)
        with store.work() as work:
            adding.took.append(timed_once(lambda: finder.index.refresh(work.connection)))
        report(ADDING, place + 1, calls + WARM_UP)
    for place in range(calls + WARM_UP):
        draft, now = reports.draft(chance), store.now()
        vector = finder.vector(draft.description)
        with store.work() as work:
            searching.took.append(timed_once(lambda: finder.index.search(work.connection, vector, BY_MEANING)))  # noqa: B023
            begun = time.process_time()
            finding.took.append(timed_once(lambda: finder.find(work.connection, work.cases, draft, now)))  # noqa: B023
            finding_cpu.took.append(time.process_time() - begun)
        report(FINDING, place + 1, calls + WARM_UP)
    assert len(first.index) == count
    for times in (adding, searching, finding, finding_cpu):
        del times.took[:WARM_UP]
    return Measured(count, encoded, cpu, built, memory, adding, searching, finding, finding_cpu)


def _open_cases(reports: Reports, count: int, chance: random.Random) -> Iterator[CaseRecord]:
    for record in synthetic_cases(count, "SZ", END, only_open=True):
        draft = reports.draft(chance)
        yield record.model_copy(
            update={
                name: getattr(draft, name)
                for name in ("description", "location", "district", "subdistrict", "service_item")
            }
        )


def _load(store: Store, records: Iterator[CaseRecord], count: int, report: Report) -> None:
    with store.work() as work:
        if work.connection.execute(select(cases.c.number).limit(1)).first() is not None:
            raise NotForMeasuring("this database holds cases; give an empty one 此数据库已有工单，请另给空库")
    done = 0
    while batch := list(islice(records, LOAD_BATCH)):
        with store.work() as work:
            put(work.connection, batch, ZONE)
        done += len(batch)
        report(LOADING, done, count)


def _loading(store: Store, index: CaseIndex, stage: str, report: Report) -> float:
    begun = time.perf_counter()
    with store.work() as work:
        index.load(work.connection, lambda done, total: report(stage, done, total))
    return time.perf_counter() - begun


def _print(found: Measured, dialect: str, console: Console) -> None:
    table = Table("measured", "", title=f"{found.count:,} open cases, {dialect}, {os.cpu_count()} processors")
    for row in (
        ("build, every case encoded", f"{found.encoded:,.0f} s"),
        (
            "processor time of that",
            f"{found.encoded_cpu:,.0f} s, {1000 * found.encoded_cpu / found.count:.1f} ms a case",
        ),
        ("build from the kept vectors, as at a restart", f"{found.built:.1f} s"),
        ("memory of the index", f"{found.memory / 2**20:,.0f} MiB, {found.memory / found.count:,.0f} bytes a case"),
        ("one new case encoded and added, p50 / p95", _told(found.adding)),
        ("nearest in the index, p50 / p95", _told(found.searching)),
        ("find: read, search, compare, p50 / p95", _told(found.finding)),
        ("its processor time", _told(found.finding_cpu)),
        ("load of the machine, one minute", f"{os.getloadavg()[0]:.1f}"),
    ):
        table.add_row(*row)
    console.print(table)


def _told(times: Times) -> str:
    return f"{times.percentile(50):.1f} / {times.percentile(95):.1f} ms ({len(times.took):,} calls)"
