"""Case numbers, deadlines, state changes and the store."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from bot.cases.case import CITIZEN, Actor, Case, CaseDraft, DemandType, Facts, Handling, next_status
from bot.cases.deadlines import due, is_working_day
from bot.cases.handover import State
from bot.cases.number import CaseNumber, case_number, is_case_number, query_code
from bot.cases.states import TRANSITIONS, Move, Role, Status
from bot.database import migrate, open_database
from bot.errors import IllegalTransition, MissingForMove, NotAllowed, UnknownCase
from bot.messages import SenderId
from bot.store import Store, Work

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
        work.cases.move(case.number, Move.SUPPLEMENT, CITIZEN, Facts("灯杆号12"))
        assert work.cases.move(case.number, Move.HASTEN).count("hastened") == 1
        assert work.cases.move(case.number, Move.WITHDRAW).status is Status.WITHDRAWN
        with pytest.raises(IllegalTransition):
            work.cases.move(case.number, Move.HASTEN)
        reopened = work.cases.move(case.number, Move.REOPEN)
    kinds = [event.kind for event in reopened.timeline]
    assert kinds == ["filed", "supplemented", "hastened", "withdrawn", "reopened"]
    assert reopened.status is Status.SUBMITTED


def test_an_error_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.work() as work:
        work.cases.file(DRAFT, SenderId("a"), "zh", None, False)
        raise RuntimeError
    with store.work() as work:
        assert work.cases.of_sender(SenderId("a")) == ()


UNIT = Actor(Role.UNIT, "u1", "UMB:南山区")
DESK = Actor(Role.DISPATCHER, "d1")


def run(work: Work, number: CaseNumber, *steps: tuple[Move, Actor, Facts]) -> Case:
    for move, actor, facts in steps:
        case = work.cases.move(number, move, actor, facts)
    return case


TO_REPLY = (
    (Move.ACCEPT, DESK, Facts()),
    (Move.DISPATCH, DESK, Facts(unit=UNIT.unit, assisting=("PSB:南山区",), duty_line="D08")),
    (Move.SIGN, UNIT, Facts()),
    (Move.CONTACT, UNIT, Facts()),
    (Move.REPLY, UNIT, Facts(reply="已修好")),
)


def test_the_way_of_a_case(store: Store) -> None:
    with store.work() as work:
        number = work.cases.file(DRAFT, SenderId("a"), "zh", None, False).number
        case = run(work, number, *TO_REPLY, (Move.REVIEW, DESK, Facts()))
        assert case.status is Status.CALLBACK
        assert case.handling.reply == "已修好"
        assert [(one.unit, one.state) for one in work.handovers.of(number)] == [
            (UNIT.unit, State.ACKNOWLEDGED),
            ("PSB:南山区", State.PENDING),
        ]
        again = run(work, number, (Move.REDO, CITIZEN, Facts(reason="灯还是不亮")))
        assert (again.status, again.handling.redos, again.handling.supervision) == (Status.REDO, 1, 0)
        twice = run(
            work,
            number,
            (Move.SIGN, UNIT, Facts()),
            (Move.REPLY, UNIT, Facts(reply="换了灯")),
            (Move.REDO, CITIZEN, Facts(reason="还是不亮")),
        )
        assert (twice.handling.redos, twice.handling.supervision) == (2, 1)
        assert twice.timeline[-1].kind == "supervised"


def test_who_may_and_what_is_needed(store: Store) -> None:
    with store.work() as work:
        number = work.cases.file(DRAFT, SenderId("a"), "zh", None, False).number
        with pytest.raises(NotAllowed):
            work.cases.move(number, Move.ACCEPT, CITIZEN)
        with pytest.raises(MissingForMove):
            work.cases.move(number, Move.REJECT, DESK)
        run(work, number, *TO_REPLY[:2])
        with pytest.raises(NotAllowed):
            work.cases.move(number, Move.SIGN, Actor(Role.UNIT, "u2", "WA:南山区"))
        back = work.cases.move(number, Move.RETURN, UNIT, Facts(reason="归水务"))
        assert (back.status, back.handling.unit) == (Status.RETURNED, None)
        assert {one.state for one in work.handovers.of(number)} == {State.RECALLED}


def test_every_move_refuses_where_the_table_says_so(store: Store) -> None:
    """All moves in all statuses: allowed exactly where the table has a row."""
    full = Facts("新情况", "理由", "答复", UNIT.unit)
    for status in Status:
        for move, row in TRANSITIONS.items():
            actor = next(Actor(role, "x", UNIT.unit) for role in Role if role in row.roles)
            case = Case(
                CaseNumber("SZ261120-000001-8"), "ABCDEFGH", SenderId("a"), "zh", DRAFT, None, False, status, NOON,
                NOON, (), handling=Handling(unit=UNIT.unit),
            )  # fmt: skip
            facts = replace(full, leader=CaseNumber("SZ261120-000002-6"))
            if status in row.origins:
                assert next_status(case, move, actor, facts) is (row.to or status)
            else:
                with pytest.raises(IllegalTransition):
                    next_status(case, move, actor, facts)


def test_pause_extension_and_reopening(store: Store) -> None:
    moments = [NOON]
    store = Store(store.engine, "SZ", lambda: moments[0])
    with store.work() as work:
        number = work.cases.file(DRAFT, SenderId("a"), "zh", None, False).number
        due_first = run(work, number, *TO_REPLY[:4]).expected_at
        run(work, number, (Move.SUSPEND, UNIT, Facts(reason="等市民补充材料")))
        moments[0] = NOON + timedelta(days=3)
        later = run(work, number, (Move.RESUME, CITIZEN, Facts()))
        assert later.expected_at > due_first
        longer = run(work, number, (Move.EXTEND, DESK, Facts(reason="需要开挖许可")))
        assert longer.expected_at > later.expected_at
        with pytest.raises(IllegalTransition):
            run(work, number, (Move.EXTEND, DESK, Facts(reason="再延")))
        run(work, number, TO_REPLY[4], (Move.RATE, CITIZEN, Facts()))
        with pytest.raises(MissingForMove):
            run(work, number, (Move.REOPEN, CITIZEN, Facts()))
        assert run(work, number, (Move.REOPEN, CITIZEN, Facts("又灭了"))).status is Status.SUBMITTED


def test_the_same_request_is_filed_once(store: Store) -> None:
    with store.work() as work:
        one, two = (work.cases.file(DRAFT, SenderId("a"), "zh", None, False, "open311", "key-1") for _ in range(2))
        assert one == two
        assert work.cases.mark(one.number, "due_soon:1")
        assert not work.cases.mark(one.number, "due_soon:1")
