"""Where notices go: chosen in the chat, on to the next place where one cannot deliver, never to two."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.cases.number import CaseNumber
from bot.channels.contacts import Window
from bot.channels.parcel import Kind, State
from bot.domain import read_domain
from bot.messages import SenderId
from bot.nlu.place_wishes import PlaceKind, PlaceWish, place_wish_of
from tests.test_notices import ACCEPT, ME, TO_UNIT, Office, kept_office, office

__all__ = ["kept_office", "office"]
PHONE = SenderId("city_number:8613900000000")
STRANGER = SenderId("telegram:99")


def knows_both(office: Office, language: str = "zh") -> CaseNumber:
    """A case filed in Telegram whose code was shown in WhatsApp."""
    office.knows(ME)
    with office.store.work() as work:
        window = Window(office.now + timedelta(hours=24))
        work.contacts.wrote(PHONE, "city_number", language, office.now, window, "whatsapp")
    number = office.file(ME)
    code = office.case(number).query_code
    shown = office.say(f"查工单 {number} 查询码 {code}", PHONE)
    assert number in shown and "通知发到这里" in shown
    assert "通知发到这里" not in office.say(f"查工单 {number} 查询码 {code}", PHONE)
    return number


def went(office: Office) -> list[str]:
    """Where notices went by now, in their order."""
    office.carried_all()
    return ["telegram" if "sendMessage" in call.path else "whatsapp" for call in office.api.calls]


def test_where_it_was_filed_until_another_place_is_chosen(office: Office) -> None:
    number = knows_both(office)
    office.do(number, ACCEPT)
    assert went(office) == ["telegram"]
    assert "WhatsApp" in office.say("通知发到这里", PHONE)
    office.do(number, TO_UNIT)
    assert went(office) == ["telegram", "whatsapp"]
    assert len(office.rows()) == 2


@pytest.mark.parametrize("words", ["通知发到WhatsApp", "Send updates to WhatsApp"])
def test_chosen_from_the_other_place(office: Office, words: str) -> None:
    number = knows_both(office)
    assert "WhatsApp" in office.say(words, ME)
    office.do(number, ACCEPT)
    assert went(office) == ["whatsapp"]


def test_a_question_shows_where_and_buttons_that_change_it(office: Office) -> None:
    knows_both(office)
    answer = office.assistant.handle(office.message("通知发到哪里", ME))
    assert "Telegram" in answer[0]["text"]
    titles = [button["title"] for button in answer[0]["buttons"]]
    assert titles == ["通知发到WhatsApp", "停止通知"]
    for title in titles[:1]:
        assert "好的" in office.say(title, ME)
    answer = office.assistant.handle(office.message("通知发到哪里", ME))
    assert answer[0]["buttons"][0]["title"] == "通知发到这里"


def test_a_closed_window_goes_on_to_the_next_place(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    number = knows_both(office)
    office.say("通知发到这里", PHONE)
    office.moments.append(office.now + timedelta(hours=30))
    with caplog.at_level(logging.INFO, "chengda"):
        office.do(number, ACCEPT)
        assert went(office) == ["telegram"]
    assert "by city_number, waiting for telegram" in caplog.text and "8613900000000" not in caplog.text
    assert [row.state for row in office.rows()] == [State.SENT]


def test_only_one_place_waits_there(office: Office) -> None:
    number = knows_both(office)
    assert "只发到" in office.say("只发到WhatsApp", ME)
    office.moments.append(office.now + timedelta(hours=30))
    office.do(number, ACCEPT)
    assert went(office) == []
    assert [row.state for row in office.rows()] == [State.HELD]
    office.say("通知发到Telegram", ME)
    assert went(office) == ["telegram"]


def test_who_blocks_gets_it_at_the_next_place_once(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    office.api.usual = lambda call: (
        (200, {"ok": True, "result": {"message_id": 1}})
        if "sendMessage" in call.path
        else (400, {"error": {"code": 131026}})
    )
    office.do(number, ACCEPT)
    assert went(office) == ["whatsapp", "telegram"]
    (row,) = office.rows()
    assert (row.state, row.sender) == (State.SENT, ME)
    office.do(number, TO_UNIT)
    assert went(office) == ["whatsapp", "telegram", "telegram"]


def test_all_closed_and_gone_waits_for_who_may_write_again(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    office.moments.append(office.now + timedelta(hours=30))
    office.api.usual = lambda call: (403, {"ok": False, "description": "Forbidden: bot was blocked by the user"})
    office.do(number, ACCEPT)
    assert went(office) == ["telegram"]
    (row,) = office.rows()
    assert (row.state, row.sender) == (State.HELD, PHONE)


def test_what_may_have_arrived_goes_nowhere_else(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    office.api.usual = lambda call: (500, {})
    office.do(number, ACCEPT)
    assert went(office) == ["whatsapp"]
    assert office.rows()[0].sender == PHONE


def test_a_server_that_ended_while_a_notice_was_sent_sends_no_second_one(office: Office) -> None:
    number = knows_both(office)
    office.do(number, ACCEPT)
    with office.store.work() as work:
        (parcel,) = work.outbox.claim(["telegram"], office.now)
        work.outbox.begin(parcel, office.now)
    office.moments.append(office.now + timedelta(minutes=2))
    assert went(office) == []
    assert [row.state for row in office.rows()] == [State.UNKNOWN]


def test_a_server_that_ended_before_a_notice_was_sent_sends_it_then(office: Office) -> None:
    number = knows_both(office)
    office.do(number, ACCEPT)
    with office.store.work() as work:
        work.outbox.claim(["telegram"], office.now)
    office.moments.append(office.now + timedelta(minutes=2))
    assert went(office) == ["telegram"]


@pytest.mark.parametrize(("kind", "state"), [(Kind.NOTICE, State.UNKNOWN), (Kind.REPLY, State.WAITING)])
def test_a_connection_that_broke_after_it_was_sent(office: Office, kind: Kind, state: State) -> None:
    number = knows_both(office)
    office.api.cut = True
    if kind is Kind.NOTICE:
        office.do(number, ACCEPT)
    else:
        with office.store.work() as work:
            work.outbox.post("r1", ME, "telegram", kind, "zh", [{"text": "您好"}], office.now)
    assert went(office) == ["telegram"]
    assert [row.state for row in office.rows()] == [state]


def test_a_failure_told_later_goes_on_to_the_next_place(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    office.do(number, ACCEPT)
    went(office)
    mark = office.api.calls[-1].body["biz_opaque_callback_data"]
    with office.store.work() as work:
        assert work.mailing.failed_outside("city_number", mark, "code 131026")
        assert not work.mailing.failed_outside("city_number", mark, "code 131026")
    assert went(office) == ["whatsapp", "telegram"]
    assert [row.state for row in office.rows()] == [State.SENT]


def test_an_erased_place_passes_on_what_waits(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    office.do(number, ACCEPT)
    with office.store.work() as work:
        work.mailing.erased(PHONE)
    assert went(office) == ["telegram"]
    office.do(number, TO_UNIT)
    assert went(office) == ["telegram", "telegram"]


@pytest.mark.parametrize("at", [ME, PHONE])
def test_a_stop_holds_at_every_place_and_a_start_begins_here(office: Office, at: SenderId) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    assert "不再" in office.say("停止通知", at)
    office.do(number, ACCEPT)
    assert went(office) == []
    office.say("开启通知", ME)
    office.do(number, TO_UNIT)
    assert went(office) == ["telegram"]


def test_the_language_wished_holds_where_notices_go(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    office.say("用英文通知我", ME)
    office.do(number, ACCEPT)
    went(office)
    (call,) = office.api.calls
    assert "Case" in call.body["text"]["body"]


def test_who_only_looked_can_stop_nothing_of_another(office: Office) -> None:
    number = knows_both(office)
    office.say("停止通知", PHONE)
    office.do(number, ACCEPT)
    assert went(office) == ["telegram"]


def test_without_the_code_nobody_gets_anothers_notices(office: Office) -> None:
    number = knows_both(office)
    with office.store.work() as work:
        work.contacts.wrote(STRANGER, "telegram", "zh", office.now, None, "telegram")
    office.say(f"查工单 {number}", STRANGER)
    office.say("WRONG234", STRANGER)
    assert "查询码" in office.say("通知发到这里", STRANGER)
    office.do(number, ACCEPT)
    went(office)
    assert [call.body["chat_id"] for call in office.api.calls] == [7]


def test_followers_get_their_own_wherever_the_citizen_is_told(office: Office) -> None:
    number = knows_both(office)
    office.knows(STRANGER)
    with office.store.work() as work:
        work.followers.follow(number, STRANGER, office.now)
        work.followers.follow(number, PHONE, office.now)
    office.say("通知发到WhatsApp", ME)
    office.do(number, ACCEPT)
    assert sorted(went(office)) == ["telegram", "whatsapp"]


def test_told_in_the_chat_where_it_was_filed_is_not_sent_elsewhere(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    office.do(number, ACCEPT, TO_UNIT)
    before = len(went(office))
    office.extend(number)
    assert "延长" in office.say("你好", ME)
    assert len(went(office)) == before


def test_a_place_out_of_reach_cannot_be_chosen(office: Office) -> None:
    number = knows_both(office)
    with office.store.work() as work:
        work.contacts.reach(PHONE, False)
    assert "开启通知" in office.say("通知发到WhatsApp", ME)
    answer = office.assistant.handle(office.message("通知发到哪里", ME))
    assert [button["title"] for button in answer[0]["buttons"]] == ["停止通知"]
    office.do(number, ACCEPT)
    assert went(office) == ["telegram"]


def test_a_place_that_wants_no_notices_cannot_be_chosen_from_another(office: Office) -> None:
    knows_both(office)
    office.say("停止通知", PHONE)
    assert "WhatsApp" in (said := office.say("通知发到WhatsApp", ME)) and "开启通知" in said
    with office.store.work() as work:
        contact = work.contacts.of(PHONE)
    assert contact is not None and not contact.notices
    assert "好的" in office.say("通知发到这里", PHONE)


def test_a_start_says_where_notices_go(office: Office) -> None:
    number = knows_both(office)
    office.say("通知发到WhatsApp", ME)
    said = office.say("开启通知", ME)
    assert "WhatsApp" in said and "在这里通知您" not in said
    office.do(number, ACCEPT)
    assert went(office) == ["whatsapp"]
    office.moments.append(office.now + timedelta(minutes=1))
    office.say("通知发到这里", ME)
    assert "在这里通知您" in office.say("开启通知", ME)


SAID = {
    PlaceWish(): (
        "通知发到这里", "以后通知都发到这儿", "在这里通知我", "send updates here", "Please notify me here",
        "通知發到呢度",
    ),
    PlaceWish(None, True): ("只在这里通知我", "只发到这里", "only here", "send notifications only here"),
    PlaceWish((PlaceKind.WECHAT, PlaceKind.WECOM)): (
        "通知发到微信", "用微信通知我", "以后微信通知我", "换成微信通知", "把通知改到我的微信",
        "send updates to WeChat",
        "could you notify me on wechat please", "我要在微信上收通知",
    ),
    PlaceWish((PlaceKind.WEB,), True): (
        "只在网页通知我", "只发到网页", "only on the web", "send updates only to the web page",
    ),
    PlaceWish((PlaceKind.WHATSAPP,)): ("notify me via WhatsApp", "switch notifications to WhatsApp"),
    PlaceWish((PlaceKind.TELEGRAM,)): ("send my case updates to Telegram", "通知发到Telegram"),
    PlaceWish(asks=True): (
        "通知发到哪里", "我的通知发到哪", "更换通知方式", "where do my updates go?", "change where my notifications go",
    ),
}  # fmt: skip
NOT_SAID = (
    "微信", "网页", "here", "我在网上看到通知", "微信通知群里没人管", "用英文通知我", "停止通知", "能在微信上办吗",
    "通知书发到哪里", "我要投诉微信", "only", "网上怎么查进度", "在微信看进度", "消息发到群里", 
    "办好了会用微信通知我吗", "can I apply on the web",
    "发到微信", "物业只在群里通知我", "进度在哪", "the notice was only on the web page of the school",
)  # fmt: skip


@pytest.mark.parametrize(("wish", "words"), [(wish, words) for wish, said in SAID.items() for words in said])
def test_places_are_understood(wish: PlaceWish, words: str) -> None:
    assert place_wish_of(words) == wish


@pytest.mark.parametrize("words", NOT_SAID)
def test_what_only_sounds_like_it(words: str) -> None:
    assert place_wish_of(words) is None


def test_every_place_has_its_words_and_every_button_is_understood() -> None:
    domain = read_domain()
    for language in ("zh", "en"):
        assert place_wish_of(domain.text("utter_notices_here", language)) == PlaceWish()
        for kind in PlaceKind:
            assert domain.text(f"utter_place_{kind}", language)
            meant = place_wish_of(domain.text(f"utter_notices_to_{kind}", language))
            assert meant is not None and meant.kinds is not None and meant.kinds[0] == kind
