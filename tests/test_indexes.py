"""The questions asked all day long go through an index, on both databases, with twenty thousand cases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, Select, literal, select, text, tuple_
from sqlalchemy.sql.elements import ClauseElement

from bot.cases.bulk import put
from bot.cases.handover import State
from bot.cases.record import RatingRecord
from bot.cases.states import OPEN, WITH_UNIT
from bot.cases.synthetic import synthetic_cases
from bot.cases.tables import case_events, cases, handovers, ratings
from bot.database import migrate, open_database
from bot.tables import turns

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=ZONE)
NUMBER = "SZ261101-000001-8"
MANY = 20_000
AT = NOON.astimezone(UTC)

HOT: dict[str, Select[tuple[object, ...]]] = {
    "case by number": select(cases).where(cases.c.number == NUMBER),
    "its events": select(case_events).where(case_events.c.number.in_([NUMBER])).order_by(case_events.c.id),
    "cases of a sender": select(cases)
    .where(cases.c.sender == "synthetic-1")
    .order_by(cases.c.filed_at.desc(), cases.c.number.desc()),
    "a request filed before": select(cases).where(cases.c.request_key == "key"),
    "queue of a unit": select(cases)
    .where(cases.c.unit == "UMB:南山区", cases.c.status.in_([str(status) for status in WITH_UNIT]))
    .order_by(cases.c.filed_at)
    .limit(20),
    "queue of a status": select(cases).where(cases.c.status == "submitted").order_by(cases.c.filed_at).limit(20),
    "what the clock looks at": select(cases.c.check_at, cases.c.number)
    .where(cases.c.check_at <= AT)
    .order_by(cases.c.check_at, cases.c.number)
    .limit(50),
    "hand-overs to be tried": select(handovers)
    .where(handovers.c.state == State.PENDING, handovers.c.next_try_at <= AT)
    .order_by(handovers.c.next_try_at)
    .limit(20),
    "hand-overs of a case": select(handovers).where(handovers.c.number == NUMBER).order_by(handovers.c.id),
    "open cases of an item in a district": select(cases)
    .where(
        cases.c.service_item == "H08",
        cases.c.district == "南山区",
        cases.c.status.in_([str(status) for status in OPEN]),
        cases.c.filed_at >= datetime(2026, 11, 10, tzinfo=UTC),
    )
    .order_by(cases.c.filed_at.desc())
    .limit(50),
    "listing by time of filing": select(cases).order_by(cases.c.filed_at.desc(), cases.c.number.desc()).limit(20),
    "its next page": select(cases)
    .where(tuple_(cases.c.filed_at, cases.c.number) < tuple_(literal(AT, cases.c.filed_at.type), literal(NUMBER)))
    .order_by(cases.c.filed_at.desc(), cases.c.number.desc())
    .limit(20),
    "cases merged into one": select(cases).where(cases.c.merged_into == NUMBER),
    "ratings of a case": select(ratings).where(ratings.c.number == NUMBER),
    "turn of a message": select(turns.c.answer).where(turns.c.sender == "a", turns.c.message_id == "m"),
    "last turn": select(turns.c.answer).where(turns.c.sender == "a").order_by(turns.c.id.desc()).limit(1),
}


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database of the kind asked for with many cases, its statistics up to date."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('indexes') / 'many.sqlite3'}"
    else:
        url = request.getfixturevalue("postgres").make("indexes")
    engine = open_database(url)
    migrate(engine)
    with engine.begin() as connection:
        batch = list(synthetic_cases(MANY, "SZ", NOON))
        for place, one in enumerate(batch):
            one.ratings = [RatingRecord.model_construct(round=0, satisfied=True, at=one.filed_at)] if place % 9 else []
        for start in range(0, MANY, 2000):
            put(connection, batch[start : start + 2000], ZONE)
        turn = {"sender": "s", "at": AT, "events": [], "answer": []}
        connection.execute(turns.insert(), [{**turn, "sender": f"s{n}", "message_id": f"m{n}"} for n in range(MANY)])
        connection.execute(text("ANALYZE"))
    yield engine
    engine.dispose()


def plan_of(connection: Connection, query: ClauseElement) -> list[str]:
    """The lines of the database's plan."""
    word = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    told = query.compile(connection, compile_kwargs={"literal_binds": True})
    return [str(row[-1]) for row in connection.exec_driver_sql(f"{word} {told}".replace("%", "%%"))]


@pytest.mark.parametrize("filled", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("name", HOT)
def test_goes_through_an_index(filled: Engine, name: str) -> None:
    with filled.connect() as connection:
        plan = plan_of(connection, HOT[name])
    whole = "\n".join(plan)
    if filled.dialect.name == "postgresql":
        assert "Seq Scan" not in whole and "Index" in whole, whole
    else:
        assert all("SCAN" not in line or ("USING" in line and "INDEX" in line) for line in plan), whole
        assert any("INDEX" in line for line in plan), whole
