"""What time does to cases: alarms and hand-overs, once, whoever sweeps; and the calendar they go by."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from bot.cases import deadlines
from bot.cases.attempts import FAILED, LEASE, hand_over
from bot.cases.case import CITIZEN, Actor, Case, DemandType, Facts
from bot.cases.clocks import Alarm
from bot.cases.deadlines import after_pause, due, extended, is_working_day, limits, working_days_after
from bot.cases.delivery import InHouse
from bot.cases.handover import MAX_ATTEMPTS, Handover, State, Step
from bot.cases.number import CaseNumber
from bot.cases.schedule import sweep
from bot.cases.states import Move, Role, Status
from bot.errors import DeliveryFailed, IllegalTransition
from bot.store import Store
from connectors.sweeper import Sweeper, look_after
from tests.office import MONDAY, ZONE, Cabinet
from tests.waiting import PATIENCE, wait

UNIT = Actor(Role.UNIT, "u1", "UMB:南山区")
DESK = Actor(Role.DISPATCHER, "d1")


@dataclass
class Office(Cabinet):
    """A store whose clock the test moves on."""

    def at(self, moment: datetime) -> Counter[Alarm]:
        """The alarms of a sweep at a moment."""
        self.moments.append(moment)
        return sweep(self.store, moment).rung

    def handovers(self, number: CaseNumber) -> tuple[Handover, ...]:
        with self.store.work() as work:
            return work.handovers.of(number)


@pytest.fixture
def office(both_engines: Engine) -> Office:
    moments = [MONDAY]
    return Office(Store(both_engines, "SZ", lambda: moments[-1]), moments)


ACCEPT = (Move.ACCEPT, DESK, Facts())
DISPATCH = (Move.DISPATCH, DESK, Facts(unit=UNIT.unit))
SIGN = (Move.SIGN, UNIT, Facts())
CONTACT = (Move.CONTACT, UNIT, Facts())
REPLY = (Move.REPLY, UNIT, Facts(reply="已修好"))
AT_WORK = (ACCEPT, DISPATCH, SIGN, CONTACT)


def kinds(case: Case) -> list[str]:
    return [event.kind for event in case.timeline]


def test_the_alarms_of_a_case_nobody_works_on(office: Office) -> None:
    number = office.file()
    assert office.at(MONDAY + timedelta(minutes=119)) == {}
    assert office.at(MONDAY + timedelta(minutes=121)) == {Alarm.DISPATCH_LATE: 1}
    office.do(number, ACCEPT)
    assert office.at(MONDAY + timedelta(minutes=300)) == {}, "accepting it does not start the clock anew"
    office.do(number, DISPATCH)
    assert office.at(office.now + timedelta(hours=25)) == {Alarm.CONTACT_LATE: 1}
    ends = office.case(number).expected_at
    assert office.at(ends - timedelta(hours=23)) == {Alarm.DUE_SOON: 1}
    assert office.at(ends + timedelta(seconds=1)) == {Alarm.OVERDUE: 1}
    assert office.at(working_days_after(ends, 1)) == {Alarm.SUPERVISE: 1}
    assert office.at(working_days_after(ends, 5)) == {Alarm.CIRCULAR: 1}
    assert office.at(working_days_after(ends, 30)) == {}
    case = office.case(number)
    assert kinds(case)[1:] == [
        "dispatch_late", "accepted", "dispatched", "contact_late", "due_soon", "overdue", "supervised", "circular",
    ]  # fmt: skip
    assert case.handling.supervision == 2
    assert {event.actor for event in case.timeline if event.kind in list(Alarm)} == {Role.SYSTEM}


def test_after_a_long_stop_all_is_told_once_and_no_warning_in_hindsight(office: Office) -> None:
    number = office.file()
    late = working_days_after(office.case(number).expected_at, 2)
    assert set(office.at(late)) == {Alarm.DISPATCH_LATE, Alarm.OVERDUE, Alarm.SUPERVISE}
    assert office.at(late) == {}
    assert office.at(late + timedelta(days=300)) == {Alarm.CIRCULAR: 1}


def test_time_makes_moves(office: Office) -> None:
    number = office.file()
    office.do(number, *AT_WORK, (Move.SUSPEND, UNIT, Facts(reason="等市民补充材料")))
    before = office.case(number).expected_at
    assert office.at(working_days_after(MONDAY, limits().suspend_days)) == {Alarm.RESUME: 1}
    case = office.case(number)
    assert case.status is Status.HANDLING
    assert case.expected_at == working_days_after(before, limits().suspend_days)
    office.do(number, REPLY)
    assert office.at(office.now + timedelta(hours=23)) == {}
    assert office.at(office.now + timedelta(hours=2)) == {Alarm.REVIEW: 1}
    assert office.case(number).status is Status.CALLBACK
    assert office.at(working_days_after(office.now, limits().callback_days)) == {Alarm.CLOSE: 1}
    assert office.case(number).status is Status.CLOSED
    assert office.at(office.now + timedelta(days=400)) == {}


def test_a_redo_has_alarms_of_its_own(office: Office) -> None:
    number = office.file()
    office.at(office.case(number).expected_at)
    office.do(number, *AT_WORK, REPLY, (Move.REDO, CITIZEN, Facts(reason="还是不亮")))
    assert office.at(office.case(number).expected_at) == {Alarm.CONTACT_LATE: 1, Alarm.OVERDUE: 1}
    assert office.case(number).count("overdue") == 2


def test_one_case_that_fails_stops_no_other(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    numbers = [office.file() for _ in range(5)]
    with office.store.work() as work:
        work.connection.exec_driver_sql(f"update cases set type = 'gone' where number = '{numbers[1]}'")
    office.moments.append(MONDAY + timedelta(hours=3))
    swept = sweep(office.store, office.now, batch=2)
    assert (swept.rung, swept.failed) == (Counter({Alarm.DISPATCH_LATE: 4}), 1)
    assert "reference" in caplog.text and numbers[1] in caplog.text
    assert "路灯" not in caplog.records[0].getMessage()


def test_many_workers_ring_once(office: Office) -> None:
    numbers = [office.file() for _ in range(40)]
    office.do(numbers[0], *AT_WORK)
    office.moments.append(working_days_after(MONDAY, 30))
    rung: list[Counter[Alarm]] = []
    workers = [threading.Thread(target=lambda: rung.append(sweep(office.store, office.now).rung)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    total = sum(rung, Counter())
    assert total[Alarm.OVERDUE] == 40
    for number in numbers:
        assert max(Counter(kinds(office.case(number))).values()) == 1


PROGRAM = """
import sys
from datetime import datetime
from bot.cases.schedule import sweep
from bot.database import open_database
from bot.store import Store
now = datetime.fromisoformat(sys.argv[2])
print("begun", flush=True)
print(sum(sweep(Store(open_database(sys.argv[1]), "SZ", lambda: now), now, batch=3).rung.values()), flush=True)
"""


def test_a_sweep_killed_at_any_step_does_nothing_twice(office: Office) -> None:
    numbers = [office.file() for _ in range(60)]
    late = working_days_after(MONDAY, 30)
    command = (
        sys.executable,
        "-c",
        PROGRAM,
        office.store.engine.url.render_as_string(hide_password=False),
        late.isoformat(),
    )
    for seconds in (0.0, 0.02, 0.05, 0.08, 0.12):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        kill_after(process, seconds)
    office.at(late)
    expected = ["filed", "dispatch_late", "overdue", "supervised", "circular"]
    for number in numbers:
        assert kinds(office.case(number)) == expected


def kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill a process after a while without asking it."""
    try:
        process.wait(seconds or 0.001)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


@dataclass
class Line:
    """A delivery to a unit whose line is down for a number of calls."""

    down: int
    final: bool = False
    calls: list[int] = field(default_factory=list)

    def deliver(self, case: Case, handover: Handover) -> str | None:
        self.calls.append(handover.id)
        if len(self.calls) <= self.down:
            raise DeliveryFailed("no connection", final=self.final)
        return f"X-{case.number}"


def test_handovers_are_tried_until_they_work(office: Office) -> None:
    number = office.file()
    office.do(number, ACCEPT, (Move.DISPATCH, DESK, Facts(unit="UMB:南山区", assisting=("WA:南山区",))))
    line = Line(down=2)
    assert hand_over(office.store, MONDAY, line) == {Step.MISS: 2}
    assert hand_over(office.store, MONDAY + timedelta(seconds=29), line) == {}
    assert hand_over(office.store, MONDAY + timedelta(seconds=31), line) == {Step.SEND: 2}
    assert hand_over(office.store, MONDAY + timedelta(days=9), line) == {}
    sent = office.handovers(number)
    assert {(one.state, one.attempts, one.external_id) for one in sent} == {(State.SENT, 2, f"X-{number}")}
    office.do(number, SIGN)
    assert [one.state for one in office.handovers(number)] == [State.ACKNOWLEDGED, State.SENT]


@pytest.mark.parametrize(("final", "tries"), [(False, MAX_ATTEMPTS), (True, 1)])
def test_a_handover_given_up_is_told_to_the_desk(office: Office, final: bool, tries: int) -> None:
    number = office.file()
    office.do(number, ACCEPT, DISPATCH)
    line = Line(down=99, final=final)
    steps: Counter[Step] = Counter()
    for hour in range(0, 24):
        steps += hand_over(office.store, MONDAY + timedelta(hours=2 * hour), line)
    assert (len(line.calls), steps[Step.GIVE_UP]) == (tries, 1)
    case = office.case(number)
    assert case.status is Status.DISPATCHED
    assert (case.timeline[-1].kind, case.timeline[-1].reason) == (FAILED, "no connection")
    assert case.timeline[-1].name == UNIT.unit
    assert kinds(case).count(FAILED) == 1


class Recalled:
    """A delivery during which the unit sends the case back."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def deliver(self, case: Case, handover: Handover) -> str | None:
        self._office.do(case.number, (Move.RETURN, UNIT, Facts(reason="归水务")))
        return None


class Broken:
    """A delivery with a defect."""

    def deliver(self, case: Case, handover: Handover) -> str | None:
        raise ZeroDivisionError


def test_handovers_overtaken_broken_and_left_by_the_dead(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    number = office.file()
    office.do(number, ACCEPT, DISPATCH)
    assert hand_over(office.store, MONDAY, Recalled(office)) == {}
    assert [one.state for one in office.handovers(number)] == [State.RECALLED]
    office.do(number, DISPATCH)
    assert hand_over(office.store, MONDAY, Broken()) == {Step.MISS: 1}
    assert "reference" in caplog.text
    with office.store.work() as work:
        work.handovers.lease(work.handovers.of(number)[-1], MONDAY + LEASE)
    assert hand_over(office.store, MONDAY + LEASE / 2, InHouse()) == {}
    assert hand_over(office.store, MONDAY + LEASE, InHouse()) == {Step.SEND: 1}


def test_the_thread_of_a_server_looks_after_cases_and_ends(office: Office) -> None:
    number = office.file()
    office.moments.append(MONDAY + timedelta(hours=3))
    sweeper = Sweeper(lambda: office.store, 0.02)
    sweeper.start()
    assert wait(lambda: office.case(number).count("dispatch_late") == 1)
    sweeper.stop()
    assert office.case(number).count("dispatch_late") == 1
    assert look_after(office.store).told() == "nothing due"
    held, inside = threading.Event(), threading.Event()

    def hang() -> int:
        inside.set()
        return int(held.wait(PATIENCE))

    slow = Sweeper(lambda: office.store, 0.02, follow=hang)
    slow.start()
    assert inside.wait(PATIENCE)
    slow.stop(0.1)
    held.set()
    slow.stop(PATIENCE)
    idle = Sweeper(lambda: office.store, 0)
    idle.start()
    idle.stop()


def test_the_calendar_is_that_of_the_kept_library() -> None:
    """Every day of nine years, two independent sources."""
    days = (date(2018, 1, 1) + timedelta(days=n) for n in range((date(2027, 1, 1) - date(2018, 1, 1)).days))
    differing = [day for day in days if is_working_day(day) != chinese_calendar.is_workday(day)]
    assert differing == []


def test_a_saturday_made_up_for_a_holiday_counts() -> None:
    eve = datetime(2026, 9, 30, 9, 0, tzinfo=ZONE)
    assert working_days_after(eve, 1).date() == date(2026, 10, 8)
    assert working_days_after(eve, 3).date() == date(2026, 10, 10), "a make-up Saturday"
    assert working_days_after(eve, 4).date() == date(2026, 10, 12)


def test_urgent_matters_go_by_the_clock_over_a_holiday() -> None:
    eve = datetime(2026, 9, 30, 20, 0, tzinfo=ZONE)
    assert due(eve, "help", "urgent") == eve + timedelta(hours=24)
    assert due(eve, "help").date() == date(2026, 10, 13)


def test_one_extension_before_the_limit_with_word_to_the_citizen(office: Office) -> None:
    number = office.file()
    office.do(number, *AT_WORK)
    longer = (Move.EXTEND, DESK, Facts(reason="内部：等开挖许可", note="需要开挖道路，正在办理许可"))
    case = office.do(number, longer)
    assert case.timeline[-1].note == "需要开挖道路，正在办理许可"
    with pytest.raises(IllegalTransition):
        office.do(number, longer)
    late = office.file()
    office.do(late, *AT_WORK)
    office.moments.append(office.case(late).expected_at)
    with pytest.raises(IllegalTransition):
        office.do(late, longer)


def test_a_year_without_calendar_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    deadlines._warn_of.cache_clear()
    with caplog.at_level(logging.WARNING, "chengda"):
        for day in (date(2031, 1, 1), date(2031, 1, 4), date(2031, 5, 1)):
            is_working_day(day)
    assert [record.getMessage() for record in caplog.records if "2031" in record.getMessage()] == [
        "the calendar has no year 2031: Monday to Friday count as working days, no holiday does"
    ]
    assert deadlines.calendar_end() == date(2026, 12, 31)


MOMENTS = st.datetimes(datetime(2018, 1, 1), datetime(2026, 11, 1), timezones=st.just(ZONE))
KINDS = st.sampled_from([str(kind) for kind in DemandType])


@given(MOMENTS, KINDS)
def test_due_is_the_end_of_a_working_day(start: datetime, kind: str) -> None:
    ends = due(start, kind)
    assert is_working_day(ends.date())
    assert ends > start
    assert is_working_day(extended(ends).date())
    assert extended(ends) > ends


@given(MOMENTS, MOMENTS, KINDS, st.sampled_from(["normal", "urgent", "emergency"]))
def test_due_never_goes_back(one: datetime, other: datetime, kind: str, urgency: str) -> None:
    first, second = sorted((one, other))
    assert due(first, kind, urgency) <= due(second, kind, urgency)


@given(MOMENTS, KINDS, st.sampled_from(["normal", "urgent"]), *(st.timedeltas(timedelta(0), timedelta(60)),) * 2)
def test_a_pause_never_shortens(start: datetime, kind: str, urgency: str, before: timedelta, pause: timedelta) -> None:
    expected, paused = due(start, kind, urgency), start + before
    resumed = paused + pause
    later = after_pause(expected, paused, resumed, urgency)
    assert later >= expected
    longer = after_pause(expected, paused, resumed + timedelta(days=3), urgency)
    assert longer >= later
    if urgency == "normal":
        assert is_working_day(later.date())
