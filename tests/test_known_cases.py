"""Open cases that a report repeats: the index, the offer before filing, following."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine

from bot.assistant import Assistant
from bot.cases.case import Case, CaseDraft, DemandType, Facts
from bot.cases.case_index import CaseIndex
from bot.cases.duplicate_finder import DuplicateFinder
from bot.cases.reports import Floats
from bot.cases.states import Move
from bot.messages import SenderId
from bot.store import Store, Work
from bot.training import Models

Talk = Callable[..., dict[str, Any]]
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LAMP = "民治大道牛栏前地铁站B口的路灯坏了，晚上一片漆黑"
SAME = "民治大道牛栏前地铁站B口路灯全灭了，昨晚黑得看不见路，我要投诉"


@pytest.fixture
def store(both_engines: Engine) -> Store:
    return Store(both_engines, "SZ", lambda: NOON)


class Counting:
    """An encoder of first letters that counts what it encoded."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> Floats:
        self.texts.append(text)
        row = np.zeros(8, dtype=np.float32)
        row[ord(text[0]) % 8] = 1
        return row


def filed(work: Work, text: str) -> Case:
    return work.cases.file(CaseDraft(text, DemandType.COMPLAINT), SenderId("a"), "zh", None, False)


def test_the_index_follows_the_cases(store: Store) -> None:
    encode = Counting()
    index, other = (CaseIndex("m1", 8, encode) for _ in range(2))
    with store.work() as work:
        first = filed(work, "a")
        assert [one.number for one in index.search(work.connection, encode("a"), 5)] == [first.number]
        second = filed(work, "b")
        assert index.search(work.connection, encode("b"), 1)[0].number == second.number
    encode.texts.clear()
    with store.work() as work:
        assert other.load(work.connection) == 0 and not encode.texts
        work.cases.move(first.number, Move.WITHDRAW)
        assert [one.number for one in other.search(work.connection, encode("a"), 5)] == [second.number]
        work.cases.move(first.number, Move.REOPEN, facts=Facts("again"))
        for one in (index, other):
            assert one.search(work.connection, encode("a"), 1)[0].number == first.number
            assert len(one) == 2


def test_another_model_encodes_anew(store: Store) -> None:
    encode, seen = Counting(), []
    with store.work() as work:
        for letter in "abc":
            filed(work, letter)
        assert CaseIndex("m1", 8, encode).load(work.connection) == 3
        assert CaseIndex("m2", 8, encode).load(work.connection, lambda done, of: seen.append((done, of))) == 3
        assert CaseIndex("m2", 8, encode).load(work.connection) == 0
    assert seen == [(3, 3)]


def test_gaps_are_closed(store: Store) -> None:
    encode = Counting()
    index = CaseIndex("m1", 8, encode)
    with store.work() as work:
        index.load(work.connection)
        made = [filed(work, "abcdefgh"[at % 8]) for at in range(120)]
    with store.work() as work:
        for _ in range(10):
            index.search(work.connection, encode("a"), 1)
        assert len(index) == 120
        for case in made[:60]:
            work.cases.move(case.number, Move.WITHDRAW)
        found = index.search(work.connection, encode("a"), 200)
    assert {one.number for one in found} == {case.number for case in made[60:]}


def test_threads_share_an_index(store: Store) -> None:
    encode = Counting()
    index = CaseIndex("m1", 8, encode)
    wrong: list[object] = []

    def work_on(letter: str) -> None:
        try:
            for _ in range(10):
                with store.work() as work:
                    case = filed(work, letter)
                    found = index.search(work.connection, encode(letter), 500)
                    if case.number not in [one.number for one in found]:
                        wrong.append(case.number)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work_on, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(index) == 40


def test_a_case_committed_after_a_later_one_is_found(postgres_engine: Engine) -> None:
    """PostgreSQL numbers events before they are committed, so that the log may fill in behind what was read."""
    store, encode = Store(postgres_engine, "SZ", lambda: NOON), Counting()
    index = CaseIndex("m1", 8, encode)
    with store.work() as work:
        index.load(work.connection)
    with store.work() as slow:
        early = filed(slow, "a")
        with store.work() as quick:
            late = filed(quick, "a")
        with store.work() as work:
            assert [one.number for one in index.search(work.connection, encode("a"), 5)] == [late.number]
    with store.work() as work:
        found = {one.number for one in index.search(work.connection, encode("a"), 5)}
    assert found == {early.number, late.number}


def test_the_finder_on_both_databases(store: Store, models: Models) -> None:
    """The real encoder and pair model: found by meaning and by place, gone with the case, alike after a restart."""
    finder = DuplicateFinder(models.encoder, models.demands, models.city)
    lamp = CaseDraft(LAMP, DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道", "龙华区", "民治街道")
    others = (
        replace(lamp, description="民治大道牛栏前地铁站B口有人乱摆摊卖烧烤", service_item="H12"),
        replace(lamp, description="沙河西路有人露天焚烧垃圾，烟味很大", service_item="H09", location="沙河西路"),
    )
    with store.work() as work:
        number, *_ = (work.cases.file(one, SenderId("a"), "zh", None, False).number for one in (lamp, *others))
    same, elsewhere = (
        replace(lamp, description=SAME),
        replace(lamp, description="后海大道的公交车到站不停", location=None),
    )

    def found(by: DuplicateFinder, draft: CaseDraft) -> list[str]:
        with store.work() as work:
            return [one.case.number for one in by.find(work.connection, work.cases, draft, NOON + timedelta(hours=1))]

    assert found(finder, same) == [number]
    assert found(finder, elsewhere) == []
    anew = DuplicateFinder(models.encoder, models.demands, models.city)
    with store.work() as work:
        assert anew.load(work.connection) == 0
    assert found(anew, same) == [number]
    with store.work() as work:
        work.cases.move(number, Move.WITHDRAW)
    assert found(finder, same) == found(anew, same) == []


def report(talk: Talk, text: str, sender: str) -> dict[str, Any]:
    """Tell a report until the form asks for the confirmation."""
    turn = talk(text, sender)
    while turn["requested_slot"] not in ("confirm", None):
        turn = talk("跳过", sender)
    assert turn["requested_slot"] == "confirm"
    return turn


def test_follow_instead(talk: Talk, assistant: Assistant) -> None:
    first = report(talk, f"我要投诉{LAMP}", "anna")
    assert "跟进" not in first["text"]
    number = talk("确认", "anna")["case"]["case_id"]
    offer = report(talk, SAME, "ben")
    assert "已有1人反映" in offer["text"] and offer["buttons"][0]["payload"] == "跟进这个工单"
    assert "确认" in [button["payload"] for button in offer["buttons"]]
    done = talk("跟进这个工单", "ben")
    assert (done["outcome"], done["active_form"]) == ("case_updated", None)
    assert number in done["text"] and LAMP not in done["text"]
    with assistant.store.work() as work:
        assert work.followers.reported(number) == 2
        assert not work.cases.of_sender(SenderId("ben"))
        code = work.cases.by_number(number).query_code
    mine = talk("我的工单到哪一步了", "ben")
    assert number in mine["text"] and code not in mine["text"] and LAMP not in mine["text"]
    assert talk("催一下", "ben")["outcome"] == "needs_identity"
    assert "已有2人反映" in report(talk, SAME, "cleo")["text"]


def test_file_anyway_and_english(talk: Talk) -> None:
    report(talk, f"我要投诉{LAMP}", "anna")
    number = talk("确认", "anna")["case"]["case_id"]
    offer = report(talk, SAME, "ben")
    assert "跟进" in offer["text"]
    own = talk("仍然提交", "ben")
    assert own["outcome"] == "case_filed" and own["case"]["case_id"] != number


def test_not_offered(talk: Talk) -> None:
    """An anonymous case, one's own, one elsewhere, or another matter there is not offered."""
    report(talk, f"我要匿名投诉{LAMP}", "anna")
    assert talk("匿名提交", "anna")["outcome"] == "case_filed"
    assert "跟进这个工单" not in report(talk, SAME, "ben")["text"]
    assert talk("确认", "ben")["outcome"] == "case_filed"
    assert "跟进这个工单" not in str(report(talk, SAME, "ben")["buttons"])
    elsewhere = SAME.replace("民治大道牛栏前地铁站B口", "沙河西路蛇口邮局门口")
    assert "跟进这个工单" not in str(report(talk, elsewhere, "cleo")["buttons"])
    assert "跟进这个工单" not in str(report(talk, "民治大道牛栏前地铁站B口有人乱摆摊卖烧烤", "dora")["buttons"])


def test_finding_is_quick(assistant: Assistant) -> None:
    """A find among a few hundred cases takes no second; the texts of cases are read once."""
    draft = CaseDraft(LAMP, DemandType.COMPLAINT, location="民治大道")
    assert assistant.duplicates is not None
    with assistant.store.work() as work:
        case = filed(work, LAMP)
        found = assistant.duplicates.find(work.connection, work.cases, draft, assistant.clock() + timedelta(hours=1))
        assert [one.case.number for one in found] == [case.number]
