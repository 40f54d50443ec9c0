"""Case numbers, deadlines, state changes and the store."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from bot.cases.case import CaseDraft, Change, DemandType, Status
from bot.cases.deadlines import due, is_working_day
from bot.cases.number import CaseNumber, case_number, is_case_number, query_code
from bot.database import migrate, open_database
from bot.errors import IllegalTransition, UnknownCase
from bot.messages import SenderId
from bot.store import Store

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=ZONE)
DRAFT = CaseDraft("路灯坏了", DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道", occurred_at="昨晚")


@pytest.fixture
def engine() -> Engine:
    engine = open_database("sqlite://")
    migrate(engine)
    return engine


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine, "SZ", lambda: NOON)


def test_number_and_code() -> None:
    number = case_number("SZ", date(2026, 11, 20), 123)
    assert re.fullmatch(r"[A-Z]{2}\d{6}-\d{6}-\d", number)
    assert number.startswith("SZ261120-000123-")
    assert is_case_number(number)
    assert not is_case_number(number[:-1] + str((int(number[-1]) + 1) % 10))
    codes = {query_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(re.fullmatch("[ABCDEFGHJKMNPQRSTUVWXYZ2-9]{8}", code) for code in codes)


def test_working_days_follow_the_published_calendar() -> None:
    assert not is_working_day(date(2026, 10, 1))
    assert not is_working_day(date(2026, 11, 21))
    assert is_working_day(date(2026, 11, 23))
    made_up = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert any(is_working_day(day) and day.weekday() > 4 for day in made_up)


def test_due() -> None:
    assert due(NOON, "complaint").date() == date(2026, 11, 27)
    before_holiday = datetime(2026, 9, 30, 9, 0, tzinfo=ZONE)
    assert due(before_holiday, "consult").date() > date(2026, 10, 7)


def test_numbers_run_and_codes_guard(store: Store) -> None:
    with store.work() as work:
        first = work.cases.file(DRAFT, SenderId("a"), "zh", "13800138000", False)
        second = work.cases.file(DRAFT, SenderId("a"), "zh", "13800138000", True)
    assert first.number[9:15] == "000001"
    assert second.number[9:15] == "000002"
    assert (first.contact, second.contact) == ("13800138000", None)
    with store.work() as work:
        assert work.cases.with_code(first.number, first.query_code.lower()) == first
        for number, code in ((first.number, second.query_code), (CaseNumber("SZ000000-000000-0"), "ABCDEFGH")):
            with pytest.raises(UnknownCase):
                work.cases.with_code(number, code)


def test_changes(store: Store) -> None:
    with store.work() as work:
        case = work.cases.file(DRAFT, SenderId("a"), "zh", None, False)
        work.cases.change(case.number, Change.SUPPLEMENT, "灯杆号12")
        assert work.cases.change(case.number, Change.HASTEN).count("hastened") == 1
        assert work.cases.change(case.number, Change.WITHDRAW).status is Status.WITHDRAWN
        with pytest.raises(IllegalTransition):
            work.cases.change(case.number, Change.HASTEN)
        reopened = work.cases.change(case.number, Change.REOPEN)
    kinds = [event.kind for event in reopened.timeline]
    assert kinds == ["filed", "supplemented", "hastened", "withdrawn", "reopened"]
    assert reopened.status is Status.SUBMITTED


def test_an_error_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.work() as work:
        work.cases.file(DRAFT, SenderId("a"), "zh", None, False)
        raise RuntimeError
    with store.work() as work:
        assert work.cases.of_sender(SenderId("a")) == ()
