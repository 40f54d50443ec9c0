"""The database: tables, connection and migrations (SQLAlchemy and Alembic; SQLite out of the box)."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK_WAIT_MS = 10_000
metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("sender", String(200), primary_key=True),
    Column("state", JSON, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("message_id", String(200)),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("events", JSON, nullable=False),
    Column("answer", JSON, nullable=False),
    UniqueConstraint("sender", "message_id", name="one_turn_a_message"),
    Index("turns_by_sender", "sender", "id"),
)

cases = Table(
    "cases",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("query_code", String(8), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("language", String(2), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(20), nullable=False),
    Column("category", String(40)),
    Column("service_item", String(8)),
    Column("agency", String(20)),
    Column("location", Text),
    Column("district", String(40)),
    Column("subdistrict", String(40)),
    Column("occurred_at", Text),
    Column("contact", String(40)),
    Column("anonymous", Boolean, nullable=False),
    Column("status", String(20), nullable=False),
    Column("filed_at", DateTime(timezone=True), nullable=False),
    Column("expected_at", DateTime(timezone=True), nullable=False),
    Index("cases_by_sender", "sender", "filed_at"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), ForeignKey("cases.number"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", String(20), nullable=False),
    Column("note", Text),
)

case_counters = Table(
    "case_counters",
    metadata,
    Column("day", String(8), primary_key=True),
    Column("last", Integer, nullable=False),
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sender", String(200), nullable=False, index=True),
    Column("language", String(2), nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)


learning_queue = Table(
    "learning_queue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("day", Date, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("intent", String(40), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("services", JSON, nullable=False),
    Index("learning_queue_by_day", "day"),
    sqlite_autoincrement=True,
)

turn_reviews = Table(
    "turn_reviews",
    metadata,
    Column("turn", Integer, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("rating", String(4)),
    Column("entry", Integer),
)


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
