"""Dispatching: the line that matched, the runner-up, who decides, and what it asks for when a place is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.cases.analysis import Demand
from bot.cases.auto_dispatch import dispatch_waiting
from bot.cases.belief import Belief, read_belief
from bot.cases.case import CaseDraft, DemandType
from bot.cases.dispatch import Decided, Dispatcher, Source, dispatch_case
from bot.cases.duty import Matter, duty_of
from bot.cases.examples import Example, Examples
from bot.cases.states import Status
from bot.cases.units import Place
from bot.labelled_demands import Labelled, record_of
from bot.messages import SenderId
from bot.store import Store
from bot.train_dispatch import floor_of
from knowledge.city import catalogue_of, find_city
from tests.office import store_at

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LAMP = Demand(
    "路灯坏了一周", DemandType.HELP, "市政设施", "H08", "UMB", "南山区", "粤海街道", "科技园", None, "normal", 0.9,
    "H10", ("路灯",), "公用部件",
)  # fmt: skip
BY_HAND = Belief(
    "2026-11-27", 0, 0.8, {}, (), (),
    {"always": -1.0, "by item": 2.0, "by second": 1.0, "by first": 0.5, "by runner_up": 0.3, "read surely": 1.0,
     "ruling for": 6.0, "ruling against": -3.0, "not by item": -1.5},
)  # fmt: skip


def letters(texts: Sequence[str]) -> NDArray[np.float32]:
    """The smallest encoder there is: which characters a text has."""
    rows = np.zeros((len(texts), 4096), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        row[[ord(char) % 4096 for char in text]] = 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def dispatcher() -> Dispatcher:
    city = find_city()
    return Dispatcher(duty_of(city), catalogue_of(city), lambda text: (replace(LAMP, text=text),), BY_HAND)


@pytest.fixture
def store() -> Store:
    return store_at(NOON)


def test_a_suggestion_says_its_line_and_the_runner_up(dispatcher: Dispatcher) -> None:
    told = dispatcher.suggest(LAMP)
    assert (told.unit, told.lead, told.source) == ("UMB_D:南山区", "UMB_D", Source.ITEM)
    assert told.line is not None and told.line.id == "H08"
    assert told.assisting == ("POWER_CO",)
    assert told.fallback == "STREET:南山区/粤海街道"
    assert told.runner_up is not None and told.runner_up.unit == "TB_D:南山区"
    assert told.runner_up.line is not None and told.runner_up.confidence < told.confidence
    assert (told.why.words, told.why.item, told.why.place) == (("路灯",), "H08", Place("南山区", "粤海街道"))
    assert told.decided is Decided.AUTO and told.version == dispatcher.duty.version


def test_a_missing_place_is_asked_for_and_a_dispatcher_decides(dispatcher: Dispatcher) -> None:
    nowhere = replace(LAMP, district=None, subdistrict=None, place=None)
    told = dispatcher.suggest(nowhere)
    assert (told.lead, told.unit, told.needs, told.decided) == ("UMB_D", None, ("district",), Decided.DISPATCHER)
    assert told.fallback == "HOTLINE"
    citywide = dispatcher.suggest(
        replace(nowhere, service_item=None, runner_up=None, subcategory="核安全", category=None)
    )
    assert (citywide.unit, citywide.needs) == ("EEB", ())
    street = dispatcher.suggest(
        replace(nowhere, service_item=None, runner_up=None, subcategory="社区建设", category=None)
    )
    assert street.needs == ("district", "subdistrict")
    inferred = dispatcher.suggest(replace(nowhere, subdistrict="粤海街道"))
    assert inferred.unit == "UMB_D:南山区"


def test_below_the_floor_a_dispatcher_decides(dispatcher: Dispatcher) -> None:
    unsure = replace(LAMP, service_item=None, runner_up=None, subcategory=None, category="社区管理", confidence=0.4)
    told = dispatcher.suggest(unsure)
    assert (told.unit, told.source, told.decided) == ("STREET:南山区/粤海街道", Source.FIRST, Decided.DISPATCHER)
    nothing = dispatcher.suggest(replace(unsure, category=None))
    assert (nothing.unit, nothing.line, nothing.confidence) == ("STREET:南山区/粤海街道", None, 0.0)
    assert (nothing.source, nothing.decided) == (Source.FALLBACK, Decided.DISPATCHER)


def test_place_and_words_narrow_what_won(dispatcher: Dispatcher) -> None:
    told = dispatcher.suggest(replace(LAMP, text="前海梦海大道的路灯坏了"))
    assert (told.unit, told.line and told.line.id) == ("QIANHAI", "H08-Q")
    assert told.why.item == "H08"


def test_a_place_corrected_to_another_district_takes_no_subdistrict_of_the_words(dispatcher: Dispatcher) -> None:
    moved = CaseDraft("粤海街道的路灯坏了", DemandType.HELP, "市政设施", "H08", "UMB", "景田北街", "福田区")
    assert dispatcher.of_draft(moved).why.place == Place("福田区")
    assert dispatcher.of_draft(replace(moved, district="南山区")).why.place == Place("南山区", "粤海街道")


def test_examples_speak_in_their_area_only(dispatcher: Dispatcher) -> None:
    examples = Examples([Example(7, "路灯坏了一周。", "TB_D", Place("南山区"))], letters)
    taught = dispatcher.taught((), examples)
    told = taught.suggest(LAMP)
    assert (told.unit, told.why.rulings) == ("TB_D:南山区", (7,))
    assert taught.suggest(replace(LAMP, district="宝安区", subdistrict=None)).unit == "UMB_D:宝安区"
    assert taught.suggest(replace(LAMP, text="工地半夜打桩睡不着觉")).why.rulings == ()


def test_rules_of_rulings_lie_over_the_list(dispatcher: Dispatcher) -> None:
    line = dispatcher.duty.by_id("H08")
    assert line is not None
    rule = replace(line, id="R3", district="南山区", lead="TB_D", assisting=(), basis="ruling", ruling=3)
    taught = dispatcher.taught((rule,), dispatcher.examples)
    told = taught.suggest(LAMP)
    assert (told.unit, told.line) == ("TB_D:南山区", rule)
    assert told.version.startswith(f"{dispatcher.duty.version}+1r") and len(told.version) <= 40
    assert taught.suggest(replace(LAMP, district="宝安区", subdistrict=None)).unit == "UMB_D:宝安区"


def test_a_city_without_a_list_leaves_all_to_dispatchers() -> None:
    city = find_city("shanghai")
    told = Dispatcher(duty_of(city), catalogue_of(city), lambda text: (LAMP,), BY_HAND).suggest(LAMP)
    assert (told.unit, told.source, told.decided, told.version) == (None, Source.FALLBACK, Decided.DISPATCHER, "none")
    assert duty_of(city).units.known("市容局")


def test_a_sure_case_is_accepted_and_dispatched(dispatcher: Dispatcher, store: Store) -> None:
    draft = CaseDraft("路灯坏了", DemandType.HELP, "市政设施", "H08", "UMB", "科技园", "南山区", "粤海街道")
    with store.work() as work:
        number = work.cases.file(draft, SenderId("a"), "zh", None, False).number
        case, told = dispatch_case(work, dispatcher, number)
    assert (case.status, case.handling.unit) == (Status.DISPATCHED, "UMB_D:南山区")
    assert (case.handling.duty_line, case.handling.duty_version) == ("H08", dispatcher.duty.version)
    assert case.handling.confidence == told.confidence
    assert [(event.kind, event.actor) for event in case.timeline[1:]] == [
        ("accepted", "system"),
        ("dispatched", "system"),
    ]


def test_waiting_cases_are_tried_once(dispatcher: Dispatcher, store: Store) -> None:
    sure = CaseDraft("路灯坏了", DemandType.HELP, "市政设施", "H08", "UMB", "科技园", "南山区", "粤海街道")
    unsure = replace(sure, district=None, subdistrict=None)
    nowhere = Dispatcher(
        dispatcher.duty, catalogue_of(find_city()),
        lambda text: (replace(LAMP, text=text, district=None, subdistrict=None),), BY_HAND,
    )  # fmt: skip
    with store.work() as work:
        numbers = [work.cases.file(draft, SenderId("a"), "zh", None, False).number for draft in (sure, unsure)]
    assert dispatch_waiting(store, nowhere) == {Decided.AUTO: 1, Decided.DISPATCHER: 1}
    assert dispatch_waiting(store, nowhere) == {}
    with store.work() as work:
        states = [work.cases.by_number(number).status for number in numbers]
    assert states == [Status.DISPATCHED, Status.SUBMITTED]


def test_what_was_learnt_is_calibrated() -> None:
    """The shipped belief: held-out reliability lies near the diagonal, the floor keeps what it promises."""
    belief = read_belief()
    assert belief.lines > 2000
    assert all(abs(told - true) < 12 for told, true in belief.reliability)
    assert belief.figures["right among sent"] >= 92
    assert belief.curve[0][1] >= belief.curve[-1][1]


def test_the_floor_is_where_the_wanted_share_is_still_right() -> None:
    line = Labelled("a", "路灯", "zh", "help", Matter("H08"), Place())
    right, wrong = ("UMB_D", None), ("TB_D", None)
    records = [record_of(line, right, right, 1 - n / 1000) for n in range(100)]
    records += [record_of(line, right, wrong, 0.5) for _ in range(100)]
    assert floor_of(records, 0.93) == pytest.approx(0.5, abs=0.5)
    assert floor_of(records, 0.93) <= 0.901
    assert floor_of([record_of(line, right, wrong, 0.9)] * 100) == 1.0
