"""Duplicates at the desk: candidates with reasons, merging, taking it back, and who leads when a leader goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.assistant import Assistant
from bot.cases.case import CITIZEN, SYSTEM, Actor, Case, CaseDraft, DemandType, Facts
from bot.cases.closing import Rating
from bot.cases.duplicate_finder import Found
from bot.cases.merging import Contradiction, Reason, candidate, candidates
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role, Status
from bot.database import migrate, open_database
from bot.domain import read_domain
from bot.errors import IllegalTransition
from bot.messages import SenderId
from bot.store import Store, Work
from tests.office import store_at
from tests.staff_desk import UNIT as UNIT_NAME
from tests.staff_desk import Desk, desk_on

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
DESK = Actor(Role.DISPATCHER, "d1")
UNIT = Actor(Role.UNIT, "u1", UNIT_NAME)
LAMP = CaseDraft(
    "民治大道牛栏前地铁站B口的路灯坏了，晚上一片漆黑", DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道",
    "龙华区", "民治街道",
)  # fmt: skip
TO_CALLBACK = (
    (Move.ACCEPT, DESK, Facts()),
    (Move.DISPATCH, DESK, Facts(unit=UNIT.unit)),
    (Move.SIGN, UNIT, Facts()),
    (Move.CONTACT, UNIT, Facts()),
    (Move.REPLY, UNIT, Facts(reply="已修好")),
    (Move.REVIEW, DESK, Facts()),
)


@pytest.fixture
def store() -> Store:
    return store_at(NOON)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = open_database("sqlite://")
    migrate(engine)
    with desk_on(engine, tmp_path) as made:
        yield made


def filed(work: Work, *senders: str, draft: CaseDraft = LAMP) -> list[Case]:
    return [work.cases.file(draft, SenderId(sender), "zh", None, False) for sender in senders]


def merge(work: Work, number: CaseNumber, leader: CaseNumber) -> Case:
    return work.cases.move(number, Move.MERGE, DESK, Facts(leader=leader))


def led(work: Work, *of: Case) -> list[CaseNumber | None]:
    return [work.cases.by_number(case.number).handling.merged_into for case in of]


def test_merging_keeps_timeline_and_code_and_each_rates_for_oneself(store: Store) -> None:
    with store.work() as work:
        leader, other = filed(work, "anna", "ben")
        work.cases.move(other.number, Move.SUPPLEMENT, CITIZEN, Facts("灯杆号12"))
        merge(work, other.number, leader.number)
        for move, actor, facts in TO_CALLBACK:
            work.cases.move(leader.number, move, actor, facts)
        shown = work.cases.with_code(other.number, other.query_code)
        assert [event.kind for event in shown.timeline] == ["filed", "supplemented", "merged"]
        assert work.cases.with_code(leader.number, leader.query_code).handling.reply == "已修好"
        assert work.closing.rate(leader.number, Rating({"effect": 5}), NOON).status is Status.CLOSED
        assert work.cases.by_number(other.number).status is Status.MERGED
        assert work.closing.progress(shown, NOON).rateable
        bad = work.closing.rate(other.number, Rating({"effect": 1}, False, "还是不亮"), NOON)
        assert (bad.status, bad.handling.merged_into) == (Status.SUBMITTED, None)
        assert work.cases.by_number(leader.number).status is Status.CLOSED


@pytest.mark.parametrize("move", [Move.WITHDRAW, Move.REJECT])
def test_the_oldest_leads_when_the_leader_goes(store: Store, move: Move) -> None:
    with store.work() as work:
        leader, gone, second, third = filed(work, "anna", "ben", "cleo", "dora")
        for case in (third, second, gone):
            merge(work, case.number, leader.number)
        work.cases.move(gone.number, Move.WITHDRAW)
        work.cases.move(leader.number, move, Actor(Role.AGENT, "ag"), Facts(reason="不属受理范围"))
        heir = work.cases.by_number(second.number)
        assert (heir.status, heir.handling.merged_into) == (Status.SUBMITTED, None)
        assert (heir.timeline[-1].kind, heir.timeline[-1].actor) == ("unmerged", SYSTEM.role)
        assert leader.number in str(heir.timeline[-1].reason)
        assert led(work, third, gone) == [second.number, None]
        assert work.cases.by_number(gone.number).status is Status.WITHDRAWN
        work.cases.move(second.number, Move.WITHDRAW)
        last = work.cases.by_number(third.number)
        assert (last.status, last.handling.merged_into) == (Status.SUBMITTED, None)


def test_a_leader_that_is_merged_takes_the_others_along(store: Store) -> None:
    with store.work() as work:
        leader, first, second, new = filed(work, "anna", "ben", "cleo", "dora")
        for case in (first, second):
            merge(work, case.number, leader.number)
        merge(work, leader.number, new.number)
        assert led(work, leader, first, second) == [new.number] * 3


def test_a_succession_that_fails_leaves_all_as_it_was(store: Store) -> None:
    with store.work() as work:
        leader, first, second = filed(work, "anna", "ben", "cleo")
        for case in (first, second):
            merge(work, case.number, leader.number)
    with pytest.raises(RuntimeError), store.work() as work:
        work.cases.move(leader.number, Move.WITHDRAW)
        raise RuntimeError
    with store.work() as work:
        assert work.cases.by_number(leader.number).status is Status.SUBMITTED
        assert led(work, first, second) == [leader.number] * 2


def test_a_closed_or_transferred_leader_keeps_its_own(store: Store) -> None:
    with store.work() as work:
        leader, other = filed(work, "anna", "ben")
        merge(work, other.number, leader.number)
        work.cases.move(leader.number, Move.TRANSFER, DESK, Facts(reason="转市场监管热线"))
        assert led(work, other) == [leader.number]


def test_merges_that_are_refused(store: Store) -> None:
    with store.work() as work:
        one, two, three, ended = filed(work, "anna", "ben", "cleo", "dora")
        merge(work, two.number, one.number)
        work.cases.move(ended.number, Move.WITHDRAW)
        for number, leader in (
            (two.number, three.number),
            (one.number, two.number),
            (one.number, one.number),
            (one.number, ended.number),
            (ended.number, one.number),
        ):
            with pytest.raises(IllegalTransition):
                merge(work, number, leader)
        assert led(work, one, two, three, ended) == [None, one.number, None, None]


def test_merging_over_http_and_back(desk: Desk) -> None:
    leader, *others = (desk.file().number for _ in range(4))
    body = {"leader": leader.lower(), "version": 1, "also": [{"number": one, "version": 1} for one in others[1:]]}
    assert desk.post("ag", f"/cases/{others[0]}/merge", {"leader": leader}).status_code == 428
    assert desk.post("ag", f"/cases/{others[0]}/merge", body | {"version": 7}).status_code == 409
    told = desk.post("ag", f"/cases/{others[0]}/merge", body)
    assert told.status_code == 200, told.text
    assert [(one["number"], one["status"], one["merged_into"]) for one in told.json()["cases"]] == [
        (one, "merged", leader) for one in others
    ]
    path = f"/cases/{others[0]}/unmerge"
    assert desk.post("di", path, {"version": 2}).status_code == 422
    told = desk.post("di", path, {"version": 2, "reason": "不是同一盏灯"})
    assert told.status_code == 200, told.text
    assert (told.json()["status"], told.json()["merged_into"]) == ("submitted", None)
    rows = desk.get("su", "/audit", number=others[0]).json()["entries"]
    assert [(row["action"], row["fields"][0]) for row in rows] == [("moved", "unmerge"), ("moved", "merge")]


def test_a_list_is_merged_whole_or_not_at_all(desk: Desk) -> None:
    leader, first, gone = (desk.file().number for _ in range(3))
    desk.run(gone, ("ag", "withdraw", {}))
    also = [{"number": gone, "version": 2}]
    refused = desk.post("di", f"/cases/{first}/merge", {"leader": leader, "version": 1, "also": also})
    assert refused.status_code == 409, refused.text
    assert (desk.version(first), desk.version(leader)) == (1, 1)
    assert desk.get("su", "/audit", number=first).json()["entries"] == []


@pytest.mark.parametrize("who", ["un", "ot", "su", "ed", "ad"])
def test_only_the_desk_merges(desk: Desk, who: str) -> None:
    leader, other = desk.file().number, desk.file().number
    assert desk.get(who, f"/cases/{other}/duplicates").status_code == 403
    assert desk.post(who, f"/cases/{other}/merge", {"leader": leader, "version": 1}).status_code == 403
    assert desk.post(who, f"/cases/{other}/unmerge", {"reason": "x", "version": 1}).status_code == 403


def test_without_a_finder_there_are_no_candidates(desk: Desk) -> None:
    told = desk.get("ag", f"/cases/{desk.file().number}/duplicates")
    assert (told.status_code, told.json()["candidates"]) == (200, [])
    assert desk.get("ag", "/cases/SZ991231-000001-0/duplicates").status_code == 404


def test_reasons_and_contradictions(store: Store) -> None:
    with store.work() as work:
        one, two = filed(work, "anna", "ben")
    same = candidate(one.draft, one.filed_at, Found(two, 0.9, {"placed": 1.0, "thing_shared": 0.8}))
    assert (same.reasons, same.contradictions) == (tuple(Reason), ())
    draft = replace(LAMP, service_item="H01", subdistrict="大浪街道")
    far = replace(two, draft=draft, filed_at=two.filed_at - timedelta(days=30))
    other = candidate(one.draft, one.filed_at, Found(far, 0.3, {"misplaced": 1.0, "thing_apart": 1.0}))
    assert (other.reasons, other.contradictions, other.days_apart) == ((), tuple(Contradiction), 30.0)
    bare = replace(two, draft=CaseDraft("灯坏了", DemandType.HELP), filed_at=two.filed_at - timedelta(days=9))
    unknown = candidate(one.draft, one.filed_at, Found(bare, 0.4, {}))
    assert (unknown.same_item, unknown.same_subdistrict, unknown.same_place) == (None, None, None)
    assert (unknown.reasons, unknown.contradictions) == ((), ())


def test_every_reason_has_its_words() -> None:
    responses = read_domain().responses
    assert {f"utter_merge_{code}" for code in (*Reason, *Contradiction)} <= set(responses)


def test_candidates_are_ranked_with_reasons(assistant: Assistant, desk: Desk) -> None:
    finder: Any = assistant.duplicates
    same = replace(LAMP, description="民治大道牛栏前地铁站B口路灯全灭了，昨晚黑得看不见路，我要投诉")
    elsewhere = replace(same, description="沙河西路蛇口邮局门口路灯不亮", location="沙河西路", subdistrict="招商街道")
    with desk.store.work() as work:
        one, two, _ = (filed(work, "anna", draft=draft)[0] for draft in (LAMP, same, elsewhere))
    client: Any = desk.client
    client.app.state.staff = replace(desk.parts, finder=lambda: finder)
    with desk.store.work() as work:
        finder.load(work.connection)
    try:
        told = desk.get("di", f"/cases/{one.number}/duplicates").json()
        with desk.store.work() as work:
            work.cases.move(one.number, Move.WITHDRAW)
            assert candidates(work, finder, one.number) == ()
    finally:
        with assistant.store.work() as work:
            finder.load(work.connection)
    best = told["candidates"][0]
    assert best["case"]["number"] == two.number and best["score"] > finder.threshold
    assert {"same_item", "same_place", "same_subdistrict", "near_time"} <= {said["code"] for said in best["reasons"]}
    assert one.number not in [found["case"]["number"] for found in told["candidates"]]
    scores = [found["score"] for found in told["candidates"]]
    assert scores == sorted(scores, reverse=True)
