"""The database: connection and migrations; SQLite out of the box, PostgreSQL by one setting."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK_WAIT_MS = 10_000


def open_database(url: str) -> Engine:
    """An engine for the address; SQLite runs in WAL mode with one writer at a time."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    in_memory = parsed.database in (None, "", ":memory:")
    if not in_memory:
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    options = {"connect_args": {"check_same_thread": False}}
    engine = create_engine(parsed, poolclass=StaticPool, **options) if in_memory else create_engine(parsed, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_at_once)
    return engine


def make_durable(engine: Engine) -> None:
    """Put all that is committed on the disk, so that no power cut takes it back.

    In SQLite a commit alone survives a crash of the program only; the wait for the disk, some milliseconds, is left to
    what must not be lost. Other databases wait at every commit.
    """
    log = Path(f"{engine.url.database}-wal")
    if engine.url.get_backend_name() == "sqlite" and log.exists():
        with log.open("rb+") as file:
            os.fsync(file.fileno())


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
    """Take SQLite's write lock at the start, so that a turn never fails half-way for it."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
