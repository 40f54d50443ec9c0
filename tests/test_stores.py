"""Every store on every database: SQLite on disk and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bot.database import migrate, open_database
from tests.contracts import CaseStoreContract, StoreContract


class OnSqlite:
    """Tests run on a file of SQLite."""

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        engine = open_database(f"sqlite:///{tmp_path / 'test.sqlite3'}")
        migrate(engine)
        yield engine
        engine.dispose()


class OnPostgres:
    """Tests run on a fresh database of a PostgreSQL server."""

    @pytest.fixture
    def engine(self, postgres_engine: Engine) -> Engine:
        return postgres_engine


class TestCasesOnSqlite(OnSqlite, CaseStoreContract):
    """Cases in SQLite."""


class TestCasesOnPostgres(OnPostgres, CaseStoreContract):
    """Cases in PostgreSQL."""


class TestTurnsOnSqlite(OnSqlite, StoreContract):
    """Turns in SQLite."""


class TestTurnsOnPostgres(OnPostgres, StoreContract):
    """Turns in PostgreSQL."""
