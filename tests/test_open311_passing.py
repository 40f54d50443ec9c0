"""What citizens say of a case that another city handles reaches it once, or they and the desk are told where to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from bot.cases.case import CITIZEN, Case, Facts
from bot.cases.closing import Rating
from bot.cases.notices import Notices
from bot.cases.number import CaseNumber
from bot.cases.progress import progress_of
from bot.cases.states import Move, Status
from bot.messages import SenderId
from connectors.open311.passing import KEEP_TRYING, NOT_PASSED, PASSED, Passing
from connectors.open311.remote import Remote
from tests.open311_city import BASE, DOMAIN, City
from tests.open311_neighbour import (
    UNIT,
    Endpoint,
    Here,
    Send,
    answers,
    down,
    loses_answers,
    move_there,
    refusal,
    there_cases,
    works,
)


@pytest.fixture
def here(both_engines: Engine, tmp_path: Path) -> Iterator[Here]:
    there = City(tmp_path, "SH")
    here = Here(both_engines, there)
    yield here
    here.web.close()
    there.close()


def say(here: Here, number: CaseNumber, move: Move, note: str | None = None, reason: str | None = None) -> None:
    here.there.now += timedelta(minutes=1)
    with here.store.work() as work:
        work.cases.move(number, move, CITIZEN, Facts(note, reason))


def kinds(case: Case) -> list[str]:
    return [event.kind for event in case.timeline]


def heard(here: Here) -> list[tuple[str, str | None]]:
    """What the citizen side of the other city's only case tells."""
    (case,) = there_cases(here)
    return [(one.kind, one.note) for one in case.timeline if one.kind in ("supplemented", "reopened")]


def pass_on(here: Here, send: Send = works) -> int:
    here.line.send = send
    try:
        return here.passing.pass_on()
    finally:
        here.line.send = works


def answered_there(here: Here, number: CaseNumber) -> str:
    """The case was handed over, answered and closed there, and the answer came back."""
    here.deliver()
    theirs = there_cases(here)[0].number
    move_there(here, theirs, Move.ACCEPT, Move.DISPATCH, Move.SIGN, Move.REPLY, Move.REVIEW)
    with here.there.store.work() as work:
        work.cases.move(theirs, Move.RATE, CITIZEN)
    here.follower.follow()
    assert here.case(number).status is Status.CALLBACK
    return theirs


def test_additions_and_hastening_reach_the_other_city_once(here: Here) -> None:
    number = here.file()
    say(here, number, Move.SUPPLEMENT, "灯杆编号LG-12，我的电话13800138000")
    assert here.passing.pass_on() == 0
    here.deliver()
    say(here, number, Move.HASTEN)
    assert here.passing.pass_on() == 2
    assert here.passing.pass_on() == 0
    assert heard(here) == [
        ("supplemented", "市民补充：灯杆编号LG-12，我的电话[phone]"),
        ("supplemented", "市民催办，请尽快办理。"),
    ]
    assert kinds(here.case(number)).count(PASSED) == 2
    assert here.case(number).status is Status.DISPATCHED


def test_not_satisfied_opens_the_case_there_again(here: Here) -> None:
    number = here.file()
    theirs = answered_there(here, number)
    with here.store.work() as work:
        work.closing.rate(number, Rating(satisfied=False, reason="灯还是不亮"), here.there.now)
    assert here.case(number).status is Status.REDO
    assert here.follower.follow() == 0
    assert here.passing.pass_on() == 1
    assert heard(here) == [("reopened", "市民对答复不满意，请重新办理：灯还是不亮")]
    assert there_cases(here)[0].status is Status.SUBMITTED
    assert here.follower.follow() == 1
    assert here.case(number).status is Status.SIGNED
    move_there(here, theirs, Move.ACCEPT, Move.DISPATCH, Move.SIGN, Move.REPLY, Move.REVIEW)
    with here.there.store.work() as work:
        work.cases.move(CaseNumber(theirs), Move.RATE, CITIZEN)
    assert here.follower.follow() == 1
    assert here.case(number).status is Status.CALLBACK


@pytest.mark.parametrize("broken", [down, loses_answers, answers(503, b""), answers(429, b"")])
def test_what_fails_for_a_while_is_sent_later_and_once(here: Here, broken: Send) -> None:
    number = here.file()
    here.deliver()
    say(here, number, Move.SUPPLEMENT, "就在门口")
    say(here, number, Move.SUPPLEMENT, "靠左边")
    for _ in range(2):
        assert pass_on(here, broken) == 0
    assert PASSED not in kinds(here.case(number)) and NOT_PASSED not in kinds(here.case(number))
    assert here.passing.pass_on() == 2
    assert heard(here) == [("supplemented", "市民补充：就在门口"), ("supplemented", "市民补充：靠左边")]


def without_extension(request: httpx.Request, there: Endpoint) -> httpx.Response:
    """A server of plain GeoReport v2."""
    if "servicerequestupdates" in request.url.path:
        return httpx.Response(404, content=b"<html>not here</html>")
    return there(request)


@pytest.mark.parametrize("offers", [without_extension, answers(501, b""), answers(400, refusal(400, "no such field"))])
def test_where_it_cannot_be_sent_the_citizen_is_told_where_to_tell_it(here: Here, offers: Send) -> None:
    number = here.file()
    here.deliver()
    external = here.state(number)[1]
    say(here, number, Move.SUPPLEMENT, "就在门口")
    assert pass_on(here, offers) == 1
    assert pass_on(here, offers) == 0
    (event,) = [one for one in here.case(number).timeline if one.kind == NOT_PASSED]
    assert event.reason and event.reason[:3] in ("404", "501", "400")
    assert event.note and str(external) in event.note and "就在门口" not in event.note
    contact = "深圳" if offers is without_extension else "没有公布"
    assert contact in event.note
    told = progress_of(here.case(number), here.there.now).events[-1]
    assert (told.event.kind, told.note) == (NOT_PASSED, event.note)
    with here.store.work() as work:
        notices = Notices(work.connection, work.cases)
        assert [one.event.kind for one in notices.pending(SenderId("citizen"), here.there.now)] == [NOT_PASSED]


def test_a_server_that_never_answers_is_given_up_after_days(here: Here) -> None:
    number = here.file()
    here.deliver()
    say(here, number, Move.SUPPLEMENT, "就在门口")
    assert pass_on(here, down) == 0
    here.there.now += KEEP_TRYING
    assert pass_on(here, down) == 1
    assert kinds(here.case(number))[-1] == NOT_PASSED


def test_one_case_that_fails_does_not_hold_up_the_others(here: Here) -> None:
    numbers = [here.file() for _ in range(2)]
    here.deliver()
    for number in numbers:
        say(here, number, Move.SUPPLEMENT, "就在门口")
    first = here.state(numbers[0])[1]

    def fails_first(request: httpx.Request, there: Endpoint) -> httpx.Response:
        return httpx.Response(500) if str(first).encode() in request.content else there(request)

    assert pass_on(here, fails_first) == 1
    assert [kinds(here.case(number)).count(PASSED) for number in numbers] == [0, 1]


def test_numbers_in_the_words_go_along_only_when_set(here: Here) -> None:
    here.passing = Passing(here.remote, here.store, UNIT, DOMAIN, send_contact=True)
    for anonymous, told in ((False, "13800138000"), (True, "[phone]")):
        number = here.file(anonymous=anonymous)
        here.deliver()
        say(here, number, Move.SUPPLEMENT, "请打13800138000")
        here.passing.pass_on()
        assert there_cases(here)[-1].timeline[-1].note == f"市民补充：请打{told}"


def test_a_wrong_key_is_tried_again(here: Here) -> None:
    number = here.file()
    here.deliver()
    say(here, number, Move.SUPPLEMENT, "就在门口")
    wrong = Passing(Remote(here.web, f"http://testserver{BASE}", "x"), here.store, UNIT, DOMAIN)
    assert wrong.pass_on() == 0
    assert here.passing.pass_on() == 1
