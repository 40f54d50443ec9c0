"""What agents do beside a call: joining the caller to a case of others, filing, and two agents at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from bot.cases.case import Case, CaseDraft, DemandType
from bot.cases.case_index import CaseIndex
from bot.cases.duplicate_finder import Found
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role, Status
from bot.cases.tables import case_vectors
from bot.cases.telling import Telling
from bot.desk.call_desk import CallDesk, ToldJoin
from bot.desk.joining import Known, Shown, Way
from bot.domain import read_domain
from bot.errors import JoinChanged, NotJoinable, UnknownCall, UnknownCase
from bot.messages import SenderId
from bot.phone.calls import CallRecord
from bot.phone.segment import Segment, Speaker
from bot.staff.accounts import Account
from bot.store import Store, Work
from knowledge.catalogue import read_catalogue
from knowledge.city import find_city
from tests.office import both_engines, store_at

__all__ = ["both_engines"]
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
CALL = "c-1"
LAMP = CaseDraft(
    "民治大道牛栏前地铁站B口的路灯坏了，我叫王小明", DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道",
    "龙华区", "民治街道",
)  # fmt: skip
TELLING = partial(Telling, read_domain(), read_catalogue(), find_city())
NEIGHBOUR = SenderId("neighbour")


def agent(login: str, role: Role = Role.AGENT) -> Account:
    """An invented member of the staff."""
    return Account(1, login, login, role, None, True, None, NOON)


WANG, LI, CHEF = agent("wang"), agent("li"), agent("chef", Role.SUPERVISOR)
SHOWN = Shown(2, 0.8, Way.FOLLOW)


def begun(store: Store, words: str = "民治大道的路灯坏了") -> CaseNumber:
    """A call whose caller said something, and the case of somebody else on the same."""
    with store.work() as work:
        work.calls.start(CallRecord(CALL, "key:gateway", "native", NOON))
        work.calls.add([Segment(CALL, "s1", 0, Speaker.CALLER, words, True)])
        return filed(work)


def filed(work: Work, anonymous: bool = False, sender: SenderId = NEIGHBOUR) -> CaseNumber:
    return work.cases.file(LAMP, sender, "zh", "13800138000", anonymous).number


def at_desk(store: Store, who: Account, do: Callable[[CallDesk], Any], now: datetime = NOON) -> Any:
    """One transaction of an agent."""
    with store.work() as work:
        return do(CallDesk(work, who, now, "127.0.0.1", TELLING))


def join(store: Store, leader: CaseNumber, who: Account = WANG, shown: Shown = SHOWN) -> ToldJoin:
    told: ToldJoin = at_desk(store, who, lambda desk: desk.join(CALL, leader, shown))
    return told


def own(store: Store, who: Account = WANG) -> Case:
    """A case filed for the caller."""
    case: Case = at_desk(store, who, lambda desk: desk.file(CALL, LAMP, None, False, "f1"))
    return case


def read(store: Store, look: Callable[[Work], Any]) -> Any:
    with store.work() as work:
        return look(work)


def joins(work: Work) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """What the audit log tells of joining."""
    return [(one.login, one.number, one.fields) for one in work.audit.page(action="case_joined")]


@pytest.mark.parametrize(
    ("words", "language", "said"),
    [
        ("民治大道的路灯坏了", "zh", "登记加入"),
        ("the street light on Minzhi Avenue is broken", "en", "added you to it"),
    ],
)
def test_a_caller_is_joined_once_and_told_in_speakable_words(words: str, language: str, said: str) -> None:
    store = store_at(NOON)
    leader = begun(store, words)
    first, again = join(store, leader), join(store, leader, LI)
    assert first == again and (first.way, first.language) == (Way.FOLLOW, language)
    assert said in first.words and not re.search(r"[\d*#/_{}]", first.words)
    assert LAMP.description not in first.words and "王小明" not in first.words
    with store.work() as work:
        assert work.followers.reported(leader) == 2
        assert joins(work) == [("wang", leader, (f"call:{CALL}", "follow"))]
        (line,) = work.suggestions.by_agent(NOON - timedelta(days=1))
        assert (line.name, line.accepted) == ("wang", 1)


def test_the_case_filed_in_the_call_is_merged_and_the_way_is_what_was_shown() -> None:
    store = store_at(NOON)
    leader = begun(store)
    mine = own(store, LI)
    with pytest.raises(JoinChanged):
        join(store, leader)
    assert read(store, lambda work: (work.cases.by_number(mine.number).status, joins(work))) == (Status.SUBMITTED, [])
    with pytest.raises(NotJoinable):
        join(store, leader, CHEF, Shown())
    told = [join(store, leader, who, replace(SHOWN, way=Way.MERGE)) for who in (WANG, LI)]
    assert [one.way for one in told] == [Way.MERGE] * 2 and told[0] == told[1]
    merged = read(store, lambda work: work.cases.by_number(mine.number))
    assert (merged.status, merged.handling.merged_into) == (Status.MERGED, leader)
    assert read(store, lambda work: len(joins(work))) == 1


def test_what_was_followed_is_merged_after_filing() -> None:
    store = store_at(NOON)
    leader = begun(store)
    assert join(store, leader).way is Way.FOLLOW
    own(store)
    assert join(store, leader, shown=Shown()).way is Way.MERGE
    assert read(store, lambda work: work.followers.reported(leader)) == 2


def test_whom_nobody_is_joined_to() -> None:
    store = store_at(NOON)
    begun(store)
    mine = own(store).number
    with store.work() as work:
        unnamed, ended = filed(work, anonymous=True), filed(work)
        work.cases.move(ended, Move.WITHDRAW)
    for number in (unnamed, ended, mine):
        with pytest.raises(NotJoinable):
            join(store, number, shown=Shown())
    with pytest.raises(UnknownCase):
        join(store, CaseNumber("SZ261120-000999-9"))
    with pytest.raises(UnknownCall):
        at_desk(store, WANG, lambda desk: desk.join("c-2", unnamed))
    assert read(store, joins) == []


def test_known_cases_say_why_and_how_the_caller_is_joined() -> None:
    store = store_at(NOON)
    leader = begun(store)

    def known(who: Account = WANG) -> list[tuple[CaseNumber, Way | None, bool]]:
        def find(work: Work, draft: CaseDraft) -> list[Found]:
            return [Found(case, 0.9, {"placed": 1.0}) for case in work.cases.of_sender(NEIGHBOUR)]

        found: tuple[Known, ...] = at_desk(store, who, lambda desk: desk.known(CALL, LAMP, find))
        assert {"same_item", "same_place"} <= {str(one) for one in found[0].candidate.reasons}
        return [(one.case.number, one.way, one.joined) for one in found]

    assert known() == [(leader, Way.FOLLOW, False)]
    join(store, leader)
    assert known() == [(leader, None, True)]
    own(store)
    assert known() == [(leader, Way.MERGE, False)] and known(CHEF) == [(leader, None, True)]
    join(store, leader, shown=Shown())
    assert known() == [(leader, None, True)]
    with pytest.raises(UnknownCall):
        at_desk(store, WANG, lambda desk: desk.known("c-2", LAMP, lambda work, draft: []))


def test_two_agents_at_once_join_once(both_engines: Engine) -> None:
    store = Store(both_engines, "SZ", lambda: NOON)
    leader = begun(store)
    start = threading.Barrier(2)

    def one(who: Account) -> ToldJoin:
        start.wait()
        return join(store, leader, who)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, (WANG, LI))
    assert first == second
    with store.work() as work:
        assert len(joins(work)) == 1 and work.followers.reported(leader) == 2
        assert [event.kind for event in work.cases.by_number(leader).timeline].count("followed") == 1


def test_one_files_while_another_joins_and_nothing_is_lost(both_engines: Engine) -> None:
    store = Store(both_engines, "SZ", lambda: NOON)
    leader = begun(store)
    start = threading.Barrier(2)

    def files() -> CaseNumber:
        start.wait()
        return own(store).number

    def joins_it() -> Way | None:
        start.wait()
        try:
            return join(store, leader, LI).way
        except JoinChanged:
            return None

    with ThreadPoolExecutor(2) as pool:
        number, way = pool.submit(files), pool.submit(joins_it)
        mine, done = number.result(), way.result()
    with store.work() as work:
        assert work.cases.by_number(mine).status is Status.SUBMITTED
        assert work.followers.reported(leader) == (2 if done is Way.FOLLOW else 1)


def test_a_search_that_only_reads_knows_a_new_case_and_stores_its_vector_later(both_engines: Engine) -> None:
    encoded: list[str] = []

    def encode(text: str) -> NDArray[np.float32]:
        encoded.append(text)
        return np.asarray([1.0, 0.0, 0.0, 0.0], dtype=np.float32)

    store, index = Store(both_engines, "SZ", lambda: NOON), CaseIndex("tiny", 4, encode)
    with store.work() as work:
        index.load(work.connection)
        number = filed(work)
    with store.read() as work:
        near = index.search(work.connection, np.asarray([1.0, 0.0, 0.0, 0.0], dtype=np.float32), 5)
    assert [one.number for one in near] == [number]
    stored = select(case_vectors.c.number)
    with store.work() as work:
        assert work.connection.execute(stored).scalars().all() == []
        index.refresh(work.connection)
        assert work.connection.execute(stored).scalars().all() == [number]
    assert encoded == [LAMP.description]
