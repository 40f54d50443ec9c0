"""A store whose clock a test moves on, on a file of SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from bot.cases.case import Actor, Case, CaseDraft, DemandType, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move
from bot.database import migrate, open_database
from bot.messages import SenderId
from bot.store import Store

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=ZONE)
DRAFT = CaseDraft("路灯坏了", DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道")
A = SenderId("a")


@dataclass
class Cabinet:
    """Files and changes cases at the moment the test says."""

    store: Store
    moments: list[datetime] = field(default_factory=lambda: [MONDAY])

    @property
    def now(self) -> datetime:
        return self.moments[-1]

    def file(self, sender: SenderId = A, draft: CaseDraft = DRAFT) -> CaseNumber:
        with self.store.work() as work:
            return work.cases.file(draft, sender, "zh", "13800138000", False).number

    def do(self, number: CaseNumber, *steps: tuple[Move, Actor, Facts]) -> Case:
        with self.store.work() as work:
            for move, actor, facts in steps:
                case = work.cases.move(number, move, actor, facts)
        return case

    def case(self, number: CaseNumber) -> Case:
        with self.store.work() as work:
            return work.cases.by_number(number)


def store_at(now: datetime, address: str = "sqlite://") -> Store:
    """A fresh store at one moment, in memory or in a file."""
    engine = open_database(address)
    migrate(engine)
    return Store(engine, "SZ", lambda: now)


@pytest.fixture(params=["sqlite", "postgresql"])
def both_engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the newest tables, of each kind."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres_engine")
        return
    engine = open_database(f"sqlite:///{tmp_path / 'office.sqlite3'}")
    migrate(engine)
    yield engine
    engine.dispose()
