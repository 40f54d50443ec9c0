"""Every store on every database: SQLite on disk and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bot.database import migrate, open_database
from bot.store import Store
from tests.contracts import CaseStoreContract, Clock, StoreContract


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


class TestForwardedCasesOnSqlite(OnSqlite, CaseStoreContract):
    """The store that forwards keeps the contract, but for the tests that begin with a case still at our own desk."""

    test_the_way_of_a_case = None
    test_refused_moves_change_nothing = None
    test_one_of_many_moves_at_once_is_made = None
    test_hand_overs_are_tried_with_waits = None
    test_when_the_clock_looks_next = None

    @pytest.fixture
    def store(self, engine: Engine, clock: Clock) -> Store:
        return Store(engine, "SZ", clock, forward_to="open311:x")
