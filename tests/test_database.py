"""Migrations make exactly the tables the code uses, and can be undone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, inspect, select, text

from bot.cases import tables
from bot.cases.case import Actor, CaseDraft, DemandType, Facts
from bot.cases.states import Move, Role
from bot.database import address_of, migrate, open_database, revert, version_of
from bot.errors import SettingsError
from bot.messages import SenderId
from bot.schema import metadata
from bot.store import Store

NEWEST = "0006"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables, of each kind."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'a' / 'new.sqlite3'}" if sqlite else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    yield engine
    engine.dispose()


def test_migrations_match_the_tables(empty: Engine) -> None:
    assert version_of(empty) is None
    migrate(empty)
    migrate(empty)
    with empty.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_migrations_go_back(empty: Engine) -> None:
    migrate(empty)
    revert(empty, "base")
    assert set(inspect(empty).get_table_names()) <= {"alembic_version"}
    assert version_of(empty) is None


def test_processes_that_start_together_migrate_once(postgres_url: str) -> None:
    engines = [open_database(postgres_url) for _ in range(4)]
    threads = [threading.Thread(target=migrate, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert version_of(engines[0]) == NEWEST
    for engine in engines:
        engine.dispose()


def fill(connection: Connection) -> None:
    """Cases as version 0002 kept them: one open, one withdrawn."""
    at = datetime(2026, 11, 20, 1, tzinfo=UTC)
    old = MetaData()
    old.reflect(connection)
    for number, status, kinds in (
        ("SZ261120-000001-8", "submitted", ("filed", "hastened")),
        ("SZ261120-000002-6", "withdrawn", ("filed", "withdrawn")),
    ):
        row = {
            "number": number, "query_code": "ABCDEFG2", "sender": "a", "language": "zh", "description": "路灯坏了",
            "type": "complaint", "anonymous": False, "status": status, "filed_at": at, "expected_at": at,
        }  # fmt: skip
        connection.execute(old.tables["cases"].insert().values(**row))
        for minute, kind in enumerate(kinds):
            connection.execute(
                old.tables["case_events"]
                .insert()
                .values(number=number, kind=kind, at=at.replace(minute=minute), actor="citizen")
            )


def test_cases_live_through_a_new_version_and_back(empty: Engine) -> None:
    migrate(empty, "0002")
    with empty.begin() as connection:
        fill(connection)
    migrate(empty)
    store = Store(empty, "SZ", lambda: datetime(2026, 11, 21, 9, tzinfo=UTC))
    with store.work() as work:
        gone, still = work.cases.of_sender(SenderId("a"))
        due = select(tables.cases.c.number).where(tables.cases.c.check_at.is_not(None))
        assert work.connection.execute(due).scalars().all() == [still.number]
        assert [event.status for event in gone.timeline] == ["submitted", "withdrawn"]
        assert gone.handling.closed_at == datetime(2026, 11, 20, 1, 1, tzinfo=UTC)
        work.cases.move(still.number, Move.ACCEPT, Actor(Role.DISPATCHER))
        work.cases.move(still.number, Move.DISPATCH, Actor(Role.DISPATCHER), Facts(unit="UMB"))
        new = work.cases.file(CaseDraft("井盖", DemandType.HELP, "市政设施"), SenderId("b"), "zh", None, True)
        work.cases.move(new.number, Move.MERGE, Actor(Role.AGENT), Facts(leader=still.number))
    revert(empty, "0002")
    with empty.begin() as connection:
        rows = connection.execute(text("SELECT number, status FROM cases ORDER BY number")).all()
        assert [row.status for row in rows] == ["dispatched", "withdrawn", "closed"]
        events = connection.execute(text("SELECT kind FROM case_events ORDER BY id")).scalars().all()
        assert events == [
            "filed",
            "hastened",
            "filed",
            "withdrawn",
            "supplemented",
            "supplemented",
            "filed",
            "supplemented",
        ]
    migrate(empty)
    with store.work() as work:
        assert [case.draft.description for case in work.cases.of_sender(SenderId("b"))] == ["井盖"]
        assert len(work.cases.of_sender(SenderId("a"))) == 2


def test_a_database_without_places_for_notices_gets_them_and_keeps_what_waits(empty: Engine) -> None:
    """As 0004 was when it came out: no places, no kinds of messengers, nothing seen."""
    migrate(empty, "0004")
    at = datetime(2026, 11, 20, 1, tzinfo=UTC)
    old = MetaData()
    with empty.begin() as connection:
        old.reflect(connection)
        assert not {"notice_places", "seen"} & set(old.tables)
        assert "kind" not in old.tables["contacts"].c and "begun" not in old.tables["outbox"].c
        connection.execute(
            old.tables["contacts"].insert().values(sender="telegram:7", channel="telegram", language="en")
        )
        row = {
            "key": "r1", "sender": "telegram:7", "channel": "telegram", "kind": "reply", "language": "en",
            "bubbles": [{"text": "Hello"}], "state": "waiting", "next_try_at": at, "created_at": at, "changed_at": at,
        }  # fmt: skip
        connection.execute(old.tables["outbox"].insert().values(**row))
    migrate(empty)
    with empty.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store = Store(empty, "SZ", lambda: datetime(2026, 11, 21, 9, tzinfo=UTC))
    with store.work() as work:
        contact = work.contacts.of(SenderId("telegram:7"))
        assert contact is not None and contact.kind == "telegram"
        (parcel,) = work.outbox.claim(["telegram"], store.now())
        assert not parcel.begun and work.outbox.sent(parcel, store.now())
    revert(empty, "0004")
    with empty.begin() as connection:
        told = connection.execute(text("SELECT key, state FROM outbox")).all()
        assert [tuple(row) for row in told] == [("r1", "sent")]
    migrate(empty)


def test_a_database_of_a_version_in_between_gets_only_what_it_lacks(empty: Engine) -> None:
    """0004 grew for a while before there was a 0005."""
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE outbox DROP COLUMN claims"))
        connection.execute(text("ALTER TABLE outbox DROP COLUMN tried_since"))
        connection.execute(text("ALTER TABLE notice_places DROP COLUMN language"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0004'"))
    migrate(empty)
    with empty.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_who_reads_sees_one_state_of_the_database(empty: Engine) -> None:
    migrate(empty)
    store = Store(empty, "SZ", lambda: datetime(2026, 11, 20, 9, tzinfo=UTC))
    with store.read() as reader:
        assert reader.contacts.of(SenderId("telegram:7")) is None
        with store.work() as work:
            work.contacts.wrote(SenderId("telegram:7"), "telegram", "zh", store.now(), None)
        assert reader.contacts.of(SenderId("telegram:7")) is None
    with store.read() as reader:
        assert reader.contacts.of(SenderId("telegram:7")) is not None
    # A connection that goes back to the pool writes again as before.
    with store.work() as work:
        work.contacts.prefer(SenderId("telegram:7"), notices=False)


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgres://a:b@h:5432/d", "postgresql+psycopg"),
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg"),
        ("sqlite:///x.sqlite3", "sqlite"),
    ],
)
def test_addresses_need_not_name_the_driver(url: str, driver: str) -> None:
    assert address_of(url).drivername == driver


@pytest.mark.parametrize("url", ["mysql://root:secret@h/d", "secret", ""])
def test_other_addresses_are_refused_without_being_told(url: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        address_of(url)
    assert "secret" not in str(refusal.value)


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
