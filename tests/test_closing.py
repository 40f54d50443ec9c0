"""What a citizen sees of a case, hastening by rule, ratings and what follows, merged cases, notices told once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from bot.cases.case import CITIZEN, Actor, Case, Facts
from bot.cases.closing import AXES, Rating
from bot.cases.hastening import Effect
from bot.cases.notices import CALLED_BACK
from bot.cases.number import CaseNumber
from bot.cases.progress import Due, Holder, Progress, Stage
from bot.cases.states import Move, Role, Status
from bot.cases.tables import ratings
from bot.cases.telling import Telling
from bot.domain import read_domain
from bot.errors import HastenRefused, IllegalTransition, MissingForMove
from bot.messages import SenderId
from bot.nlu.ratings import SaidRating, read_rating, wants_to_rate
from bot.store import Store
from knowledge.catalogue import read_catalogue
from knowledge.city import find_city
from tests.office import DRAFT, MONDAY, Cabinet

UNIT = Actor(Role.UNIT, "u1", "UMB_D:南山区")
DESK = Actor(Role.DISPATCHER, "d1")
A, B = SenderId("a"), SenderId("b")
Step = tuple[Move, Actor, Facts]
ACCEPT: Step = (Move.ACCEPT, DESK, Facts())
DISPATCH: Step = (Move.DISPATCH, DESK, Facts(unit=UNIT.unit))
SIGN: Step = (Move.SIGN, UNIT, Facts())
REPLY: Step = (Move.REPLY, UNIT, Facts(reply="已更换灯泡"))
REVIEW: Step = (Move.REVIEW, DESK, Facts())
TO_REVIEW = (ACCEPT, DISPATCH, SIGN, REPLY, REVIEW)
GOOD, BAD = Rating(dict.fromkeys(AXES, 5), True), Rating({}, False, "灯还是不亮")


@dataclass
class Office(Cabinet):
    """A store whose clock the test moves on."""

    def hasten(self, number: CaseNumber) -> Case:
        return self.do(number, (Move.HASTEN, CITIZEN, Facts()))

    def merge(self, number: CaseNumber, leader: CaseNumber) -> Case:
        return self.do(number, (Move.MERGE, DESK, Facts(leader=leader)))

    def rate(self, number: CaseNumber, rating: Rating) -> Case:
        with self.store.work() as work:
            return work.closing.rate(number, rating, self.now)

    def progress(self, number: CaseNumber) -> Progress:
        with self.store.work() as work:
            return work.closing.progress(work.cases.by_number(number), self.now)

    def notices(self, sender: SenderId = A) -> list[tuple[str, CaseNumber]]:
        """What a sender is told now, and told of."""
        with self.store.work() as work:
            pending = work.notices.pending(sender, self.now)
            return [(one.event.kind, one.case.number) for one in pending if work.notices.told(one, self.now)]


@pytest.fixture
def office(both_engines: Engine) -> Office:
    moments = [MONDAY]
    return Office(Store(both_engines, "SZ", lambda: moments[-1]), moments)


def kinds(case: Case) -> list[str]:
    return [event.kind for event in case.timeline]


def test_the_track_of_a_case(office: Office) -> None:
    number = office.file()
    progress = office.progress(number)
    assert (progress.holder, progress.due, progress.left) == (Holder.CENTRE, Due.DAYS, 5)
    assert [station.stage for station in progress.stations if station.current] == [Stage.FILED]
    office.moments.append(MONDAY + timedelta(hours=2))
    office.do(number, ACCEPT, DISPATCH, SIGN, (Move.NOTE, DESK, Facts(note="内部备注")))
    progress = office.progress(number)
    assert (progress.holder, progress.unit) == (Holder.UNIT, UNIT.unit)
    assert [bool(station.at) for station in progress.stations] == [True, True, True, False, False, False]
    assert "noted" not in [seen.event.kind for seen in progress.events]
    office.do(number, (Move.SUSPEND, UNIT, Facts(reason="内部", note="请补充灯杆编号")))
    progress = office.progress(number)
    assert (progress.due, progress.events[-1].note) == (Due.PAUSED, "请补充灯杆编号")
    office.do(number, (Move.RESUME, CITIZEN, Facts()), REPLY)
    progress = office.progress(number)
    assert (progress.due, progress.rateable, progress.events[-1].note) == (Due.DONE, True, "已更换灯泡")
    office.rate(number, BAD)
    progress = office.progress(number)
    assert [station.stage for station in progress.stations if station.at] == [
        Stage.FILED, Stage.ACCEPTED, Stage.DISPATCHED,
    ]  # fmt: skip
    assert progress.holder is Holder.UNIT


def test_nothing_of_the_inside_is_told(office: Office) -> None:
    """No reason, login, contact or internal note in any line, in either language."""
    number = office.file()
    office.do(
        number,
        ACCEPT,
        (Move.DISPATCH, DESK, Facts(unit=UNIT.unit, note="内部派单说明", reason="内部理由")),
        (Move.RETURN, UNIT, Facts(reason="内部理由", note="内部退单说明")),
        DISPATCH,
        SIGN,
        (Move.SUPERVISE, Actor(Role.SUPERVISOR, "s1"), Facts(reason="内部理由", note="内部批示")),
        (Move.NOTE, DESK, Facts(note="内部备注")),
        (Move.REPLY, UNIT, Facts(reply="已更换灯泡", reason="内部理由")),
        (Move.SEND_BACK, DESK, Facts(reason="内部理由")),
    )
    progress = office.progress(number)
    for language in ("zh", "en"):
        telling = Telling(read_domain(), read_catalogue(), find_city(), language)
        told = "\n".join(telling.line(seen) for seen in progress.events)
        assert not any(word in told for word in ("内部", "d1", "u1", "s1", "13800138000"))
        assert ("南山区" if language == "zh" else "Nanshan") in told


def test_due_in_words_of_days_hours_and_late(office: Office) -> None:
    number = office.file()
    urgent = office.file(draft=replace(DRAFT, urgency="urgent"))
    office.moments.append(MONDAY + timedelta(hours=3))
    assert (office.progress(urgent).due, office.progress(urgent).left) == (Due.HOURS, 21)
    office.moments.append(office.case(number).expected_at - timedelta(hours=1))
    assert office.progress(number).due is Due.TODAY
    office.moments.append(office.case(number).expected_at + timedelta(days=1))
    assert (office.progress(number).due, office.progress(number).left) == (Due.OVERDUE, 1)


def test_hastening_by_rule(office: Office) -> None:
    number = office.file()
    assert office.progress(number).hasten is Effect.DESK
    office.do(number, ACCEPT, DISPATCH, SIGN)
    assert office.progress(number).hasten is Effect.UNIT
    office.hasten(number)
    with pytest.raises(HastenRefused) as refused:
        office.hasten(number)
    assert refused.value.why is Effect.TODAY
    office.moments.append(MONDAY + timedelta(days=1))
    assert kinds(office.hasten(number))[-1] == "hastened"
    office.moments.append(office.case(number).expected_at + timedelta(days=1))
    assert office.progress(number).hasten is Effect.SUPERVISION
    late = office.hasten(number)
    assert kinds(late)[-2:] == ["hastened", "supervision_asked"]
    assert late.timeline[-1].actor == Role.SYSTEM
    office.moments.append(office.now + timedelta(days=1))
    office.do(number, (Move.SUSPEND, UNIT, Facts(reason="等待")))
    assert office.progress(number).hasten is Effect.WAITING
    office.do(number, (Move.RESUME, CITIZEN, Facts()), REPLY)
    for effect in (Effect.ANSWERED, Effect.ENDED):
        with pytest.raises(HastenRefused) as refused:
            office.hasten(number)
        assert refused.value.why is effect
        if effect is Effect.ANSWERED:
            office.rate(number, GOOD)


def test_a_rating_closes_or_sends_back(office: Office) -> None:
    number = office.file()
    with pytest.raises(IllegalTransition):
        office.rate(number, GOOD)
    office.do(number, *TO_REVIEW)
    with pytest.raises(MissingForMove):
        office.rate(number, Rating())
    for nothing_said in (None, "", "  "):
        with pytest.raises(MissingForMove):
            office.rate(number, Rating({"effect": 1}, None, nothing_said))
    once = office.rate(number, BAD)
    assert (once.status, once.handling.redos, once.timeline[-1].reason) == (Status.REDO, 1, "灯还是不亮")
    office.do(number, SIGN, REPLY, REVIEW)
    twice = office.rate(number, BAD)
    assert (twice.handling.redos, twice.handling.supervision, kinds(twice)[-1]) == (2, 1, "supervised")
    office.do(number, SIGN, REPLY)
    assert office.rate(number, GOOD).status is Status.CLOSED
    with pytest.raises(IllegalTransition):
        office.rate(number, GOOD)
    with office.store.read() as work:
        own = select(ratings).where(ratings.c.number == number).order_by(ratings.c.round)
        kept = work.connection.execute(own).all()
    assert [one.round for one in kept] == [0, 1, 2]
    assert (kept[-1].speed, kept[-1].satisfied) == (5, True)


def test_an_answer_after_reopening_is_rated_anew(office: Office) -> None:
    number = office.file()
    office.do(number, *TO_REVIEW)
    office.rate(number, GOOD)
    office.do(number, (Move.REOPEN, CITIZEN, Facts("又灭了")), *TO_REVIEW)
    assert office.rate(number, BAD).status is Status.REDO


def test_the_citizen_of_a_merged_case_sees_the_lead_and_rates_for_oneself(office: Office) -> None:
    leader, number = office.file(A), office.file(B)
    office.do(leader, ACCEPT)
    office.do(leader, (Move.SUPPLEMENT, CITIZEN, Facts("我是张三，住民治大道1号")))
    office.merge(number, leader)
    office.do(leader, DISPATCH, SIGN)
    progress = office.progress(number)
    assert (progress.holder, progress.unit, progress.hasten) == (Holder.UNIT, UNIT.unit, Effect.UNIT)
    seen = [one.event.kind for one in progress.events]
    assert {"filed", "merged", "dispatched", "signed"} <= set(seen)
    assert "supplemented" not in seen
    office.hasten(number)
    office.do(number, (Move.SUPPLEMENT, CITIZEN, Facts("还有一盏也灭了")))
    leading = office.case(leader)
    assert kinds(leading)[-2:] == ["follower_hastened", "follower_supplemented"]
    assert leading.timeline[-1].note == "还有一盏也灭了"
    assert "还有一盏也灭了" not in str(office.progress(leader).events)
    assert office.progress(leader).hasten is Effect.UNIT, "the other citizen may still hasten"
    office.do(leader, REPLY, REVIEW)
    assert office.notices(A) == [(CALLED_BACK, leader)]
    assert office.notices(B) == [(CALLED_BACK, number)]
    office.rate(leader, GOOD)
    assert office.progress(number).rateable
    assert office.rate(number, GOOD).status is Status.MERGED
    assert not office.progress(number).rateable
    with pytest.raises(IllegalTransition):
        office.rate(number, BAD)


def test_a_merged_citizen_who_is_not_satisfied(office: Office) -> None:
    leader, number = office.file(A), office.file(B)
    office.do(leader, ACCEPT)
    office.merge(number, leader)
    office.do(leader, DISPATCH, SIGN, REPLY, REVIEW)
    office.rate(number, BAD)
    assert office.case(leader).status is Status.REDO
    telling = Telling(read_domain(), read_catalogue(), find_city(), "zh")
    assert "另一位市民" in telling.line(office.progress(leader).events[-1])
    assert "灯还是不亮" not in telling.line(office.progress(leader).events[-1])
    office.do(leader, SIGN, REPLY, REVIEW)
    office.rate(leader, GOOD)
    office.moments.append(office.case(number).expected_at + timedelta(days=9))
    alone = office.rate(number, BAD)
    assert (alone.status, alone.handling.merged_into) == (Status.SUBMITTED, None)
    assert alone.expected_at > office.now
    assert office.case(leader).status is Status.CLOSED


def test_notices_are_told_once_and_only_while_they_hold(office: Office) -> None:
    number = office.file()
    assert office.notices() == []
    office.do(number, ACCEPT, DISPATCH, SIGN, (Move.EXTEND, DESK, Facts(reason="内部", note="需要开挖许可")))
    assert office.notices(B) == []
    assert office.notices() == [("extended", number)]
    assert office.notices() == []
    office.do(number, REPLY, REVIEW)
    office.rate(number, BAD)
    assert office.notices() == [], "answered before it was asked"
    office.do(number, SIGN, REPLY, REVIEW)
    assert office.notices() == [(CALLED_BACK, number)]
    office.moments.append(office.now + timedelta(days=31))
    assert office.notices() == []


def test_satisfaction_by_unit_keeps_apart_what_is_not_asked(office: Office) -> None:
    leader, beside, other, gone, refused = (office.file() for _ in range(5))
    office.do(leader, ACCEPT)
    office.merge(beside, leader)
    office.do(leader, DISPATCH, SIGN, REPLY, REVIEW)
    office.rate(leader, Rating({"speed": 5, "effect": 4}, True))
    office.rate(beside, Rating({"speed": 1}, False, "没修好"))
    elsewhere = Actor(Role.UNIT, "u2", "WA_D:福田区")
    office.do(other, ACCEPT, (Move.DISPATCH, DESK, Facts(unit=elsewhere.unit)))
    office.do(other, (Move.SIGN, elsewhere, Facts()), (Move.REPLY, elsewhere, Facts(reply="已修")))
    office.rate(other, GOOD)
    office.do(gone, (Move.WITHDRAW, CITIZEN, Facts()))
    office.do(refused, (Move.REJECT, DESK, Facts(reason="诉讼中")))
    with office.store.work() as work:
        told = work.closing.satisfaction()
    by_unit = {one.unit: one for one in told.units}
    assert told.excluded == {Status.WITHDRAWN: 1, Status.NOT_ACCEPTED: 1}
    assert (by_unit[elsewhere.unit].rated, by_unit[elsewhere.unit].satisfied) == (1, 1)
    assert (by_unit[UNIT.unit].rated, by_unit[UNIT.unit].satisfied) == (1, 1)
    assert by_unit[UNIT.unit].means == {"speed": 5, "effect": 4}
    assert by_unit[None].rated == 1, "its case is on its own again and has no unit yet"


@pytest.mark.parametrize(
    ("text", "satisfied", "scores", "reason"),
    [
        ("满意", True, {}, None),
        ("非常满意，谢谢", True, {}, None),
        ("不满意", False, {}, None),
        ("不太满意，灯还是不亮", False, {}, "灯还是不亮"),
        ("唔满意，都冇人嚟过", False, {}, "都冇人嚟过"),
        ("差评！根本没人来修", False, {}, "根本没人来修"),
        ("速度5 效果3", None, {"speed": 5, "effect": 3}, None),
        ("速度五分，效果四分，服务3，反馈给2分", None, {"speed": 5, "effect": 4, "service": 3, "feedback": 2}, None),
        ("都5分", None, dict.fromkeys(AXES, 5), None),
        ("5 5 4 5", None, {"speed": 5, "effect": 5, "service": 4, "feedback": 5}, None),
        ("五星", None, dict.fromkeys(AXES, 5), None),
        ("效果1分，路还是坑坑洼洼", None, {"effect": 1}, "路还是坑坑洼洼"),
        ("not happy, the lamp is still dark", False, {}, "the lamp is still dark"),
        ("I'm not satisfied because nobody came", False, {}, "nobody came"),
        ("Very satisfied", True, {}, None),
        ("5 for speed, 3 for effect", None, {"speed": 5, "effect": 3}, None),
        ("all 4", None, dict.fromkeys(AXES, 4), None),
        ("service was 2 out of 5", None, {"service": 2}, None),
    ],
)
def test_ratings_in_words_and_numbers(
    text: str, satisfied: bool | None, scores: dict[str, int], reason: str | None
) -> None:
    said = read_rating(text)
    assert said is not None
    assert (said.satisfied, said.scores, said.reason) == (satisfied, scores, reason)


@pytest.mark.parametrize(
    "text",
    ["办居住证要什么材料", "I want to renew my licence", "好的", "你好", "we have 5 people", "我家5口人", "谢谢"],
)
def test_what_is_no_rating(text: str) -> None:
    said = read_rating(text) or SaidRating()
    assert not said.sure
    assert not wants_to_rate(text)


@pytest.mark.parametrize("text", ["我要评价", "评价工单", "给我的工单打分", "I want to rate my case", "Rate my case"])
def test_asking_to_rate(text: str) -> None:
    assert wants_to_rate(text)
    assert not wants_to_rate(f"{text}，还有我想问职称评价怎么申请")


@given(st.text(alphabet="满意不速度效果服务反馈都分 ,，12345 satisfiednothppy", max_size=60))
def test_reading_a_rating_never_breaks(text: str) -> None:
    said = read_rating(text)
    assert said is None or set(said.scores) <= set(AXES)
    assert said is None or all(1 <= score <= 5 for score in said.scores.values())
