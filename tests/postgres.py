"""A real PostgreSQL for tests: one server a session, a fresh database a test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from bot.database import migrate, open_database
from connectors.postgres_server import CARELESS, PostgresServer, binaries


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server; tests that need it are skipped only where PostgreSQL is not installed."""
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    server = PostgresServer(CARELESS)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The address of a fresh, empty database."""
    return postgres.make(f"t{uuid.uuid4().hex}")


@pytest.fixture
def postgres_engine(postgres_url: str) -> Iterator[Engine]:
    """A fresh database with the newest tables."""
    engine = open_database(postgres_url)
    migrate(engine)
    yield engine
    engine.dispose()
