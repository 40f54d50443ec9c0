"""How fast cases are filed and found among very many: `chengda bench cases`."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import Connection, Engine, func, select, text

from bot.cases.bulk import put
from bot.cases.case import CaseDraft, DemandType
from bot.cases.number import CaseNumber, case_number
from bot.cases.states import WITH_UNIT
from bot.cases.synthetic import DAYS, synthetic_cases
from bot.cases.tables import cases
from bot.database import POSTGRESQL, migrate, open_database
from bot.errors import ChengdaError
from bot.messages import SenderId
from bot.store import Store
from connectors.database_commands import told
from connectors.postgres_server import running
from connectors.timing import Times, timed, timed_once

ZONE = ZoneInfo("Asia/Shanghai")
END = datetime(2026, 11, 1, tzinfo=ZONE)
LOAD_BATCH = 2000
PAGE = 20
# A small machine's share; the defaults of PostgreSQL are for one of twenty years ago.
MEMORY = ("shared_buffers=1GB", "max_wal_size=4GB", "effective_cache_size=4GB", "work_mem=16MB")
DRAFT = CaseDraft(
    "路灯坏了三天没人修，晚上走路看不清",
    DemandType.COMPLAINT,
    "市政设施",
    "H08",
    "UMB",
    "民治大道",
    "龙华区",
    "民治街道",
)
# What a year brings to Shenzhen, in its own words on 2023; how much more the busiest second has, assumed.
A_YEAR = 37_000_000
PEAK = 10
YEAR_SECONDS = 365 * 24 * 3600


class NotForMeasuring(ChengdaError):
    """The database holds cases of people."""


@dataclass(frozen=True)
class Measured:
    """What one run found."""

    count: int
    loaded: int
    load_rate: float
    filing_rate: float
    filing: Times
    look_up: Times
    busy_look_up: Times
    queue: Times
    listing: Times
    size: int
    parts: tuple[tuple[str, int], ...]


def bench_cases(
    url: Annotated[
        str, typer.Option(help="Database to measure on, without cases of people; by default a server of its own.")
    ] = "",
    count: Annotated[int, typer.Option(help="Cases in the database.", min=1000)] = 1_000_000,
    connections: Annotated[int, typer.Option(help="Connections that file at once.", min=1)] = 8,
    seconds: Annotated[float, typer.Option(help="How long is filed, in seconds.", min=1)] = 20.0,
) -> None:
    """Load invented cases, then measure filing, look-up and queues; and reckon a year of Shenzhen from it."""
    console = Console(stderr=True)
    with _database(url) as address:
        engine = open_database(address)
        try:
            with told():
                migrate(engine)
                found = measure(Store(engine, "SZ", lambda: datetime.now(ZONE)), count, connections, seconds, console)
            _print(found, engine, connections, Console())
        finally:
            engine.dispose()


@contextmanager
def _database(url: str) -> Iterator[str]:
    if url:
        yield url
        return
    with running(MEMORY) as server:
        yield server.make("bench")


def measure(store: Store, count: int, connections: int, seconds: float, console: Console) -> Measured:
    """Load what is missing, then measure each thing in turn; raises NotForMeasuring."""
    loaded, load_rate = _load(store, count, console)
    _settle(store.engine)
    numbers = _some(store, count)
    look_up = timed(lambda: _look_up(store, *random.choice(numbers)), 3000)
    busy = Times()
    filing, rate = _file(
        store,
        connections,
        seconds,
        lambda: busy.took.append(timed_once(lambda: _look_up(store, *random.choice(numbers)))),
    )
    unit = _busiest(store)
    queue = timed(lambda: _queue(store, unit), 300)
    listing = timed(lambda: _listing(store), 300)
    size, parts = _size(store.engine)
    return Measured(count, loaded, load_rate, rate, filing, look_up, busy, queue, listing, size, parts)


def _load(store: Store, count: int, console: Console) -> tuple[int, float]:
    with store.work() as work:
        people = select(cases.c.number).where(~cases.c.sender.startswith("synthetic-")).limit(1)
        if work.connection.execute(people).first() is not None:
            raise NotForMeasuring(
                "this database holds cases of people; give one for measuring 此数据库有真实工单，请另给测试库"
            )
        there = int(work.connection.execute(select(func.count()).select_from(cases)).scalar_one())
    missing = islice(synthetic_cases(count, "SZ", END), there, None) if there < count else iter(())
    new, begun = 0, time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("loading 载入", total=count, completed=there)
        while batch := list(islice(missing, LOAD_BATCH)):
            with store.work() as work:
                new += put(work.connection, batch, ZONE)
            bar.advance(task, len(batch))
    return new, new / (time.monotonic() - begun)


def _settle(engine: Engine) -> None:
    """Let the database write down and count what was loaded, so that it does not do so while it is measured."""
    if engine.dialect.name == POSTGRESQL:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
    else:
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))


def _some(store: Store, count: int) -> list[tuple[CaseNumber, str]]:
    """Numbers and codes from all over the table."""
    a_day, chance = -(-count // DAYS), random.Random(7)
    places = sorted(chance.sample(range(count), min(count, 5000)))
    numbers = [number_at(place, a_day) for place in places]
    with store.work() as work:
        query = select(cases.c.number, cases.c.query_code).where(cases.c.number.in_(numbers))
        return [(CaseNumber(row.number), row.query_code) for row in work.connection.execute(query)]


def number_at(place: int, a_day: int) -> CaseNumber:
    """The number of an invented case by its place."""
    day, running = divmod(place, a_day)
    return case_number("SZ", (END - timedelta(days=DAYS - day)).date(), running + 1)


def _look_up(store: Store, number: CaseNumber, code: str) -> None:
    with store.work() as work:
        work.cases.with_code(number, code)


def _file(store: Store, connections: int, seconds: float, beside: Callable[[], None]) -> tuple[Times, float]:
    """File from several connections, each case a transaction, while one more looks cases up."""
    times, end, told_to_end = Times(), time.monotonic() + seconds, threading.Event()

    def file(place: int) -> None:
        sender = SenderId(f"synthetic-{os.getpid()}-{place}")
        while time.monotonic() < end and not told_to_end.is_set():
            begun = time.perf_counter()
            with store.work() as work:
                work.cases.file(DRAFT, sender, "zh", "13800138000", False)
            times.took.append(time.perf_counter() - begun)

    def look() -> None:
        while time.monotonic() < end and not told_to_end.is_set():
            beside()
            time.sleep(0.02)

    threads = [threading.Thread(target=file, args=(place,)) for place in range(connections)]
    threads.append(threading.Thread(target=look))
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        # Before their database goes.
        told_to_end.set()
        for thread in threads:
            thread.join()
    return times, len(times.took) / (time.monotonic() - begun)


def _busiest(store: Store) -> str:
    query = (
        select(cases.c.unit)
        .where(cases.c.unit.is_not(None))
        .group_by(cases.c.unit)
        .order_by(func.count().desc())
        .limit(1)
    )
    with store.work() as work:
        return str(work.connection.execute(query).scalar())


def _queue(store: Store, unit: str) -> tuple[object, ...]:
    query = select(cases).where(cases.c.unit == unit, cases.c.status.in_([str(status) for status in WITH_UNIT]))
    with store.work() as work:
        return work.cases.found_by(query.order_by(cases.c.filed_at).limit(PAGE))


def _listing(store: Store) -> tuple[object, ...]:
    with store.work() as work:
        return work.cases.found_by(select(cases).order_by(cases.c.filed_at.desc(), cases.c.number.desc()).limit(PAGE))


def _size(engine: Engine) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Bytes of the whole database and of its largest tables, indexes with them."""
    if engine.dialect.name != POSTGRESQL:
        return Path(str(engine.url.database)).stat().st_size, ()
    with engine.connect() as connection:
        whole = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        return int(whole), _parts(connection)


def _parts(connection: Connection) -> tuple[tuple[str, int], ...]:
    query = text(
        "SELECT relname, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables "
        "ORDER BY pg_total_relation_size(relid) DESC LIMIT 3"
    )
    return tuple(
        part
        for name, table, indexes in connection.execute(query)
        for part in ((name, int(table)), (f"its indexes ({name})", int(indexes)))
    )


def _print(found: Measured, engine: Engine, connections: int, console: Console) -> None:
    table = Table("measured", "", title=f"{found.count:,} cases, {engine.dialect.name}, {os.cpu_count()} processors")
    rows = [
        ("load", f"{found.load_rate:,.0f} cases/s ({found.loaded:,} cases)" if found.loaded else "was there"),
        (f"filing, {connections} connections", f"{found.filing_rate:,.0f}/s"),
        ("one filing p50 / p99", str(found.filing)),
        ("look-up by number and code p50 / p99", str(found.look_up)),
        ("the same while others file", str(found.busy_look_up)),
        (f"a unit's queue, {PAGE} cases, p50 / p99", str(found.queue)),
        (f"newest {PAGE} cases p50 / p99", str(found.listing)),
        ("size", f"{found.size / 2**30:.2f} GiB, {found.size / found.count:,.0f} bytes a case"),
        *((name, f"{size / 2**20:,.0f} MiB") for name, size in found.parts),
        ("load of the machine, one minute", f"{os.getloadavg()[0]:.1f}"),
    ]  # fmt: skip
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(reckoned(found))


def reckoned(found: Measured) -> Table:
    """A year of Shenzhen on paper, from the figures measured."""
    a_case, mean = found.size / found.count, A_YEAR / YEAR_SECONDS
    month = A_YEAR / 12
    table = Table("on paper", "", title=f"{A_YEAR:,} cases a year")
    for row in (
        ("filings a second, mean / busiest (10 times, assumed)", f"{mean:.1f} / {PEAK * mean:.0f}"),
        ("share of the filing rate measured that the busiest takes", f"{100 * PEAK * mean / found.filing_rate:.1f} %"),
        ("a day, mean; numbers a day has", f"{A_YEAR / 365:,.0f}; 999,999"),
        ("a month's partition", f"{month:,.0f} cases, {a_case * month / 2**30:.1f} GiB"),
        ("a year", f"{a_case * A_YEAR / 2**30:,.0f} GiB"),
        (
            "to load a year anew at the rate measured",
            f"{A_YEAR / found.load_rate / 3600:.1f} h" if found.loaded else "-",
        ),
        ("vectors of duplicates, 30 days open, 1.5 KiB each", f"{month * 1.5 / 2**20:.1f} GiB"),
    ):
        table.add_row(*row)
    return table
