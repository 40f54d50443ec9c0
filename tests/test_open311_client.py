"""Two cities: cases filed in one are handled by the other over Open311, through every kind of failure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.cases.case import CITIZEN, CaseDraft, DemandType, Facts
from bot.cases.handover import State
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Status
from bot.database import migrate, open_database
from bot.messages import SenderId
from bot.settings import Settings
from connectors.open311.client import Neighbour, Open311Delivery
from connectors.sweeper import look_after
from tests.open311_city import BASE, DOMAIN, City
from tests.open311_neighbour import (
    DRAFT,
    UNIT,
    Endpoint,
    Here,
    Send,
    answers,
    down,
    forgets_keys,
    loses_answers,
    move_there,
    refusal,
    there_cases,
)
from tests.served import served


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    there = City(tmp_path, "SH")
    engine = open_database(f"sqlite:///{tmp_path / 'here.sqlite3'}")
    migrate(engine)
    here = Here(engine, there)
    yield here
    here.web.close()
    engine.dispose()
    there.close()


def test_a_case_goes_over_and_its_end_comes_back(here: Here) -> None:
    number = here.file()
    assert here.case(number).status is Status.DISPATCHED
    here.deliver()
    state, external = here.state(number)
    theirs = there_cases(here)
    assert (state, external, len(theirs)) == (State.SENT, theirs[0].number, 1)
    assert theirs[0].draft.description == f"人民路的路灯坏了\n[{number}/1]"
    assert (theirs[0].draft.type, theirs[0].draft.location, theirs[0].draft.occurred_at) == (
        DemandType.REPORT, "人民路12号", "昨晚",
    )  # fmt: skip
    assert theirs[0].contact is None
    assert here.follower.follow() == 1
    assert here.case(number).status is Status.SIGNED
    assert here.state(number)[0] is State.ACKNOWLEDGED
    assert here.follower.follow() == 0
    move_there(here, theirs[0].number, Move.ACCEPT, Move.DISPATCH, Move.SIGN)
    assert here.follower.follow() == 1
    case = here.case(number)
    assert [event.note for event in case.timeline if event.kind == "noted"][-1] == "承办单位已签收"
    assert {event.actor for event in case.timeline[1:]} == {"system"}
    move_there(here, theirs[0].number, Move.REPLY, Move.REVIEW)
    with here.there.store.work() as work:
        work.cases.move(theirs[0].number, Move.RATE, CITIZEN)
    assert here.follower.follow() == 1
    case = here.case(number)
    assert (case.status, case.handling.reply) == (Status.CALLBACK, "已办结：灯已换好")
    assert here.follower.follow() == 0
    assert len({(event.kind, event.note) for event in case.timeline}) == len(case.timeline)


@pytest.mark.parametrize("broken", [loses_answers, forgets_keys])
def test_a_lost_answer_makes_no_second_case(here: Here, broken: Send) -> None:
    number = here.file()
    for _ in range(2):
        here.deliver(broken)
    state, external = here.state(number)
    assert state is State.SENT
    assert [case.number for case in there_cases(here)] == [external]
    assert here.line.posts == 1


def test_a_death_between_filing_there_and_noting_it_here(here: Here) -> None:
    """The delivery is done again from the start, as after kill -9."""
    number = here.file()
    case = here.case(number)
    with here.store.work() as work:
        one = work.handovers.of(number)[0]
    first = here.delivery.deliver(case, one)
    assert here.delivery.deliver(case, one) == first
    assert len(there_cases(here)) == 1


def test_nothing_is_lost_while_the_other_city_is_down(here: Here) -> None:
    number = here.file()
    for _ in range(3):
        here.deliver(down)
    assert here.state(number) == (State.PENDING, None)
    assert "ConnectError" in here.error(number)
    assert here.case(number).status is Status.DISPATCHED
    here.deliver()
    assert here.state(number)[0] is State.SENT
    assert len(there_cases(here)) == 1


@pytest.mark.parametrize(
    ("status", "body", "state", "told"),
    [
        (500, b"oops", State.PENDING, "500"),
        (403, refusal(403, "bad key"), State.PENDING, "bad key"),
        (429, b"", State.PENDING, "429"),
        (302, b"", State.PENDING, "302"),
        (400, refusal(400, "no such street"), State.FAILED, "no such street"),
        (404, b"<html>", State.FAILED, "404"),
        (200, b"<html>welcome</html>", State.PENDING, "cannot be read"),
        (200, b"<service_requests><request/></service_requests>", State.PENDING, "cannot be read"),
        (200, b"<service_requests><request><token/></request></service_requests>", State.PENDING, "neither"),
        (200, b"x" * 9_000_000, State.PENDING, "too large"),
    ],
)  # fmt: skip
def test_what_the_other_city_may_answer(here: Here, status: int, body: bytes, state: State, told: str) -> None:
    number = here.file()
    here.deliver(answers(status, body))
    assert here.state(number) == (state, None)
    assert told in here.error(number)
    kinds = [event.kind for event in here.case(number).timeline]
    assert ("handover_failed" in kinds) == (state is State.FAILED)


def test_a_token_becomes_a_number(here: Here) -> None:
    number = here.file()
    request = b"<service_requests><request>%s</request></service_requests>"
    here.deliver(answers(200, request % b"<token>t/1</token>"))
    assert here.state(number) == (State.SENT, "token:t/1")
    here.line.send = answers(200, request % b"<service_request_id/><token>t/1</token>")
    assert here.follower.follow() == 0
    asked: list[str] = []

    def resolves(request_: httpx.Request, there: Endpoint) -> httpx.Response:
        asked.append(request_.url.raw_path.decode())
        return httpx.Response(
            200, content=request % b"<service_request_id>77</service_request_id><status>open</status>"
        )

    here.line.send = resolves
    assert here.follower.follow() == 1
    assert "/tokens/t%2F1.xml" in asked[0]
    assert here.state(number) == (State.ACKNOWLEDGED, "77")


def test_a_server_with_notes_in_one_line(here: Here) -> None:
    number = here.file()
    inner = "<service_request_id>5</service_request_id><status>{}</status>{}"
    request = f"<service_requests><request>{inner}</request></service_requests>"
    here.deliver(answers(200, request.format("open", "").encode()))
    for status, notes, expected in (
        ("Open", "<status_notes>crew sent</status_notes>", 1),
        ("Open", "<status_notes>crew sent</status_notes>", 0),
        ("Closed", "<agency_responsible>Works</agency_responsible>", 1),
    ):
        here.line.send = answers(200, request.format(status, notes).encode())
        assert here.follower.follow() == expected
    case = here.case(number)
    assert [event.note for event in case.timeline if event.kind == "noted"] == ["crew sent"]
    assert (case.status, case.handling.reply) == (Status.CALLBACK, "Works已办结该事项。")


def test_a_redo_waits_until_it_is_opened_there(here: Here) -> None:
    number = here.file()
    here.deliver()
    theirs = there_cases(here)[0].number
    move_there(here, theirs, Move.REJECT)
    here.follower.follow()
    with here.store.work() as work:
        assert work.cases.move(number, Move.REDO, CITIZEN, Facts(reason="还是不亮")).status is Status.REDO
    assert here.follower.follow() == 0
    with here.there.store.work() as work:
        work.cases.move(theirs, Move.REOPEN, CITIZEN, Facts(note="还是不亮"))
    assert here.follower.follow() == 1
    assert here.case(number).status is Status.SIGNED


def test_what_stays_here_and_what_cannot_go(here: Here) -> None:
    stays = here.file(CaseDraft("想问点事", DemandType.CONSULT))
    assert here.case(stays).status is Status.SUBMITTED
    nowhere = here.file(CaseDraft("路灯坏了", DemandType.COMPLAINT, "市政设施", "H08", "UMB"))
    here.deliver()
    assert here.state(nowhere)[0] is State.FAILED
    assert here.line.posts == 0


def test_contact_goes_along_only_when_set(here: Here) -> None:
    delivery = Open311Delivery(here.remote, here.store, send_contact=True)
    for anonymous, expected in ((False, "13800138000"), (True, None)):
        number = here.file(anonymous=anonymous)
        with here.store.work() as work:
            one = work.handovers.of(number)[0]
        external = delivery.deliver(here.case(number), one)
        theirs = {case.number: case for case in there_cases(here)}[CaseNumber(str(external))]
        assert (theirs.contact, theirs.anonymous) == (expected, anonymous)


def test_the_same_request_is_filed_and_handed_over_once(here: Here) -> None:
    with here.store.work() as work:
        made = [work.cases.file(DRAFT, SenderId("a"), "zh", None, False, "chat", "k") for _ in range(2)]
        assert made[0] == made[1]
        assert len(work.handovers.of(made[0].number)) == 1


def test_over_a_real_server(here: Here, tmp_path: Path) -> None:
    """uvicorn and a real connection: the sweep delivers, follows, and a stopped server loses nothing."""
    with served(here.there.app, "off") as root:
        settings = Settings(
            data_dir=tmp_path, open311_url=f"{root}{BASE}/", open311_key=here.there.key,
            open311_jurisdiction="sz.gov.cn", open311_follow_seconds=0, _env_file=None,
        )  # type: ignore[call-arg]  # fmt: skip
        assert settings.open311_unit == UNIT
        neighbour = Neighbour(settings, here.store, DOMAIN)
        number = here.file()
        assert look_after(here.store, neighbour.delivery, neighbour.follow).followed == 1
        assert here.case(number).status is Status.SIGNED
        assert [case.number for case in there_cases(here)] == [here.state(number)[1]]
    later = here.file()
    assert look_after(here.store, neighbour.delivery, neighbour.follow).followed == 0
    assert here.state(later) == (State.PENDING, None)
    neighbour.close()
