"""Surges: many citizens on one matter at one place, told once, growing, looked after by the desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bot.cases.case import Actor, CaseDraft, DemandType, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role
from bot.cases.surges import Alerts, AlertState, find_surges, surge_rules
from bot.database import migrate, open_database
from bot.errors import AlertDecided, UnknownAlert
from bot.messages import SenderId
from bot.store import Store
from tests.staff_desk import Desk, desk_on

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=ZONE)
LEAST = surge_rules().least
WATER = CaseDraft("停水了", DemandType.HELP, "市政设施", "H15", "ANY", None, "龙岗区", "布吉街道")
NOISE = CaseDraft("工地半夜打桩", DemandType.COMPLAINT, "环保水务", "H01", "HCB", None, "龙岗区", "布吉街道")
NAMELESS = CaseDraft("地铁口有飞虫", DemandType.COMPLAINT, "市容环卫", None, None, None, "福田区", None)


class City:
    """A store with a clock that can be turned, and vectors by the first character of a description."""

    def __init__(self, url: str) -> None:
        self.now = NOON
        engine = open_database(url)
        migrate(engine)
        self.store = Store(engine, "SZ", lambda: self.now)

    def file(self, draft: CaseDraft, *senders: str, at: datetime = NOON) -> list[CaseNumber]:
        before, self.now = self.now, at
        with self.store.work() as work:
            made = [work.cases.file(draft, SenderId(one), "zh", None, True).number for one in senders]
        self.now = before
        return made

    def look(self) -> list[tuple[CaseNumber, int]]:
        with self.store.work() as work:

            def vector_of(number: CaseNumber) -> np.ndarray:
                vector = np.zeros(8, dtype=np.float32)
                vector[ord(work.cases.by_number(number).draft.description[0]) % 8] = 1
                return vector

            found = find_surges(work.connection, work.cases, vector_of, self.now)
        return [(alert.leader, len(alert.numbers)) for alert in found]


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(f"sqlite:///{tmp_path / 's.sqlite3'}")


def people(count: int, name: str = "p") -> tuple[str, ...]:
    return tuple(f"{name}{number}" for number in range(count))


def test_a_surge_is_told_once_and_grows(city: City) -> None:
    numbers = city.file(WATER, *people(LEAST))
    assert city.look() == [(numbers[0], LEAST)]
    assert city.look() == []
    city.file(WATER, "late")
    assert city.look() == [(numbers[0], LEAST + 1)]
    with city.store.work() as work:
        (alert,) = Alerts(work.connection).listed()
    assert (alert.state, alert.leader, len(alert.numbers)) == (AlertState.OPEN, numbers[0], LEAST + 1)


def test_what_is_no_surge(city: City) -> None:
    city.file(WATER, *people(LEAST - 1))
    city.file(NOISE, *people(LEAST - 1))
    assert city.look() == []
    city.file(WATER, "p0", "p0", "p0")
    assert city.look() == [], "one person who files again and again is no crowd"


def test_the_usual_is_no_surge(city: City) -> None:
    for day in range(1, 29):
        city.file(NOISE, *people(3, f"d{day}-"), at=NOON - timedelta(days=day, hours=1))
    city.file(NOISE, *people(LEAST + 1))
    assert city.look() == []
    more = city.file(NOISE, *people(6, "more"))
    assert len(more) == 6
    assert [count for _, count in city.look()] == [LEAST + 7]


def test_old_and_ended_reports_do_not_count(city: City) -> None:
    city.file(WATER, *people(3, "old"), at=NOON - timedelta(hours=surge_rules().window_hours + 1))
    numbers = city.file(WATER, *people(LEAST))
    with city.store.work() as work:
        work.cases.move(numbers[0], Move.WITHDRAW)
        work.cases.move(numbers[1], Move.REJECT, Actor(Role.AGENT, "a"), Facts(reason="不属受理范围"))
    assert city.look() == []


def test_without_an_item_by_meaning_and_without_a_subdistrict_by_district(city: City) -> None:
    city.file(NAMELESS, *people(LEAST))
    assert [count for _, count in city.look()] == [LEAST]


def test_the_desk_looks_after_it(city: City) -> None:
    city.file(WATER, *people(LEAST))
    city.look()
    with city.store.work() as work:
        alerts = Alerts(work.connection)
        (alert,) = alerts.listed(AlertState.OPEN)
        assert alerts.set_state(alert.id, AlertState.ACKNOWLEDGED, NOON).state is AlertState.ACKNOWLEDGED
        assert alerts.set_state(alert.id, AlertState.CLOSED, NOON).state is AlertState.CLOSED
        with pytest.raises(AlertDecided):
            alerts.set_state(alert.id, AlertState.ACKNOWLEDGED, NOON)
        with pytest.raises(UnknownAlert):
            alerts.set_state(999, AlertState.CLOSED, NOON)
    assert city.look() == []
    again = city.file(WATER, *people(LEAST, "again"))
    assert city.look() == [(again[0], LEAST)], "after it was closed, further reports make a new one"


def test_two_processes_write_one_alert(city: City) -> None:
    numbers = city.file(WATER, *people(LEAST))
    other = City(str(city.store.engine.url))
    assert [city.look(), other.look()] == [[(numbers[0], LEAST)], []]


def test_doors(tmp_path: Path) -> None:
    engine = open_database("sqlite://")
    migrate(engine)
    with desk_on(engine, tmp_path) as desk:
        numbers = [desk.file().number for _ in range(2)]
        _write(desk, numbers)
        told = desk.get("di", "/alerts").json()["alerts"]
        assert [(one["leader"], one["count"], one["state"]) for one in told] == [(numbers[0], 2, "open")]
        assert desk.post("di", f"/alerts/{told[0]['id']}/close").json()["state"] == "closed"
        refused = desk.post("di", f"/alerts/{told[0]['id']}/acknowledge", **{"accept-language": "en"})
        assert (refused.status_code, "closed" in refused.json()["detail"]) == (409, True)
        assert desk.post("di", "/alerts/999/close").status_code == 404
        assert desk.get("un", "/alerts").status_code == 403


def _write(desk: Desk, numbers: list[str]) -> None:
    """A surge of two cases, by rules that two make one."""
    with desk.store.work() as work:
        rules = replace(surge_rules(), least=1, times_usual=0)
        find_surges(work.connection, work.cases, lambda number: None, desk.moments[0], rules)
