"""Migrations make exactly the tables the code uses, and can be undone."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from bot.cases.case import CaseDraft, DemandType
from bot.database import MIGRATIONS, migrate, open_database
from bot.messages import SenderId
from bot.schema import metadata
from bot.store import Store


def test_migrations_match_the_tables(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a' / 'new.sqlite3'}")
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


def test_migrations_go_back(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    migrate(engine)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()


def test_only_what_must_not_be_lost_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    migrate(engine)
    store = Store(engine, "SZ", lambda: datetime(2026, 11, 20, 9, tzinfo=UTC))
    waits: list[int] = []
    monkeypatch.setattr(os, "fsync", waits.append)
    with store.work() as work:
        work.tracker(SenderId("a"))
    assert not waits
    with store.work() as work:
        case = work.cases.file(CaseDraft("路灯坏了", DemandType.REPORT), SenderId("a"), "zh", None, True)
    assert len(waits) == 1
    with store.work() as work:
        work.handoffs.join(SenderId("a"), "zh", datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert len(waits) == 2
    with store.work() as work:
        assert work.cases.by_number(case.number).draft.description == "路灯坏了"
    assert len(waits) == 2
    engine.dispose()
