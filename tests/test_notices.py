"""Notices: written with the change of a case, told once and in one place, in the language wished, stopped at a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from typer.testing import CliRunner

from bot.actions.notice_wish import keep_wish
from bot.assistant import Assistant
from bot.build import assistant_of
from bot.cases.case import SYSTEM, Actor, Case, CaseDraft, DemandType, Facts
from bot.cases.number import CaseNumber
from bot.cases.schedule import sweep
from bot.cases.states import Move, Role
from bot.channels.notices import HEARD
from bot.channels.parcel import Kind, State
from bot.channels.places import TOLD_FOR
from bot.channels.tables import outbox
from bot.database import migrate, open_database
from bot.domain import read_domain
from bot.messages import MessageId, SenderId, UserMessage
from bot.nlu.notice_wishes import Heard, Wish, wish_of
from bot.settings import Settings
from bot.store import Store
from bot.tables import metadata
from bot.training import Models
from connectors.channels.gateway import Gateway
from connectors.channels.postman import Postman
from connectors.cli import app
from connectors.telegram.channel import Telegram, TelegramSettings
from connectors.whatsapp.channel import WhatsApp, WhatsAppSettings
from tests.messengers import Answer, Api, Call, api_of
from tests.office import MONDAY, Cabinet

ME, OTHER, WEB = SenderId("telegram:7"), SenderId("telegram:8"), SenderId("web-1")
DESK, UNIT = Actor(Role.DISPATCHER, "d1"), Actor(Role.UNIT, "u1", "UMB:南山区")
TO_UNIT = (Move.DISPATCH, DESK, Facts(unit=UNIT.unit))
ACCEPT = (Move.ACCEPT, DESK, Facts())


def taken(call: Call) -> Answer:
    """What either API answers to a message it takes."""
    return 200, {"ok": True, "result": {"message_id": 1}, "messages": [{"id": "wamid.1"}]}


@dataclass
class Office(Cabinet):
    """A cabinet with a postman that carries to a Telegram of the test's, and an assistant to talk to."""

    assistant: Assistant = None  # type: ignore[assignment]
    postman: Postman = None  # type: ignore[assignment]
    api: Api = None  # type: ignore[assignment]

    def knows(self, sender: SenderId, language: str = "zh") -> None:
        with self.store.work() as work:
            work.contacts.wrote(sender, "telegram", language, self.now, None)

    def rows(self) -> list[Any]:
        with self.store.work() as work:
            return list(work.connection.execute(select(outbox).order_by(outbox.c.id)).all())

    def carried(self) -> list[tuple[int, str]]:
        """What was sent by now: to whom, and the words."""
        self.carried_all()
        return [(call.body["chat_id"], call.body["text"]) for call in self.api.calls]

    def carried_all(self) -> None:
        """All rounds that have something to do."""
        while self.postman.round():
            pass

    def extend(self, number: CaseNumber) -> Case:
        """A case at a unit whose limit is extended."""
        return self.do(number, (Move.SIGN, UNIT, Facts()), (Move.EXTEND, DESK, Facts(reason="等配件")))

    def message(self, words: str, sender: SenderId) -> UserMessage:
        return UserMessage(sender, words, None, "zh")

    def say(self, words: str, sender: SenderId = ME, key: str | None = None) -> str:
        answer = self.assistant.handle(UserMessage(sender, words, MessageId(key) if key else None, "zh"))
        return "\n".join(bubble["text"] for bubble in answer)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept_office(
    models: Models, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """One office for all tests of a module on each kind of database."""
    folder = tmp_path_factory.mktemp("notices")
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{folder / 'n.sqlite3'}" if sqlite else request.getfixturevalue("postgres").make(folder.name)
    engine = open_database(url)
    migrate(engine)
    settings = Settings(data_dir=folder, database_url="sqlite://", sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]
    assistant = assistant_of(models, settings)
    moments = [MONDAY]
    assistant.clock = lambda: moments[-1]
    assistant.store = Store(engine, "SZ", assistant.clock)
    with api_of(taken) as api:
        gateway = Gateway(lambda: assistant)
        told = TelegramSettings(token=SecretStr("1:x"), secret=SecretStr("long-enough"), url=api.url)
        word = SecretStr("long-enough")
        number = WhatsAppSettings(phone_id="1", token=word, app_secret=word, verify_token=word, url=api.url)
        channels = (Telegram("telegram", told, gateway), WhatsApp("city_number", number, gateway))
        postman = Postman(lambda: assistant.store, channels)
        postman.gateway = gateway
        yield Office(assistant.store, moments, assistant, postman, api)
        postman.stop()
        gateway.close()
        for channel in channels:
            channel.close()
    engine.dispose()


@pytest.fixture
def office(kept_office: Office) -> Office:
    """The office as on its first day."""
    kept_office.moments[:] = [MONDAY]
    kept_office.api.calls.clear()
    kept_office.api.usual, kept_office.api.cut = taken, False
    with kept_office.store.engine.begin() as connection:
        for table in (one for one in reversed(metadata.sorted_tables) if one.name != "audit_log"):
            connection.execute(table.delete())
    return kept_office


def test_written_with_the_change_or_not_at_all(office: Office) -> None:
    office.knows(ME)
    number = office.file(ME)
    with pytest.raises(RuntimeError), office.store.work() as work:
        work.cases.move(number, *ACCEPT)
        raise RuntimeError
    assert office.rows() == []
    office.do(number, ACCEPT)
    (row,) = office.rows()
    assert (row.kind, row.state, row.number, row.sender) == (Kind.NOTICE, State.WAITING, number, ME)
    assert str(row.bubbles).count("路灯") == 0


def test_told_with_number_matter_unit_and_limit_only(office: Office) -> None:
    office.knows(ME)
    number = office.file(ME)
    office.do(number, ACCEPT)
    (accepted,) = office.carried()
    assert accepted[0] == 7 and number in accepted[1] and "市政设施" in accepted[1] and "停止通知" in accepted[1]
    office.do(number, TO_UNIT)
    said = office.carried()[-1][1]
    assert "城市管理" in said and "期限" in said
    for personal in ("路灯", "13800138000", "民治"):
        assert all(personal not in words for _, words in office.carried())
    assert office.case(number).query_code not in str(office.carried())


def test_a_delicate_matter_is_not_named(office: Office) -> None:
    office.knows(ME)
    delicate = CaseDraft("有人赌博", DemandType.REPORT, "治安维稳", None, "PSB", "民治大道")
    office.do(office.file(ME, delicate), ACCEPT)
    (words,) = [words for _, words in office.carried()]
    assert "治安" not in words and "举报" not in words and "您的诉求" in words


def test_what_is_overtaken_is_not_told(office: Office) -> None:
    office.knows(ME)
    number = office.file(ME)
    office.do(number, ACCEPT, TO_UNIT)
    ((_, words),) = office.carried()
    assert "已派给" in words
    assert [row.state for row in office.rows()] == [State.DROPPED, State.SENT]


def test_followers_and_merged_citizens_hear_of_their_own_case(office: Office) -> None:
    for sender in (ME, OTHER):
        office.knows(sender)
    leader, mine = office.file(WEB), office.file(ME)
    office.do(leader, ACCEPT)
    office.do(mine, (Move.MERGE, DESK, Facts(leader=leader)))
    with office.store.work() as work:
        work.followers.follow(leader, OTHER, office.now)
    office.do(leader, TO_UNIT)
    told = office.carried()
    assert sorted((who, mine in words, leader in words) for who, words in told) == [
        (7, True, False), (7, True, False), (8, False, True),
    ]  # fmt: skip
    assert "合并" in next(words for who, words in told if who == 7)


def test_only_who_has_a_messenger_and_wants_it(office: Office) -> None:
    office.do(office.file(WEB), ACCEPT)
    office.knows(ME)
    with office.store.work() as work:
        work.contacts.prefer(ME, notices=False)
    office.do(office.file(ME), ACCEPT)
    office.knows(OTHER)
    with office.store.work() as work:
        work.contacts.reach(OTHER, False)
    office.do(office.file(OTHER), ACCEPT)
    assert office.rows() == []


def test_overdue_and_closed_are_told_by_the_clock(office: Office) -> None:
    office.knows(ME, "en")
    number = office.file(ME)
    office.do(number, ACCEPT, TO_UNIT, (Move.SIGN, UNIT, Facts()))
    office.carried()
    office.moments.append(MONDAY + timedelta(days=9))
    sweep(office.store, office.now)
    assert "overdue" in office.carried()[-1][1]
    office.do(
        number, (Move.CONTACT, UNIT, Facts()), (Move.REPLY, UNIT, Facts(reply="已换灯泡")), (Move.REVIEW, DESK, Facts())
    )
    said = office.carried()[-1][1]
    assert "has an answer" in said and "灯泡" not in said
    office.do(number, (Move.CLOSE, SYSTEM, Facts()))
    assert "closed" in office.carried()[-1][1]


def extended(office: Office, sender: SenderId = ME) -> CaseNumber:
    number = office.file(sender)
    office.do(number, ACCEPT, TO_UNIT, (Move.SIGN, UNIT, Facts()))
    office.carried()
    office.do(number, (Move.EXTEND, DESK, Facts(reason="等配件")))
    return number


def test_told_in_the_chat_first_is_not_sent(office: Office) -> None:
    office.knows(ME)
    extended(office)
    before = len(office.api.calls)
    assert "延长" in office.say("你好")
    assert office.rows()[-1].state == State.DROPPED
    assert len(office.carried()) == before


def test_sent_is_not_told_again_in_the_chat(office: Office) -> None:
    office.knows(ME)
    extended(office)
    assert "延长" in office.carried()[-1][1]
    assert "延长" not in office.say("你好")


def test_told_in_the_chat_where_the_message_failed(office: Office) -> None:
    office.knows(ME)
    office.api.usual = lambda call: (400, {"ok": False, "description": "Bad Request: invented"})
    extended(office)
    office.carried()
    assert office.rows()[-1].state == State.FAILED
    assert "延长" in office.say("你好")


def test_an_answer_is_announced_and_its_words_come_in_the_chat(office: Office) -> None:
    office.knows(ME)
    number = office.file(ME)
    office.do(number, ACCEPT, TO_UNIT, (Move.SIGN, UNIT, Facts()), (Move.REPLY, UNIT, Facts(reply="已换灯泡")))
    office.carried()
    office.do(number, (Move.REVIEW, DESK, Facts()))
    assert "有了答复" in office.carried()[-1][1]
    assert "已换灯泡" in office.say("你好")


def test_stopped_in_the_middle_of_a_form_and_started_again(office: Office) -> None:
    office.knows(ME)
    number = extended(office)
    office.say("我要投诉路灯坏了")
    said = office.say("别再发了")
    assert "不再主动" in said and len(said.splitlines()) > 1
    sent = len(office.carried())
    assert office.rows()[-1].state == State.DROPPED
    office.do(number, (Move.SUSPEND, UNIT, Facts(reason="下雨")))
    assert len(office.carried()) == sent
    office.say("开启通知")
    office.do(number, (Move.RESUME, UNIT, Facts()), (Move.SUSPEND, UNIT, Facts(reason="下雨")))
    assert "暂停" in office.carried()[-1][1]


def test_in_the_language_wished_when_it_is_sent(office: Office) -> None:
    office.knows(ME)
    number = office.file(ME)
    office.do(number, ACCEPT)
    assert "in English" in office.say("用英文通知我")
    assert office.carried()[-1][1].startswith(f"Case {number} (Municipal facilities)")


def test_where_nothing_is_sent_says_so(office: Office) -> None:
    assert "/status" in office.say("停止通知", WEB)
    assert "/status" in office.say("stop sending me updates", WEB)


SAID = {
    Wish.STOP: (
        "停止通知", "别再发了", "不要再通知我了", "请取消工单通知", "我不想再收到通知了", "退订", "唔好再发俾我喇", 
        "停止發送通知",
        "stop sending me updates", "Please stop the notifications", "unsubscribe", "don't notify me anymore",
        "I want to stop receiving notifications", "turn notifications off", "no more notifications please",
        "取消订阅", "取消訂閱", "拒收", "拒收短信", "回T退订", "TD退订", "回TD退訂", "我要退订",
        "唔好再send", "唔好再send俾我", "唔好send notification俾我", "STOP ALL", "stopall", "opt-out", "Opt out please",
        "remove me from this list",
    ),
    Wish.START: (
        "开启通知", "有进展请通知我", "有结果告诉我一声", "恢复通知", "turn notifications on", "turn on notifications",
        "keep me posted", "please notify me", "resume notifications", "订阅", "重新訂閱", "opt in", "subscribe again",
    ),
    Wish.ENGLISH: ("notify me in English", "用英文通知我", "通知改成英文", "Could you send me updates in English?"),
    Wish.CHINESE: ("通知用中文", "notify me in Chinese", "请用中文通知我"),
}  # fmt: skip
NOT_SAID = (
    "停水通知怎么没有", "取消", "stop", "我要投诉物业不通知业主", "通知", "工地半夜施工，别再发证了", "别发",
    "别发了", "start", "T", "TD", "停", "回T", "T恤", "opt", "我要订阅报纸", "取消订阅牛奶怎么退款", "拒收快递",
    "stop the noise", "查进度", "怎么取消通知书", "cancel", "update", "通知我去派出所",
    "I got a notice from the tax office",
    "物业从来不通知我", "the landlord stopped sending me notices of fees", "不要发票", "不用通知了他也知道",
)  # fmt: skip


@pytest.mark.parametrize(("wish", "words"), [(wish, words) for wish, said in SAID.items() for words in said])
def test_wishes_are_understood(wish: Wish, words: str) -> None:
    assert wish_of(words) is wish


@pytest.mark.parametrize("words", NOT_SAID)
def test_what_only_sounds_like_a_wish(words: str) -> None:
    assert wish_of(words) is None


BARE = {
    (Heard.LATELY, Wish.STOP): ("STOP", "stop.", "td", "回T", "回复TD", "别发了", "唔好send啦"),
    (Heard.LAST, Wish.STOP): ("T", "停", "停止", "Quit", "end", "stop it"),
    (Heard.LATELY, Wish.START): ("START", "start again", "恢复"),
}


@pytest.mark.parametrize(("when", "words"), [(when, words) for when, said in BARE.items() for words in said])
def test_a_bare_word_means_notices_after_one_was_told(when: tuple[Heard, Wish], words: str) -> None:
    heard, wish = when
    assert wish_of(words, Heard.LAST) is wish
    assert wish_of(words, heard) is wish
    assert wish_of(words, Heard(heard - 1)) is None


@pytest.mark.parametrize("words", ["停了", "停止了", "已经停了", "恢复了", "开始了", "it stopped", "ended"])
def test_what_happened_is_no_wish_even_after_a_notice(words: str) -> None:
    assert wish_of(words, Heard.LAST) is None


def test_stop_and_start_by_themselves_after_a_notice_and_not_in_a_form(office: Office) -> None:
    office.knows(ME)
    assert "不再主动" not in office.say("STOP")
    extended(office)
    office.carried()
    assert "不再主动" in office.say("TD") and "不再主动" not in office.say("START")
    with office.store.read() as work:
        contact = work.contacts.of(ME)
    assert contact is not None and contact.notices
    office.say("我要投诉路灯坏了")
    assert "不再主动" not in office.say("STOP")
    assert "不再主动" not in office.say("TD", OTHER)


@pytest.mark.parametrize("words", ["STOP", "T", "TD", "quit", "停止"])
def test_a_bare_stop_in_a_form_cancels_the_form_and_no_notices(office: Office, words: str) -> None:
    office.knows(ME)
    extended(office)
    office.carried()
    assert "？" in office.say("我要投诉路灯坏了")
    assert "不再主动" not in office.say(words)
    with office.store.read() as work:
        contact, form = work.contacts.of(ME), work.tracker(ME).active_form
    assert contact is not None and contact.notices and form is None


@pytest.mark.parametrize("words", ["STOP", "T", "TD", "quit", "停止"])
def test_a_bare_stop_belongs_to_what_was_said_last(office: Office, words: str) -> None:
    for sender, notice_first in ((ME, True), (OTHER, False)):
        office.knows(sender)
        if notice_first:
            extended(office, sender)
        office.carried()
        office.moments.append(office.now + timedelta(minutes=1))
        office.say("居留许可", sender)
        with office.store.read() as work:
            assert work.tracker(sender).slot("choices")
        office.moments.append(office.now + timedelta(minutes=1))
        if not notice_first:
            extended(office, sender)
        office.carried()
        assert ("不再主动" in office.say(words, sender)) is not notice_first


def test_stop_and_td_alone_work_for_days_where_nothing_is_asked_and_quit_does_not(office: Office) -> None:
    office.knows(ME)
    extended(office)
    office.carried()
    office.moments.append(office.now + timedelta(days=1))
    office.say("谢谢")
    office.moments.append(office.now + timedelta(minutes=1))
    assert "不再主动" not in office.say("quit")
    office.moments.append(office.now + timedelta(minutes=1))
    assert "不再主动" in office.say("TD")


def test_to_a_person_or_days_later_a_bare_word_stops_no_notices(office: Office) -> None:
    office.knows(ME)
    extended(office)
    office.carried()
    with office.store.work() as work:
        for words in ("停", "停了", "T", "quit", "end"):
            keep_wish(words, ME, work.mailing)
        contact = work.contacts.of(ME)
        assert contact is not None and contact.notices
        keep_wish("停止通知", ME, work.mailing)
        contact = work.contacts.of(ME)
        assert contact is not None and not contact.notices
        told = work.mailing.places.told
        sent = told(ME, office.now), told(ME, office.now + TOLD_FOR + timedelta(days=1))
    assert sent == (True, False)


def test_every_kind_has_its_words() -> None:
    responses = read_domain().responses
    for kind in HEARD:
        assert f"utter_note_{kind}" in responses
    for wish in Wish:
        assert f"utter_notices_{wish}" in responses


def test_commands_count_retry_and_drop(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.knows(ME)
    office.api.usual = lambda call: (400, {"ok": False, "description": "Bad Request: invented"})
    number = office.file(ME)
    office.do(number, ACCEPT)
    office.carried()
    url = office.store.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("CHENGDA_DATABASE_URL", url)
    run: Callable[..., str] = lambda *words: CliRunner().invoke(app, ["outbox", *words]).stdout  # noqa: E731
    told = run("list")
    assert "telegram\tnotice\tfailed\t1" in told and "7" not in told.split("failed\t1")[0] and number not in told
    assert run("retry", "--channel", "wa").strip() == "0"
    assert run("retry", "--number", number).strip() == "1"
    assert office.rows()[0].state == State.WAITING
    assert run("drop", "--yes").strip() == "1"
    assert office.rows()[0].state == State.DROPPED
