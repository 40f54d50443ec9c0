"""kill -9 of postmen in any step: no notice lost, none twice in effect where the channel takes a key."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.cases.tables import case_events
from bot.channels.outbox import LEASE
from bot.channels.parcel import State
from bot.channels.tables import outbox
from bot.database import migrate, open_database
from bot.store import Store
from tests.killed_post import now, postman_of
from tests.killed_work import ROOT, read
from tests.messengers import api_of

pytestmark = pytest.mark.faults
KILLS = 100


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_a_hundred_times(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    sqlite = f"sqlite:///{tmp_path / 'killed.sqlite3'}"
    url = sqlite if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    engine, log = open_database(url), tmp_path / "log"
    migrate(engine)
    with api_of(lambda call: (200, {})) as api:
        words = [sys.executable, "-m", "tests.killed_post", url, api.url, str(log), str(KILLS)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        lines = read(log)
        told = Counter(line[0] for line in lines)
        assert [line for line in lines if line[0] in ("broke", "ended")] == []
        assert told["killed"] == KILLS
        # Who comes next takes up what the dead left, once their leases are over.
        store = Store(engine, "SZ", lambda: now() + LEASE + timedelta(seconds=5))
        postman = postman_of(store, api.url)
        while postman.round():
            pass
        postman.stop()
        for channel in postman.channels.values():
            channel.close()
        taken = Counter(str(call.body["key"]) for call in api.calls)
    with engine.begin() as connection:
        rows = {row.key: row for row in connection.execute(select(outbox)).all()}
        events = {row.id: row for row in connection.execute(select(case_events)).all()}
    states = Counter(row.state for row in rows.values())
    twice = sum(times - 1 for times in taken.values())
    print(f"{kind}: {dict(told)} {dict(states)}; {len(taken)} keys taken, {twice} calls more than that")
    assert set(states) <= {State.SENT, State.DROPPED, State.UNKNOWN}
    # Each change that was committed has its notice, and each notice its change.
    noticed = {(row.number, events[row.bubbles[0]["event"]].kind) for row in rows.values()}
    assert {(line[1], line[2]) for line in lines if line[0] == "moved"} <= noticed
    assert noticed == {(one.number, one.kind) for one in events.values() if one.kind in ("accepted", "dispatched")}
    # What is told as sent was taken, and what was taken is told as sent, or as unknown where it was overtaken.
    of = {state: {key for key, row in rows.items() if row.state == state} for state in State}
    assert of[State.SENT] <= set(taken) <= of[State.SENT] | of[State.UNKNOWN]
    # Without a key each of these would be a double: at most one a death.
    assert twice <= KILLS
    engine.dispose()
