"""Rulings: proposed by a returned case, masked, decided by a supervisor, undoable, conflicts told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.cases.case import SYSTEM, Actor, CaseDraft, DemandType, Facts
from bot.cases.dispatch import Dispatcher
from bot.cases.duty import DutyList, duty_of
from bot.cases.number import CaseNumber
from bot.cases.ruling import Conflict, Ruling, RulingState, Scope, conflicts, rules_of
from bot.cases.states import Move, Role
from bot.cases.taught import TaughtDispatcher
from bot.cases.units import Place
from bot.errors import NotAllowed, RulingDecided, UnknownRuling
from bot.messages import SenderId
from bot.store import Store, Work
from knowledge.city import catalogue_of, find_city
from tests.office import store_at
from tests.test_dispatch import BY_HAND, LAMP, letters

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
DRAFT = CaseDraft(
    "我叫王小明，电话13800138000，路灯坏了一周", DemandType.HELP, "市政设施", "H08", "UMB", "科技园", "南山区",
    "粤海街道", subcategory="公用部件",
)  # fmt: skip
DESK, CHIEF = Actor(Role.DISPATCHER, "d1"), Actor(Role.SUPERVISOR, "s1")


@pytest.fixture
def store() -> Store:
    return store_at(NOON)


@pytest.fixture
def duty() -> DutyList:
    return duty_of(find_city())


def sent(work: Work, draft: CaseDraft = DRAFT, unit: str = "UMB_D:南山区", line: str = "H08") -> CaseNumber:
    """A case dispatched to a unit."""
    number = work.cases.file(draft, SenderId("a"), "zh", None, False).number
    work.cases.move(number, Move.ACCEPT, SYSTEM)
    work.cases.move(number, Move.DISPATCH, SYSTEM, Facts(unit=unit, duty_line=line, duty_version="v1"))
    return number


def corrected(work: Work, to: str, draft: CaseDraft = DRAFT, by: Actor = DESK) -> CaseNumber:
    """A case that came back and went to another unit."""
    number = sent(work, draft)
    returned = Facts(reason="灯杆属交通运输局，请联系13900000000")
    work.cases.move(number, Move.RETURN, Actor(Role.UNIT, "u", "UMB_D:南山区"), returned)
    work.cases.move(number, Move.DISPATCH, by, Facts(unit=to))
    return number


def only(work: Work) -> Ruling:
    (one,) = work.rulings.listed()
    return one


def test_a_correction_proposes_a_masked_ruling(store: Store) -> None:
    with store.work() as work:
        number = corrected(work, "TB_D:南山区")
    with store.work() as work:
        one = only(work)
    assert (one.number, one.from_unit, one.to_unit, one.duty_line) == (number, "UMB_D:南山区", "TB_D:南山区", "H08")
    assert (one.state, one.by, one.as_rule, one.place) == (
        RulingState.PROPOSED,
        "d1",
        False,
        Place("南山区", "粤海街道"),
    )
    for secret in ("13800138000", "王小明", "13900000000"):
        assert secret not in one.text + one.reason
    assert "路灯坏了一周" in one.text


def test_nothing_is_proposed_where_nobody_ruled(store: Store) -> None:
    with store.work() as work:
        sent(work)
        corrected(work, "UMB_D:南山区")
        corrected(work, "TB_D:南山区", by=SYSTEM)
        assert work.rulings.listed() == ()
        number = corrected(work, "TB_D:南山区")
        work.cases.move(number, Move.RETURN, Actor(Role.UNIT, "u", "TB_D:南山区"), Facts(reason="不是"))
        work.cases.move(number, Move.DISPATCH, DESK, Facts(unit="STREET:南山区/粤海街道"))
        assert [(one.from_unit, one.to_unit) for one in work.rulings.listed()] == [
            ("TB_D:南山区", "STREET:南山区/粤海街道"),
            ("UMB_D:南山区", "TB_D:南山区"),
        ]


def test_only_a_supervisor_decides_and_all_can_be_undone(store: Store) -> None:
    with store.work() as work:
        corrected(work, "TB_D:南山区")
        key = only(work).id
        before = work.rulings.mark()
        with pytest.raises(NotAllowed):
            work.rulings.approve(key, DESK)
        with pytest.raises(UnknownRuling):
            work.rulings.approve(999, CHIEF)
        approved = work.rulings.approve(key, CHIEF, as_rule=True, scope=Scope.CITY)
        assert (approved.state, approved.as_rule, approved.place) == (RulingState.APPROVED, True, Place())
        assert (approved.decided_by, approved.decided_at) == ("s1", NOON)
        assert work.rulings.mark() != before
        with pytest.raises(RulingDecided):
            work.rulings.approve(key, CHIEF)
        undone = work.rulings.undo(key, CHIEF)
        assert (undone.state, undone.as_rule, undone.place) == (
            RulingState.PROPOSED,
            False,
            Place("南山区", "粤海街道"),
        )
        assert work.rulings.reject(key, CHIEF).state is RulingState.REJECTED
        assert work.rulings.approved() == ()


def test_an_approved_ruling_teaches_the_dispatcher(store: Store, duty: DutyList) -> None:
    plain = Dispatcher(duty, catalogue_of(find_city()), lambda text: (replace(LAMP, text=text),), BY_HAND)
    taught = TaughtDispatcher(plain, letters)
    elsewhere = replace(LAMP, district="宝安区", subdistrict=None)
    with store.work() as work:
        corrected(work, "TB_D:南山区")
        key = only(work).id
        assert taught.now(work).suggest(LAMP).unit == "UMB_D:南山区"
        work.rulings.approve(key, CHIEF, as_rule=True)
    with store.work() as work:
        now = taught.now(work)
        assert taught.now(work) is now
        told = now.suggest(LAMP)
        assert told.unit == "TB_D:南山区" and told.line is not None
        assert (told.line.id, told.line.ruling, told.line.words) == (f"R{key}", key, None)
        assert now.suggest(elsewhere).unit == "UMB_D:宝安区"
    with store.work() as work:
        work.rulings.reject(key, CHIEF)
        assert taught.now(work).suggest(LAMP).unit == "UMB_D:南山区"


def test_a_rule_keeps_the_words_of_the_line_it_corrects(store: Store, duty: DutyList) -> None:
    with store.work() as work:
        draft = replace(DRAFT, service_item="H15", subcategory=None)
        number = sent(work, draft, "GAS_CO", "H15-G")
        work.cases.move(number, Move.RETURN, Actor(Role.UNIT, "u", "GAS_CO"), Facts(reason="户内管线归住建"))
        work.cases.move(number, Move.DISPATCH, DESK, Facts(unit="HCB_D:南山区"))
        rule = work.rulings.approve(only(work).id, CHIEF, as_rule=True).rule(duty)
    line = duty.by_id("H15-G")
    assert line is not None and (rule.item, rule.words, rule.district) == ("H15", line.words, "南山区")


def test_conflicts_are_told(store: Store, duty: DutyList) -> None:
    with store.work() as work:
        corrected(work, "TB_D:南山区")
        corrected(work, "STREET:南山区/粤海街道")
        second, first = work.rulings.listed()
        support = work.rulings.support(first)
        assert (support.agreeing, support.kept, [one.id for one in support.opposing]) == (1, 0, [second.id])
        (against,) = conflicts(first, support.opposing, duty)
        assert (against.conflict, against.other, against.unit) == (
            Conflict.OTHER_RULING, f"R{second.id}", "STREET:南山区/粤海街道",
        )  # fmt: skip
        kept = sent(work)
        work.cases.move(kept, Move.SIGN, Actor(Role.UNIT, "u", "UMB_D:南山区"))
        assert work.rulings.support(first).kept == 1


def test_a_rule_against_a_newer_list_is_told(store: Store, duty: DutyList) -> None:
    with store.work() as work:
        corrected(work, "TB_D:南山区")
        one = work.rulings.approve(only(work).id, CHIEF, as_rule=True)
    assert conflicts(one, (), duty) == ()
    line = duty.by_id("H08")
    assert line is not None
    moved = replace(duty, lines=tuple(replace(each, lead="POWER_CO") if each is line else each for each in duty.lines))
    assert [each.conflict for each in conflicts(one, (), moved)] == [Conflict.LIST_CHANGED]
    newer = replace(line, id="H08-N", district="南山区", lead="POWER_CO")
    assert [(each.conflict, each.other) for each in conflicts(one, (), replace(duty, lines=(*duty.lines, newer)))] == [
        (Conflict.SHADOWS_LINE, "H08-N")
    ]
    same = replace(newer, lead="TB_D")
    assert [each.conflict for each in conflicts(one, (), replace(duty, lines=(*duty.lines, same)))] == [
        Conflict.LIST_SAYS_SO
    ]


def test_of_two_rules_of_one_scope_the_later_stands(store: Store, duty: DutyList) -> None:
    with store.work() as work:
        corrected(work, "TB_D:南山区")
        corrected(work, "STREET:南山区/粤海街道")
        for one in work.rulings.listed():
            work.rulings.approve(one.id, CHIEF, as_rule=True)
        (rule,) = rules_of(work.rulings.approved(), duty)
    assert rule.lead == "STREET"
