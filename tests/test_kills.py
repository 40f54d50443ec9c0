"""kill -9 in any step of filing, merging, handing over and scheduling: nothing lost, double or in a wrong state."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from bot.cases.attempts import hand_over
from bot.cases.case import Case
from bot.cases.clocks import MOVES, Alarm, rings_of
from bot.cases.delivery import InHouse
from bot.cases.handover import LEAD, State
from bot.cases.number import CaseNumber
from bot.cases.schedule import sweep
from bot.cases.states import TRANSITIONS, WITH_UNIT, Status
from bot.cases.tables import case_marks, cases
from bot.database import migrate, open_database
from bot.store import Store, Work
from tests.killed_work import LATER, NOON, ROOT, Log, file, read, unconfirmed

pytestmark = pytest.mark.faults
KILLS = 200


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database on disk of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'killed.sqlite3'}"
    return str(request.getfixturevalue("postgres_url"))


def test_killed_two_hundred_times(url: str, tmp_path: Path) -> None:
    engine, log = open_database(url), tmp_path / "log"
    migrate(engine)
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed_work", url, str(log), str(KILLS)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    took = time.monotonic() - begun
    assert done.returncode == 0, done.stderr[-3000:]
    told = Counter(line[0] for line in read(log))
    print(f"{engine.dialect.name}: {dict(told)} in {took:.0f} s")
    assert [line for line in read(log) if line[0] in ("broke", "ended")] == []
    assert told["killed"] == KILLS
    assert told["filed"] >= KILLS // 4
    check(engine, log)
    # The next process takes up what the dead left.
    store = Store(engine, "SZ", lambda: NOON)
    for worker in (0, 1):
        for key in unconfirmed(log, worker):
            file(store, Log(log), key)
    hand_over(store, NOON + timedelta(hours=1), InHouse())
    sweep(store, NOON + LATER[-1])
    assert not sweep(store, NOON + LATER[-1]).rung
    assert not hand_over(store, NOON + timedelta(hours=2), InHouse())
    check(engine, log)
    engine.dispose()


def check(engine: Engine, log: Path) -> None:
    """All that must hold whenever whoever died."""
    lines = read(log)
    assert {line[1] for line in lines if line[0] == "failed"} <= {"0"}
    store = Store(engine, "SZ", lambda: NOON)
    with store.work() as work:
        found = {case.number: case for case in work.cases.found_by(select(cases))}
        rows = work.connection.execute(select(cases.c.request_key, cases.c.number, cases.c.check_at)).all()
        keys = {row.request_key: row.number for row in rows}
        marks: dict[str, list[str]] = {}
        for row in work.connection.execute(select(case_marks)):
            marks.setdefault(row.number, []).append(row.mark)
        # No case that was confirmed is lost, and none is double for a request.
        for line in lines:
            if line[0] == "filed":
                assert keys[line[1]] == line[2]
        assert len(keys) == len(found) == len(rows)
        promised = Counter((line[1], line[2]) for line in lines if line[0] == "moved")
        for (number, kind), times in promised.items():
            assert found[CaseNumber(number)].count(kind) >= times, (number, kind)
        for case in found.values():
            check_case(work, case, found, marks.get(case.number, []))
        # Whoever is not looked at by the clock any more has rung all there is to ring.
        for row in rows:
            done = {ring.mark for ring in rings_of(found[row.number])} <= set(marks.get(row.number, []))
            assert (row.check_at is None) == done, row.number
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def check_case(work: Work, case: Case, found: dict[CaseNumber, Case], marks: list[str]) -> None:
    kinds = Counter(event.kind for event in case.timeline)
    assert case.timeline[0].kind == "filed" and kinds["filed"] == 1, case.number
    assert case.timeline[-1].status == case.status, case.number
    assert (case.status is Status.MERGED) == (case.handling.merged_into is not None), case.number
    assert case.handling.merged_into is None or case.handling.merged_into in found
    assert (case.handling.closed_at is not None) == (case.status is Status.CLOSED), case.number
    live = {one.unit: one for one in work.handovers.of(case.number) if one.state is not State.RECALLED}
    if case.status in WITH_UNIT:
        assert case.handling.unit in live and live[case.handling.unit].part == LEAD, case.number
        assert set(live) == set(case.units)
    elif case.status in (Status.SUBMITTED, Status.ACCEPTED, Status.RETURNED, Status.MERGED):
        assert not live, case.number
    # What time did stands once for each mark, and each mark for what was done.
    rung = Counter(mark.split(":")[0] for mark in marks)
    for alarm in Alarm:
        kind = TRANSITIONS[MOVES[alarm]].event if alarm in MOVES else alarm
        assert kinds[kind] == rung[alarm] or (alarm is Alarm.DUE_SOON and not kinds[kind]), (case.number, alarm)
    assert case.handling.supervision == rung[Alarm.SUPERVISE] + rung[Alarm.CIRCULAR], case.number
