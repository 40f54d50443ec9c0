"""The human hand-off: asked for in one turn, held, silent, handed back, called back, approved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.cases.case import Case, CaseDraft, DemandType
from bot.cases.number import CaseNumber
from bot.cases.states import Role, Status
from bot.channels.parcel import Kind
from bot.desk.approval import Approval
from bot.desk.draft_desk import DraftDesk, lapse
from bot.desk.drafts import Decision
from bot.desk.hours import ALWAYS, read_hours
from bot.desk.joining import Way
from bot.desk.learnt import Returned
from bot.desk.silence import silent
from bot.desk.suggestions import Use, Used
from bot.desk.talk_desk import TalkDesk, without_codes
from bot.desk.talks import LAPSES, MESSENGER, Ending, Talk, TalkState
from bot.errors import DraftDecided, NotJoinable, NotYourTalk, SettingsError, TalkOver, TalkTaken, UnknownCase
from bot.messages import SenderId, UserMessage
from bot.nlu.safety import Danger
from bot.settings import Settings
from bot.staff.accounts import Account
from bot.store import Work
from bot.tracker import Event, Mode, fold
from bot.training import Models
from connectors.desk.schemas import ReturnedForm

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = datetime(2026, 11, 20, 10, 0, tzinfo=ZONE)
WHO = SenderId("citizen")
Talking = Callable[..., dict[str, Any]]


def agent(login: str, role: Role = Role.AGENT) -> Account:
    """An invented member of the staff."""
    return Account(1, login, login, role, None, True, None, FRIDAY)


WANG, LI, CHEF = agent("wang"), agent("li"), agent("chef", Role.SUPERVISOR)


@pytest.fixture
def at(assistant: Assistant) -> list[datetime]:
    """The time, to be set by a test; the assistant and its stores go by it."""
    now = [FRIDAY]
    assistant.clock = lambda: now[0]
    assistant.store._clock = assistant.clock
    return now


class Desk:
    """The desk of a test: each call is one transaction."""

    def __init__(self, assistant: Assistant, at: list[datetime]) -> None:
        self.assistant, self.at = assistant, at

    def __call__(self, who: Account, do: Callable[[TalkDesk], Any]) -> Any:
        with self.assistant.store.work() as work:
            return do(TalkDesk(work, who, self.at[0], "127.0.0.1", self.assistant))

    def read(self, look: Callable[[Work], Any]) -> Any:
        with self.assistant.store.work() as work:
            return look(work)

    def number(self) -> int:
        """The open talk of the citizen."""
        return int(self.talk().number)

    def talk(self, sender: SenderId = WHO) -> Talk:
        """The open talk of a citizen."""
        found: Talk | None = self.read(lambda work: work.talks.open_of(sender))
        assert found is not None
        return found


@pytest.fixture
def desk(assistant: Assistant, at: list[datetime]) -> Desk:
    """The desk."""
    return Desk(assistant, at)


@pytest.fixture
def say(assistant: Assistant, at: list[datetime]) -> Talking:
    """Say something as the citizen; gives `custom.turn` with the texts."""

    def one(text: str, sender: str = WHO) -> dict[str, Any]:
        answer = assistant.handle(UserMessage(SenderId(sender), text))
        texts = [bubble["text"] for bubble in answer if "text" in bubble]
        return {**answer[-1]["custom"]["turn"], "bubbles": len(answer), "text": "\n".join(texts)}

    return one


ASKED = (
    "转人工",
    "人工",
    "我要人工服務",
    "搵真人倾",
    "真人",
    "你叫个活人",
    "别说了给我转人工",
    "zhuan ren gong",
    "a person please",
    "agent",
    "let me talk to a human",
    "stop the bot, I want a person",
    "operator",
    "オペレーターにつないでください",
    "인간 상담원 연결해 주세요",
    "quiero hablar con una persona",
    "je veux parler à un humain",
    "ich möchte mit einem Menschen sprechen",
    "оператор",
)
NOT_ASKED = (
    "人工湖的水很臭",
    "人工智能补贴怎么申请",
    "不用转人工",
    "agent for visa application?",
    "没人工作吗这个窗口",
)
STATES = {
    "fresh": (),
    "form_description": ("我要投诉",),
    "form_place": ("楼下路灯坏了",),
    "form_confirm": ("福田区福强路的路灯坏了三天了",),
    "choice": ("我想办证",),
    "answered": ("怎么办居住证",),
    "case_asked": ("查我的工单进度",),
    "path": ("我想开一家餐馆",),
    "alarmed": ("家里着火了",),
    "english": ("how do I renew my driving licence",),
}


@pytest.mark.parametrize("state", STATES)
def test_a_person_is_called_in_one_turn_in_every_state(say: Talking, state: str) -> None:
    for place, words in enumerate(ASKED):
        sender = f"{state}-{place}"
        for before in STATES[state]:
            say(before, sender)
        assert say(words, sender)["outcome"] == "handoff", (state, words)


def test_words_that_only_look_like_it_call_nobody(say: Talking) -> None:
    for place, words in enumerate(NOT_ASKED):
        assert say(words, f"other-{place}")["outcome"] != "handoff", words


def test_danger_comes_first_and_the_person_is_called_all_the_same(say: Talking, desk: Desk) -> None:
    told = say("有人要跳楼，快转人工")
    assert told["outcome"] in ("emergency", "crisis") and "排队号" in told["text"]
    assert desk.talk().danger
    say("转人工", "other")
    waiting = desk.read(lambda work: [talk.sender for talk in work.talks.waiting()])
    assert waiting == [WHO, "other"]


def test_a_person_holds_a_talk_in_the_middle_of_a_form(say: Talking, desk: Desk) -> None:
    say("楼下路灯坏了")
    asked = say("转人工")
    assert asked["active_form"] == "demand_form"
    number = desk.number()
    assert desk(WANG, lambda it: it.claim(number)).state is TalkState.HELD
    with pytest.raises(TalkTaken):
        desk(LI, lambda it: it.claim(number))
    assert desk(WANG, lambda it: it.claim(number)).claimed_by == "wang"

    told = say("我想问一下怎么办")
    assert (told["outcome"], told["bubbles"], told["text"]) == ("handoff", 1, "")
    assert told["active_form"] == "demand_form"
    desk(WANG, lambda it: it.say(number, "您好，地址在哪里？", "k1"))
    desk(WANG, lambda it: it.say(number, "您好，地址在哪里？", "k1"))
    say("福强路100号")
    _, _, turns = desk(WANG, lambda it: it.look(number))
    assert [event["text"] for turn in turns for event in turn.events if event["event"] == "agent"] == [
        "您好，地址在哪里？"
    ]
    last = next(turn for turn in turns if turn.events[0]["event"] == "agent")
    assert last.answer[0]["custom"]["role"] == "agent" and last.answer[0]["custom"]["turn"]["outcome"] == "handoff"
    for forbidden in (lambda it: it.say(number, "x", "k"), lambda it: it.look(number)):
        with pytest.raises(NotYourTalk):
            desk(LI, forbidden)

    desk(WANG, lambda it: it.hand_back(number, Returned("地址问到了", values={"location": "福田区福强路100号"})))
    tracker = desk.read(lambda work: work.tracker(WHO))
    assert tracker.mode is Mode.AUTO and tracker.slot("location") == "福田区福强路100号"
    assert tracker.slot("agent_note") == "地址问到了" and tracker.requested_slot == "occurred_at"
    with pytest.raises(TalkOver):
        desk(WANG, lambda it: it.say(number, "还在吗", "k2"))
    assert say("昨天晚上")["requested_slot"] == "confirm"
    assert say("确认提交")["outcome"] == "case_filed"


def test_the_bot_knows_what_the_person_said_and_does_not_loop(say: Talking, desk: Desk) -> None:
    say("转人工")
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    say("我想办那个证")
    desk(WANG, lambda it: it.say(number, "您要办的是居住证，深圳居住证可以网上申领", "k1"))
    desk(WANG, lambda it: it.close(number, Ending.RESOLVED, Returned("已解答")))
    told = say("要带什么材料")
    assert told["outcome"] == "answered" and "居住证" in told["services"][0]["name"]
    assert say("谢谢")["outcome"] == "smalltalk"
    assert say("转人工")["outcome"] == "handoff" and desk.number() != number


@pytest.mark.parametrize(
    ("asks", "danger", "number_first", "again", "other", "outcome"),
    [
        ("转人工", "家里煤气泄漏了，有人昏倒", "119", "煤气还在漏，快来人", "我不想活了", "crisis"),
        ("a person please", "my kitchen is on fire", "119", "it is on fire, hurry", "I want to kill myself", "crisis"),
    ],
)  # fmt: skip
def test_danger_while_held_flags_the_talk_and_the_number_is_said(
    say: Talking, desk: Desk, at: list[datetime], asks: str, danger: str, number_first: str, again: str, other: str,
    outcome: str,
) -> None:  # fmt: skip
    say(asks)
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    told = say(danger)
    assert told["outcome"] == "emergency" and number_first in told["text"].splitlines()[0]
    assert desk.read(lambda work: work.talks.by_number(number).danger)
    assert desk.read(lambda work: work.tracker(WHO)).mode is Mode.MANUAL
    assert say("在吗" if asks == "转人工" else "are you there")["text"] == ""
    assert say(again)["text"] == "" and say(other)["outcome"] == outcome
    at[0] += LAPSES
    desk(WANG, lambda it: it.look(number))
    assert say(danger)["outcome"] == "emergency"


@pytest.mark.parametrize(
    ("share", "in_form", "payload", "flagged", "spoken"),
    [
        (0.45, False, None, True, True), (0.45, True, None, True, False), (0.7, True, None, True, True),
        (0.2, False, None, False, False), (0.9, False, {}, False, False),
    ],
)  # fmt: skip
def test_while_held_danger_is_answered_where_the_bot_itself_would(
    say: Talking, desk: Desk, at: list[datetime], share: float, in_form: bool, payload: dict[str, str] | None,
    flagged: bool, spoken: bool,
) -> None:  # fmt: skip
    say("转人工")
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    heard = desk.assistant.understanding.parse("厨房好像有点烟味飘过来")
    parse = replace(heard, danger=Danger("emergency_fire", share), payload=payload, aspects=())
    form = (Event("active_loop", at[0].timestamp(), name="demand_form"),) if in_form else ()
    with desk.assistant.store.work() as work:
        before = fold(work.tracker(WHO), form)
        held = silent(UserMessage(WHO, parse.text), parse, before, work, at[0], 500, desk.assistant.domain)
        talk = work.talks.open_of(WHO)
        assert talk is not None and talk.danger is flagged
    assert held is not None and bool(held[0].messages[0].text) is spoken


def test_a_talk_left_alone_goes_back_to_the_queue(say: Talking, desk: Desk, at: list[datetime]) -> None:
    say("转人工")
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    at[0] += LAPSES - timedelta(seconds=1)
    assert say("在吗")["text"] == ""
    desk(WANG, lambda it: it.look(number))
    at[0] += LAPSES + timedelta(seconds=1)
    assert say("怎么办护照")["outcome"] == "answered"
    assert desk.read(lambda work: work.talks.by_number(number)).state is TalkState.WAITING
    desk(LI, lambda it: it.claim(number))
    desk(CHEF, lambda it: it.release(number))
    assert say("怎么办护照")["outcome"] == "answered"


def test_a_held_talk_outlives_the_session(say: Talking, desk: Desk, at: list[datetime]) -> None:
    say("楼下路灯坏了")
    say("转人工")
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    at[0] += timedelta(days=1)
    desk(WANG, lambda it: it.look(number))
    told = say("在吗")
    assert (told["text"], told["active_form"]) == ("", "demand_form")


def test_the_agent_files_a_case_once_and_never_sees_the_code(say: Talking, desk: Desk) -> None:
    say("楼下路灯坏了")
    say("转人工")
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    draft = CaseDraft("楼下路灯坏了", DemandType.COMPLAINT, location="福田区福强路")
    case, again = (desk(WANG, lambda it: it.file(number, draft, "13800138000", False, "f1")) for _ in range(2))
    assert case.number == again.number and case.source == "desk"
    tracker = desk.read(lambda work: work.tracker(WHO))
    assert tracker.active_form is None and tracker.slot("case_number") == case.number
    answer = desk.read(lambda work: work.last_answer(WHO))
    assert case.query_code in answer[0]["text"]
    assert case.query_code not in without_codes(answer[0]["text"], [case])


def test_messengers_get_the_agents_words(say: Talking, desk: Desk, at: list[datetime]) -> None:
    desk.read(lambda work: work.contacts.wrote(WHO, "telegram", "zh", at[0], None))
    say("转人工")
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    desk(WANG, lambda it: it.say(number, "您好", "k1"))
    parcels = desk.read(lambda work: work.outbox.claim(["telegram"], at[0]))
    assert [(one.kind, one.bubbles[0]["text"]) for one in parcels] == [(Kind.AGENT, "您好")]


def test_two_agents_race_for_one_talk(models: Models, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'race.sqlite3'}"
    assistant = assistant_of(models, Settings(data_dir=tmp_path, database_url=url, sweep_seconds=0, _env_file=None))  # type: ignore[call-arg]
    assistant.handle(UserMessage(WHO, "转人工"))
    won: list[str] = []
    start = threading.Barrier(8)

    def race(login: str) -> None:
        start.wait()
        try:
            with assistant.store.work() as work:
                TalkDesk(work, agent(login), FRIDAY, None, assistant).claim(1)
            won.append(login)
        except TalkTaken:
            pass

    threads = [threading.Thread(target=race, args=(f"agent{place}",)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    with assistant.store.work() as work:
        assert work.talks.by_number(1).claimed_by == won[0]


# --- outside working hours


def test_hours_go_by_the_calendar() -> None:
    hours = read_hours("09:00-12:00,14:00-18:00; off 10:00-16:00")
    assert hours.opens_after(FRIDAY) is None
    assert hours.opens_after(FRIDAY.replace(hour=12)) == FRIDAY.replace(hour=14)
    assert hours.opens_after(FRIDAY.replace(hour=18)) == datetime(2026, 11, 21, 10, tzinfo=ZONE)
    only_work = read_hours("09:00-18:00")
    assert only_work.opens_after(FRIDAY.replace(hour=20)) == datetime(2026, 11, 23, 9, tzinfo=ZONE)
    # 2026-10-01 to 07 are days off, 2026-10-10 a Saturday to work on.
    assert only_work.opens_after(datetime(2026, 10, 1, 10, tzinfo=ZONE)) == datetime(2026, 10, 8, 9, tzinfo=ZONE)
    assert only_work.opens_after(datetime(2026, 10, 10, 10, tzinfo=ZONE)) is None
    assert read_hours("") is ALWAYS and ALWAYS.opens_after(FRIDAY) is None
    for wrong in ("9-18", "18:00-09:00", "09:00-25:00", "; ; ", "09:00-12:00,11:00-13:00"):
        with pytest.raises(SettingsError):
            read_hours(wrong)


@pytest.mark.parametrize(
    ("ask", "number", "thanks"), [("转人工", "13800138000", "谢谢"), ("a person please", "it is 13900000000", "thanks")]
)
def test_a_call_back_outside_working_hours(
    say: Talking, desk: Desk, at: list[datetime], ask: str, number: str, thanks: str
) -> None:
    desk.assistant.hours = read_hours("09:00-18:00")
    at[0] = FRIDAY.replace(hour=22)
    told = say(ask)
    assert told["outcome"] == "handoff" and "11-23 09:00" in told["text"]
    told = say(number)
    assert told["outcome"] == "handoff" and "****" in told["text"]
    talk = desk.talk()
    assert talk.reason == "call_back" and talk.call_back_to and talk.call_back_to in number
    assert say(thanks)["outcome"] == "smalltalk"
    assert "****" in say(ask)["text"]


@pytest.mark.parametrize("matter", ["投诉楼下噪音，电话13800138000", "How do I renew my licence? 13800138000"])
def test_a_number_in_a_matter_of_its_own_is_not_taken_for_the_call_back(
    say: Talking, desk: Desk, at: list[datetime], matter: str
) -> None:
    desk.assistant.hours = read_hours("09:00-18:00")
    at[0] = FRIDAY.replace(hour=22)
    say("转人工")
    assert say(matter)["outcome"] != "handoff"
    assert desk.talk().call_back_to is None


def test_a_call_back_goes_by_the_messenger_or_is_declined(say: Talking, desk: Desk, at: list[datetime]) -> None:
    desk.assistant.hours = read_hours("09:00-18:00")
    at[0] = FRIDAY.replace(hour=22)
    desk.read(lambda work: work.contacts.wrote(WHO, "telegram", "zh", at[0], None))
    say("转人工")
    assert desk.talk().call_back_to == MESSENGER
    say("转人工", "other")
    assert say("不用", "other")["outcome"] == "handoff"
    assert desk.talk(SenderId("other")).call_back_to is None
    assert say("怎么办护照", "other")["outcome"] == "answered"


def test_a_caller_is_called_back_at_the_number_the_call_came_from(say: Talking, desk: Desk, at: list[datetime]) -> None:
    """What is known is not asked for again, and nobody is told to read an answer on the telephone."""
    desk.assistant.hours = read_hours("09:00-18:00")
    at[0] = FRIDAY.replace(hour=22)
    for name, number in (("line:CA1", "13800138000"), ("line:CA2", None)):
        caller = SenderId(name)
        desk.read(lambda work: work.contacts.wrote(caller, "line", "zh", at[0], None, "phone"))  # noqa: B023
        answer = desk.assistant.handle(UserMessage(caller, "转人工", channel="line", calls_from=number))
        assert ("138****8000" if number else "手机号码") in answer[0]["text"]
        assert desk.talk(caller).call_back_to == number


def test_a_call_back_in_the_middle_of_a_form(say: Talking, desk: Desk, at: list[datetime]) -> None:
    desk.assistant.hours = read_hours("09:00-18:00")
    at[0] = FRIDAY.replace(hour=22)
    say("楼下路灯坏了")
    assert say("转人工")["active_form"] == "demand_form"
    told = say("13800138000")
    assert told["active_form"] == "demand_form" and "138****8000" in told["text"]
    assert say("福田区福强路")["requested_slot"] == "occurred_at"


# --- approval


def test_an_unsure_answer_waits_for_approval(say: Talking, desk: Desk, at: list[datetime]) -> None:
    desk.assistant.approval = Approval(1.01, 60)
    told = say("怎么办居住证")
    assert told["outcome"] == "handoff" and "核对" in told["text"] and not told["services"]
    (draft,) = desk.read(lambda work: work.drafts.waiting())
    assert draft.question == "怎么办居住证" and draft.answer[-1]["custom"]["turn"]["outcome"] == "answered"

    def decide(decision: Decision, text: str | None = None) -> None:
        with desk.assistant.store.work() as work:
            DraftDesk(work, WANG, at[0], None, desk.assistant.domain).decide(draft.number, decision, text)

    decide(Decision.EDITED, "请到社区办理")
    assert desk.read(lambda work: work.last_answer(WHO))[0]["text"] == "请到社区办理"
    with pytest.raises(DraftDecided):
        decide(Decision.APPROVED)
    say("怎么办护照")
    (draft,) = desk.read(lambda work: work.drafts.waiting())
    decide(Decision.APPROVED)
    assert desk.read(lambda work: work.last_answer(WHO)) == draft.answer


def test_nothing_is_lost_when_nobody_approves(say: Talking, desk: Desk, at: list[datetime]) -> None:
    desk.assistant.approval = Approval(1.01, 60)
    say("how do I renew my driving licence")
    (draft,) = desk.read(lambda work: work.drafts.waiting())
    store, domain = desk.assistant.store, desk.assistant.domain
    assert lapse(store, domain, at[0]) == 0
    at[0] += timedelta(seconds=61)
    assert lapse(store, domain, at[0]) == 1
    assert lapse(store, domain, at[0]) == 0
    answer = desk.read(lambda work: work.last_answer(WHO))
    assert answer[1:] == draft.answer and "colleague" in answer[0]["text"]


JUDGED = {
    "service": ("怎么办居住证", "how do I renew my driving licence"),
    "detail": ("怎么办居住证|要带什么材料", "how do I renew my driving licence|what does it cost"),
    "comparison": ("居住证和居住登记有什么区别", "what is the difference between a residence permit and a visa"),
    "outside": ("美国总统是谁", "who won the world cup"),
    "nothing found": ("怎么申请火星登陆许可证", "how do I get a licence to keep a tiger at home"),
    "path": ("我要生孩子了要办哪些手续", "I want to open a restaurant"),
    "demand item": ("路灯坏了归谁管", "who do I call about a broken street light?"),
    "two at once": (
        "怎么办居住证，另外怎么办护照换发",
        "how do I renew my driving licence, and also how do I get a passport",
    ),
}
UNJUDGED = {
    "safety": ("家里着火了", "my house is on fire"),
    "hand-off": ("转人工", "a person please"),
    "form": ("福田区福强路的路灯坏了三天了|确认提交", "the street light on Minkang Road is broken|skip|submit"),
    "small talk": ("你好|谢谢", "hello|thank you"),
    "question back": ("我想办证", "I need a permit"),
    "own case": ("查我的工单进度", "what is the status of my case"),
    "language": ("说英文", "please speak Chinese"),
}


@pytest.mark.parametrize("kind", JUDGED)
def test_every_judgement_of_the_assistant_waits_for_approval(say: Talking, desk: Desk, kind: str) -> None:
    for place, told in enumerate(JUDGED[kind]):
        *before, asked = told.split("|")
        desk.assistant.approval = Approval()
        for text in before:
            say(text, f"{kind}-{place}")
        desk.assistant.approval = Approval(1.01, 60)
        turn = say(asked, f"{kind}-{place}")
        assert turn["outcome"] == "handoff" and turn["bubbles"] == 1 and not turn["services"], (asked, turn)
        draft = desk.read(lambda work: work.drafts.waiting())[-1]
        assert draft.question == asked and 0 <= draft.confidence <= 1
        desk.assistant.approval = Approval(draft.confidence - 1e-6, 60)
        free = say(asked, f"{kind}-{place}-sure") if not before else None
        assert free is None or free["outcome"] in ("answered", "out_of_scope", "no_service"), free


@pytest.mark.parametrize("kind", UNJUDGED)
def test_what_is_no_judgement_never_waits(say: Talking, desk: Desk, kind: str) -> None:
    desk.assistant.approval = Approval(1.01, 60)
    for place, told in enumerate(UNJUDGED[kind]):
        for text in told.split("|"):
            say(text, f"{kind}-{place}")
            assert not desk.read(lambda work: work.drafts.waiting()), text


@pytest.mark.parametrize(
    ("opened", "asked", "place"),
    [
        ("楼下路灯坏了", "怎么办居住证", "福田区福强路"),
        ("the street light is broken", "how do I renew my driving licence?", "Minkang Road"),
    ],
)
def test_a_form_goes_on_while_an_answer_waits(say: Talking, desk: Desk, opened: str, asked: str, place: str) -> None:
    question = say(opened)
    desk.assistant.approval = Approval(1.01, 60)
    turn = say(asked)
    assert (turn["outcome"], turn["active_form"], turn["requested_slot"]) == ("handoff", "demand_form", "location")
    assert turn["text"].endswith(question["text"])
    (draft,) = desk.read(lambda work: work.drafts.waiting())
    assert question["text"] not in "".join(bubble["text"] for bubble in draft.answer)
    assert say(place)["requested_slot"] == "occurred_at"


def test_figures_of_suggestions(desk: Desk, at: list[datetime]) -> None:
    def write(work: Work) -> None:
        for login, service, use in (
            ("wang", "C01", Use.ACCEPTED),
            ("wang", None, Use.EDITED),
            ("li", "C01", Use.DISMISSED),
        ):
            work.suggestions.write(Used(login, 1, "service", service, 1, 0.8, use), at[0])

    desk.read(write)
    by_agent = desk.read(lambda work: work.suggestions.by_agent(at[0] - timedelta(days=1)))
    assert [vars(one) for one in by_agent] == [
        {"name": "li", "accepted": 0, "edited": 0, "dismissed": 1},
        {"name": "wang", "accepted": 1, "edited": 1, "dismissed": 0},
    ]
    by_service = desk.read(lambda work: work.suggestions.by_service(at[0] - timedelta(days=1)))
    assert [(one.name, one.accepted, one.dismissed) for one in by_service] == [("C01", 1, 1), (None, 0, 0)]


# --- joining to a case that others filed

LAMP = CaseDraft(
    "民治大道牛栏前地铁站B口的路灯坏了，晚上一片漆黑", DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道"
)


def held_talk(say: Talking, desk: Desk, asks: str = "转人工", who: Account = WANG) -> int:
    """A talk that an agent holds."""
    say(asks)
    number = desk.number()
    desk(who, lambda it: it.claim(number))
    return number


@pytest.mark.parametrize(
    ("asks", "mine", "word"), [("转人工", "我的工单", "跟进"), ("a person please", "my cases", "follow")]
)
def test_a_citizen_follows_the_case_of_another(say: Talking, desk: Desk, asks: str, mine: str, word: str) -> None:
    other = desk.read(lambda work: work.cases.file(LAMP, SenderId("anna"), "zh", "13800138000", False))
    say("民治大道路灯坏了" if word == "跟进" else "the street light on Minzhi Avenue is broken")
    number = held_talk(say, desk, asks)
    ways = [desk(WANG, lambda it: it.join(number, other.number)) for _ in range(2)]
    assert ways == [Way.FOLLOW, Way.FOLLOW]
    tracker, told = desk.read(lambda work: (work.tracker(WHO), work.last_answer(WHO)))
    assert tracker.active_form is None and tracker.slot("case_number") is None
    assert other.number in told[0]["text"] and word in told[0]["text"] and LAMP.description not in told[0]["text"]
    assert desk.read(lambda work: work.followers.reported(other.number)) == 2
    desk(WANG, lambda it: it.hand_back(number, Returned()))
    assert other.number in say(mine)["text"]
    log = desk.read(lambda work: work.audit.page(action="case_joined"))
    assert [(one.login, one.number, one.fields) for one in log] == [
        ("wang", other.number, (f"talk:{number}", "follow"))
    ]


def test_a_case_filed_in_the_talk_is_merged_by_the_right(say: Talking, desk: Desk) -> None:
    other = desk.read(lambda work: work.cases.file(LAMP, SenderId("anna"), "zh", None, False))
    unnamed = desk.read(lambda work: work.cases.file(LAMP, SenderId("anna"), "zh", None, True))
    number = held_talk(say, desk, who=CHEF)
    with pytest.raises(NotJoinable):
        desk(CHEF, lambda it: it.join(number, unnamed.number))
    own = desk(CHEF, lambda it: it.file(number, LAMP, "13800138000", False, "f1"))
    for case in (other, own):
        with pytest.raises(NotJoinable):
            desk(CHEF, lambda it, case=case: it.join(number, case.number))
    desk(CHEF, lambda it: it.release(number))
    desk(WANG, lambda it: it.claim(number))
    with pytest.raises(NotJoinable):
        desk(WANG, lambda it: it.join(number, unnamed.number))
    ways = [desk(WANG, lambda it: it.join(number, other.number)) for _ in range(2)]
    assert ways == [Way.MERGE, Way.MERGE]
    merged = desk.read(lambda work: work.cases.by_number(own.number))
    assert (merged.status, merged.handling.merged_into) == (Status.MERGED, other.number)
    with pytest.raises(UnknownCase):
        desk(WANG, lambda it: it.join(number, CaseNumber("SZ261120-000999-9")))


def test_what_was_followed_can_be_merged_later(say: Talking, desk: Desk) -> None:
    other = desk.read(lambda work: work.cases.file(LAMP, SenderId("anna"), "zh", None, False))
    number = held_talk(say, desk)
    assert desk(WANG, lambda it: it.join(number, other.number)) == Way.FOLLOW
    own = desk(WANG, lambda it: it.file(number, LAMP, None, False, "f1"))
    ways = [desk(WANG, lambda it: it.join(number, other.number)) for _ in range(2)]
    assert ways == [Way.MERGE, Way.MERGE]
    merged, told = desk.read(lambda work: (work.cases.by_number(own.number), work.last_answer(WHO)))
    assert merged.handling.merged_into == other.number and own.number in told[0]["text"]
    assert desk.read(lambda work: work.followers.reported(other.number)) == 2


# --- what the bot knows after a hand-back


@pytest.mark.parametrize(
    ("opened", "asks", "told", "asked", "rest", "submit"),
    [
        (
            "我要投诉",
            "转人工",
            {"description": "共享单车乱停放挡住盲道"},
            "location",
            "福田区福强路1008号门口",
            "确认提交",
        ),
        (
            "楼下噪音很大",
            "转人工",
            {"location": "福田区福强路1008号", "contact": "13800138000"},
            "occurred_at",
            "每天半夜",
            "确认提交",
        ),
        (
            "I want to complain",
            "a person please",
            {"description": "rubbish has piled up on the pavement", "location": "Minkang Road"},
            "occurred_at",
            "since last week",
            "submit",
        ),
        (
            "the neighbours are noisy",
            "operator",
            {"occurred_at": "every night", "anonymous": "true"},
            "location",
            "Minkang Road 12",
            "submit",
        ),
    ],
)
def test_the_bot_asks_only_for_what_the_person_left_open(
    say: Talking, desk: Desk, opened: str, asks: str, told: dict[str, str], asked: str, rest: str, submit: str
) -> None:
    say(opened)
    number = held_talk(say, desk, asks)
    desk(WANG, lambda it: it.hand_back(number, Returned(values=told)))
    tracker, answer = desk.read(lambda work: (work.tracker(WHO), work.last_answer(WHO)))
    assert (tracker.active_form, tracker.requested_slot) == ("demand_form", asked)
    assert answer[-1]["custom"]["turn"]["requested_slot"] == asked
    turn = say(rest)
    while turn["requested_slot"] != "confirm":
        assert turn["requested_slot"] not in told
        turn = say("跳过" if submit == "确认提交" else "skip")
    assert all(value in turn["text"] for name, value in told.items() if name in ("description", "location"))
    filed = say(submit)
    case = desk.read(lambda work: work.cases.by_number(filed["case"]["case_id"]))
    assert case.anonymous is ("anonymous" in told) and case.contact == told.get("contact")


@pytest.mark.parametrize(
    ("asks", "words"), [("转人工", "民治大道的井盖没了"), ("agent", "a manhole cover on Minkang Road is missing")]
)
def test_a_matter_that_the_person_wrote_down_begins_a_form(say: Talking, desk: Desk, asks: str, words: str) -> None:
    number = held_talk(say, desk, asks)
    desk(WANG, lambda it: it.hand_back(number, Returned(values={"description": words, "occurred_at": "今天"})))
    tracker = desk.read(lambda work: work.tracker(WHO))
    assert tracker.active_form == "demand_form" and tracker.slot("description") == words
    assert tracker.requested_slot in ("location", "confirm") and tracker.slot("occurred_at") == "今天"


@pytest.mark.parametrize(
    ("asks", "mine", "hasten"),
    [("转人工", "我的工单到哪一步了", "帮我催一下"), ("a person please", "what about my case", "please hasten it")],
)
def test_my_case_is_the_one_that_the_person_filed(
    say: Talking, desk: Desk, at: list[datetime], asks: str, mine: str, hasten: str
) -> None:
    def file(work: Work, who: str) -> Case:
        return work.cases.file(LAMP, SenderId(who), "zh", None, False)

    before, strange = desk.read(lambda work: (file(work, WHO), file(work, "somebody")))
    at[0] += timedelta(days=8)
    number = held_talk(say, desk, asks)
    for place, words in enumerate((f"您之前的 {before.number}", f"and {strange.number}")):
        desk(WANG, lambda it, words=words, place=place: it.say(number, words, f"k{place}"))
    draft = CaseDraft("民治大道88号垃圾没人收", DemandType.COMPLAINT, location="民治大道88号")
    filed = desk(WANG, lambda it: it.file(number, draft, None, False, "f1"))
    desk(WANG, lambda it: it.hand_back(number, Returned()))
    assert desk.read(lambda work: work.tracker(WHO)).slot("case_number") == filed.number
    assert filed.number in say(mine)["text"]
    assert say(hasten)["case"]["case_id"] == filed.number


def test_the_number_of_somebody_elses_case_opens_it_to_nobody(say: Talking, desk: Desk) -> None:
    strange = desk.read(lambda work: work.cases.file(LAMP, SenderId("anna"), "zh", None, False))
    number = held_talk(say, desk)
    desk(WANG, lambda it: it.say(number, f"邻居已经报过 {strange.number}", "k1"))
    desk(WANG, lambda it: it.hand_back(number, Returned()))
    assert say("撤回工单")["outcome"] == "needs_identity"
    assert desk.read(lambda work: work.cases.by_number(strange.number)).status is Status.SUBMITTED


def demands(desk: Desk) -> list[dict[str, Any]]:
    """The demands that the bot's form holds."""
    found: list[dict[str, Any]] = desk.read(lambda work: work.tracker(WHO)).slot("demands")
    return found


@pytest.mark.parametrize(
    ("told", "area"),
    [
        ({"location": "龙华区民治街道民治大道88号"}, ("龙华区", "民治街道")),
        ({"location": "大同小区门口"}, (None, None)),
        ({"location": "12 Minzhi Avenue, Longhua"}, ("龙华区", None)),
        ({"location": "福田区福强路1号对面"}, ("福田区", None)),
        ({"location": "大同小区", "district": "南山区"}, ("南山区", None)),
        ({"location": None}, (None, None)),
    ],
)
def test_a_place_takes_its_district_along(
    say: Talking, desk: Desk, told: dict[str, str | None], area: tuple[str | None, str | None]
) -> None:
    say("福田区福强路1号的路灯坏了")
    number = held_talk(say, desk)
    desk(WANG, lambda it: it.hand_back(number, Returned(values=told)))
    (demand,) = demands(desk)
    assert (demand["location"], demand["district"], demand["subdistrict"]) == (told["location"], *area)


def test_what_was_only_heard_fills_gaps(say: Talking, desk: Desk) -> None:
    say("福田区福强路1号的路灯坏了")
    number = held_talk(say, desk)
    heard = {"location": "龙华区民治大道", "occurred_at": "上周", "contact": "13800138000"}
    desk(WANG, lambda it: it.hand_back(number, Returned(heard=heard)))
    (demand,) = demands(desk)
    assert "福强路" in demand["location"] and demand["district"] == "福田区" and demand["occurred_at"] == "上周"
    tracker = desk.read(lambda work: work.tracker(WHO))
    assert (tracker.slot("contact"), tracker.requested_slot) == ("13800138000", "confirm")
    say("转人工")
    number = desk.number()
    desk(WANG, lambda it: it.claim(number))
    values = {"contact": None, "occurred_at": None, "anonymous": "false"}
    desk(WANG, lambda it: it.hand_back(number, Returned(values=values, heard=heard)))
    tracker = desk.read(lambda work: work.tracker(WHO))
    assert (tracker.slot("contact"), tracker.slot("anonymous"), tracker.requested_slot) == (None, None, "occurred_at")


def test_of_several_demands_only_the_one_meant_is_changed(say: Talking, desk: Desk) -> None:
    say("福田区福强路1号的路灯坏了，另外龙华区民治大道88号工地每天晚上十一点还在施工")
    before = demands(desk)
    assert len(before) == 2
    number = held_talk(say, desk)
    told = {"location": "南山区学府路5号", "description": before[1]["description"]}
    desk(WANG, lambda it: it.hand_back(number, Returned(values=told, heard={"location": "盐田区"})))
    after = demands(desk)
    assert after[0] == before[0]
    assert (after[1]["location"], after[1]["district"]) == ("南山区学府路5号", "南山区")


def test_a_matter_filed_in_the_talk_begins_no_form(say: Talking, desk: Desk) -> None:
    number = held_talk(say, desk)
    desk(WANG, lambda it: it.file(number, LAMP, None, False, "f1"))
    values = {"description": LAMP.description, "occurred_at": "今晚"}
    desk(WANG, lambda it: it.hand_back(number, Returned(values=values)))
    assert desk.read(lambda work: work.tracker(WHO)).active_form is None


def test_a_field_emptied_at_the_page_is_told() -> None:
    form = ReturnedForm.model_validate({"location": " ", "contact": None, "anonymous": False, "type": "report"})
    assert form.told() == {"location": None, "contact": None, "anonymous": "false", "type": "report"}
    assert ReturnedForm().told() == {}


def test_a_dropped_form_is_confirmed_at_once_while_the_second_answer_waits(say: Talking, desk: Desk) -> None:
    for who, opened, asked, told in (
        ("zh", "楼下路灯坏了", "这个投诉不用弄了，请问怎么办居住证", "已取消"),
        ("en", "the street light is broken", "drop the report. How do I pay a traffic fine?", "cancelled"),
    ):
        desk.assistant.approval = Approval()
        say(opened, f"dropped-{who}")
        desk.assistant.approval = Approval(1.01, 60)
        turn = say(asked, f"dropped-{who}")
        assert (turn["outcome"], turn["active_form"], turn["bubbles"]) == ("handoff", None, 2), turn
        assert told in turn["text"] and not turn["services"]
        draft = desk.read(lambda work: work.drafts.waiting())[-1]
        assert told not in "".join(bubble.get("text", "") for bubble in draft.answer)
        assert draft.answer[-1]["custom"]["turn"]["outcome"] == "answered"
