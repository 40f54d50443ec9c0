"""The database: connection and migrations; SQLite out of the box, PostgreSQL by one setting."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from bot.errors import SettingsError

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK_WAIT_MS = 10_000
POSTGRESQL = "postgresql"
SQLITE = "sqlite"
# As psycopg 3 is the one driver shipped, addresses need not name it.
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
# The web server answers in 40 threads; each holds a connection while it works on a turn.
POOL_SIZE, POOL_OVERFLOW = 10, 30
# How a transaction is marked that only reads; PostgreSQL knows the first word, our own listener the second.
_READING: dict[str, Any] = {"postgresql_readonly": True, "chengda_reading": True}
# In PostgreSQL each statement would else see what was committed before it; SQLite's reads are of one state anyway.
_ONE_STATE = {"isolation_level": "REPEATABLE READ"}
# One number for the lock under which a process migrates PostgreSQL; any other would do.
MIGRATION_LOCK = 12345


def address_of(url: str) -> URL:
    """A database address with its driver; raises SettingsError without repeating it, as it may hold a password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError("CHENGDA_DATABASE_URL is no database address 不是数据库地址") from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.get_backend_name() not in (POSTGRESQL, SQLITE):
        raise SettingsError(f"{parsed.drivername}: only sqlite and postgresql are supported 仅支持这两种数据库")
    return parsed


def open_database(url: str) -> Engine:
    """An engine for the address; SQLite runs in WAL mode with one writer at a time. Raises SettingsError."""
    parsed = address_of(url)
    if parsed.get_backend_name() == POSTGRESQL:
        return create_engine(
            parsed, hide_parameters=True, pool_pre_ping=True, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW
        )
    in_memory = parsed.database in (None, "", ":memory:")
    if not in_memory:
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    # An error in a log never shows what a citizen wrote.
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}, "hide_parameters": True}
    engine = create_engine(parsed, poolclass=StaticPool, **options) if in_memory else create_engine(parsed, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_at_once)
    return engine


class Writers:
    """Lets the writers of this process into a SQLite file one by one.

    SQLite's own wait looks again after ever longer pauses, so that those who wait longest starve under load.
    """

    def __init__(self, engine: Engine) -> None:
        alone = engine.url.get_backend_name() == SQLITE and not in_memory(engine)
        self._lock = threading.Lock() if alone else None

    @contextmanager
    def one(self) -> Iterator[None]:
        """Until it is one's turn; raises OperationalError after as long as SQLite would wait."""
        if self._lock is None:
            yield
            return
        if not self._lock.acquire(timeout=LOCK_WAIT_MS / 1000):
            raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))
        try:
            yield
        finally:
            self._lock.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads beside any writer and sees one state of the database; it refuses to write."""
    options = _READING | (_ONE_STATE if engine.dialect.name == POSTGRESQL else {})
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def only_reads(connection: Connection) -> bool:
    """Whether a connection refuses to write."""
    return bool(connection.get_execution_options().get("chengda_reading"))


def in_memory(engine: Engine) -> bool:
    """Whether a database is one connection's alone, which no second thread may share."""
    return isinstance(engine.pool, StaticPool)


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can tell what to do with a row that is there already, as each database words it."""
    return sqlite.insert(table) if connection.dialect.name == SQLITE else postgresql.insert(table)


def make_durable(engine: Engine) -> None:
    """Put all that is committed on the disk, so that no power cut takes it back.

    In SQLite a commit alone survives a crash of the program only; the wait for the disk, some milliseconds, is left to
    what must not be lost. Other databases wait at every commit.
    """
    log = Path(f"{engine.url.database}-wal")
    if engine.url.get_backend_name() == SQLITE and log.exists():
        with log.open("rb+") as file:
            os.fsync(file.fileno())


def migrate(engine: Engine, version: str = "head") -> None:
    """Bring the tables to a version, the newest by default; processes that start together do it one after the other."""
    _run(engine, lambda config: command.upgrade(config, version))


def revert(engine: Engine, version: str) -> None:
    """Take the tables back to an older version; what only newer ones have room for is lost."""
    _run(engine, lambda config: command.downgrade(config, version))


def version_of(engine: Engine) -> str | None:
    """The version of the tables; None for a database without them."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _run(engine: Engine, step: Callable[[Config], None]) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        copies = connection.dialect.name == SQLITE
        if copies:
            # SQLite alters a table by copying it and dropping the old one, which its events still refer to.
            _pragma(connection, "foreign_keys = OFF")
        try:
            with connection.begin():
                if not copies:
                    connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                config.attributes["connection"] = connection
                step(config)
        finally:
            if copies:
                _pragma(connection, "foreign_keys = ON")


def _pragma(connection: Connection, setting: str) -> None:
    """Change a setting of SQLite outside any transaction, where alone it takes effect."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _prepare_sqlite(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {LOCK_WAIT_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_at_once(connection: Connection) -> None:
    """Take SQLite's write lock at the start, so that a turn never fails half-way for it; who only reads takes none."""
    reads = only_reads(connection)
    connection.exec_driver_sql(f"PRAGMA query_only = {int(reads)}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
