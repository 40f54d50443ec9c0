"""WeChat over the wire: a running server, the stand-in's API on the one side, its pusher and wechatpy on the other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

from bot.cases.states import Move
from bot.cases.tables import cases
from bot.messages import SenderId
from bot.tracker import Event, Mode, fold
from connectors.mock.wechat_pusher import Pusher
from connectors.wechat.markup import document, fields_of
from tests.npm import installed, run
from tests.waiting import wait
from tests.wechat_city import APP, CONSENT, CUSTOM, FIELDS, KEY, SECRET, TEMPLATE, TOKEN, City


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    template = {"id": TEMPLATE, "fields": FIELDS, "page": "https://city.example/status"}
    city = City(tmp_path_factory.mktemp("wechat"), {"template": template})
    yield city
    city.stop()


def test_the_address_is_checked(city: City) -> None:
    assert city.pusher.check() and city.plain.check()
    other = Pusher(city.pusher.target, "other", city.account)
    assert not other.check()
    other.close()


@pytest.mark.parametrize("sealed", [True, False], ids=["safe", "plain"])
def test_a_conversation_to_a_case(city: City, sealed: bool) -> None:
    pusher, channel = (city.pusher, "wechat") if sealed else (city.plain, "open")
    openid = f"oTalk{sealed}"
    for text in ("路灯坏了，昨晚开始的", "民治大道100号", "确认"):
        delivery = pusher.say(openid, text)
        assert delivery.attempts == 1 and delivery.shown
    with city.engine.begin() as connection:
        own = cases.c.sender == f"{channel}:{openid}"
        row = connection.execute(select(cases).where(own)).one()
    assert row.number in (delivery.shown or "")


def test_three_deliveries_at_once_are_one_turn_and_one_case(city: City) -> None:
    openid = "oThrice"
    for text in ("路灯坏了，昨晚开始的", "民治大道200号"):
        city.pusher.say(openid, text)
    before = city.turns(openid)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: city.pusher.say(openid, "确认", "24000000000000001"), range(3)))
    again = city.pusher.say(openid, "确认", "24000000000000001")
    assert len({one.shown for one in [*found, again]}) == 1 and again.shown
    assert city.turns(openid) == before + 1 and len(city.cases(openid)) == 1
    assert city.account.texts(openid) == []


def test_attacks_are_refused_alike_and_do_nothing(city: City) -> None:
    for pusher in (city.pusher, city.plain):
        for name, attack in pusher.attacks().items():
            answer = attack()
            too_large = name in ("plain-one-byte-over", "plain-a-mebibyte")
            assert (name, answer.status_code) == (name, 413 if too_large else 403)
            assert too_large or answer.text == ""
    assert city.turns("oVictim") == 0


def test_a_place_sent_is_the_place_of_the_demand(city: City) -> None:
    openid, where = "oPlace", {"Location_X": 22.614, "Location_Y": 114.039, "Scale": 15}
    label = "广东省深圳市龙华区民治大道100号"
    asked = city.pusher.send(openid, "location", Label=label, **where).shown or ""
    assert "民治大道100号" in asked
    for text in ("路灯坏了", "昨晚", "确认"):
        city.pusher.say(openid, text)
    (case,) = city.cases(openid)
    assert case.location == "龙华区民治大道100号"
    assert (round(case.latitude, 3), round(case.longitude, 3)) == (22.617, 114.034)


def test_a_place_sent_in_an_english_conversation(city: City) -> None:
    openid = "oPlaceEn"
    assert "Shenzhen" in (city.pusher.say(openid, "hello there").shown or "")
    asked = city.pusher.send(openid, "location", Location_X=22.614, Location_Y=114.039, Scale=15, Label="").shown
    assert "22.61" in (asked or "") and "what" in (asked or "").lower()
    for text in ("the street light is broken", "last night", "yes"):
        city.pusher.say(openid, text)
    (case,) = city.cases(openid)
    assert round(case.latitude, 3) == 22.617


def test_while_a_person_holds_the_talk_pictures_are_shown_to_the_person(city: City) -> None:
    openid = "oHeld"
    city.pusher.say(openid, "你好")
    assert city.pusher.do(openid, "SCAN", EventKey="lamp_7").shown
    with city.store.work() as work:
        sender = SenderId(f"wechat:{openid}")
        event = Event("mode", time.time(), value=Mode.MANUAL)
        work.save(fold(work.tracker(sender), (event,)), None, (event,), [], city.store.now())
    # The bot does not greet into the talk of two people.
    assert city.pusher.do(openid, "SCAN", EventKey="lamp_8").shown is None
    assert city.contact(openid).details["scene"] == "lamp_8"
    city.pusher.send(openid, "image", PicUrl="http://127.0.0.1:9/", MediaId="m")
    with city.store.work() as work:
        assert "[图片、视频或文件]" in [event.text for event in work.events(sender)]


def test_voice_pictures_menus_and_what_nobody_knows(city: City) -> None:
    openid = "oKinds"
    heard = city.pusher.send(openid, "voice", MediaId="m", Format="amr", Recognition="驾照快到期了怎么办")
    assert "驾驶证" in (heard.shown or "")
    before = city.turns(openid)
    assert "没有听清" in (city.pusher.send(openid, "voice", MediaId="m", Format="amr", Recognition="").shown or "")
    assert "看不了" in (city.pusher.send(openid, "image", PicUrl="http://127.0.0.1:9/", MediaId="m").shown or "")
    assert city.turns(openid) == before
    assert city.pusher.do(openid, "CLICK", EventKey="转人工").shown
    for event in ("LOCATION", "VIEW", "kf_create_session", "something_new"):
        delivery = city.pusher.do(openid, event, Latitude=22.5, Longitude=114.0, Precision=30)
        assert (delivery.shown, delivery.status, delivery.attempts) == (None, 200, 1)
    kept = json.dumps(dict(city.contact(openid).details))
    assert "22.5" not in kept and "114" not in kept


def test_following_with_a_code_and_leaving(city: City) -> None:
    openid = "oFollow"
    welcome = city.pusher.do(openid, "subscribe", EventKey="qrscene_lamp_0042", Ticket="T").shown or ""
    assert "城答" in welcome and city.contact(openid).details["scene"] == "lamp_0042"
    assert city.contact(openid).window is not None and city.contact(openid).window.left == 3  # type: ignore[union-attr]
    city.pusher.do(openid, "unsubscribe")
    assert not city.contact(openid).reachable
    city.post(openid, "gone", "hello")
    assert wait(lambda: city.states(openid) == ["refused"])
    assert city.account.texts(openid) == []
    city.pusher.do(openid, "subscribe", EventKey="")
    assert city.contact(openid).reachable


def test_the_sixth_message_waits_until_the_citizen_writes(city: City) -> None:
    openid = "oSix"
    city.pusher.say(openid, "你好")
    for number in range(6):
        city.post(openid, f"six-{number}", f"消息{number}")
    assert wait(lambda: city.states(openid) == ["sent"] * 5 + ["held"])
    assert city.account.texts(openid) == [f"消息{number}" for number in range(5)]
    assert [call for call in city.account.calls if call[1] == 45047] == []
    city.pusher.say(openid, "谢谢")
    assert wait(lambda: city.states(openid) == ["sent"] * 6)
    assert city.account.texts(openid)[-1] == "消息5"


def test_a_tap_on_the_menu_does_not_shorten_the_window(city: City) -> None:
    openid = "oTap"
    city.pusher.do(openid, "CLICK", EventKey="查我的工单进度")
    first = city.contact(openid).window
    assert first is not None and first.left == 3
    city.pusher.say(openid, "你好")
    city.pusher.do(openid, "CLICK", EventKey="查我的工单进度")
    window = city.contact(openid).window
    assert window is not None and window.left == 5


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ([-1], "sent"),
        ([45047], "held"),
        ([45015], "held"),
        ([43004], "refused"),
        ([45002], "failed"),
        ([48001], "waiting"),
    ],
)
def test_what_wechat_answers_is_what_becomes_of_a_message(city: City, codes: list[int], state: str) -> None:
    openid = f"oCode{codes[0]}".replace("-", "m")
    city.pusher.say(openid, "你好")
    city.account.faults[CUSTOM] = list(codes)
    city.post(openid, f"code-{codes}", "消息")
    assert wait(lambda: city.states(openid) == [state] and not city.account.faults[CUSTOM])
    assert city.account.texts(openid) == (["消息"] if state == "sent" else [])


@pytest.mark.parametrize("forget", [False, True], ids=["42001", "40001"])
def test_a_stale_token_is_fetched_once_for_all(city: City, forget: bool) -> None:
    openids = [f"oStale{number}{forget}" for number in range(4)]
    for openid in openids:
        city.pusher.say(openid, "你好")
    city.account.expire(forget)
    before = len(city.account.calls)
    for openid in openids:
        city.post(openid, f"stale-{openid}", "消息")
    assert wait(lambda: all(city.states(openid) == ["sent"] for openid in openids))
    fetched = [path for path, _ in city.account.calls[before:] if path == "/cgi-bin/stable_token"]
    assert len(fetched) == 1


def test_notices_outside_the_window_go_by_template(city: City) -> None:
    openid = "oNotice"
    number = city.filed(openid, "300号")
    city.move(number, Move.ACCEPT)
    assert wait(lambda: city.states(openid) == ["sent"])
    (text,) = city.account.texts(openid)
    assert number in text
    city.end_window(openid)
    city.move(number, Move.DISPATCH, unit="UMB:南山区")
    assert wait(lambda: city.states(openid) == ["sent", "sent"])
    (sent,) = [one for one in city.account.sent if one.openid == openid and one.kind == "template"]
    values = {name: field["value"] for name, field in sent.body["data"].items()}
    assert values["character_string1"] == number and values["phrase3"] == "已派单"
    assert "民治" not in json.dumps(values, ensure_ascii=False)
    city.post(openid, "n-3", "不是通知")
    assert wait(lambda: city.states(openid) == ["sent", "sent", "held"])


def test_a_template_that_did_not_arrive_is_not_told_as_sent(city: City) -> None:
    openid = "oFailed"
    number = city.filed(openid, "400号")
    city.end_window(openid)
    city.account.job_status = "failed:user block"
    city.move(number, Move.ACCEPT)
    assert wait(lambda: city.states(openid) == ["failed"])
    city.account.job_status = "success"
    assert not city.contact(openid).reachable


def test_a_subscription_is_used_once_for_each_consent(city: City) -> None:
    openid = "oConsent"
    number = city.filed(openid, "600号", "open")
    event = city.plain.event(openid, "subscribe_msg_popup_event", CONSENT)
    for _ in range(2):
        assert city.plain.deliver(event).status == 200
    assert city.contact(openid, "open").details["subscriptions"] == {"SUB-1": 1}
    city.account.followers[openid].consents["SUB-1"] = 1
    city.end_window(openid, "open")
    city.move(number, Move.ACCEPT)
    assert wait(lambda: city.states(openid, "open") == ["sent"])
    city.move(number, Move.DISPATCH, unit="UMB:南山区")
    assert wait(lambda: city.states(openid, "open") == ["sent", "held"])
    assert [one.kind for one in city.account.sent if one.openid == openid] == ["subscription"]
    assert city.contact(openid, "open").details["subscriptions"] == {"SUB-1": 0}


def test_lines_to_tap_stand_for_what_is_behind_them(city: City) -> None:
    openid, buttons = "oMenu", [{"title": "是", "payload": "yes"}, {"title": "否", "payload": "no"}]
    city.plain.say(openid, "你好")
    city.post(openid, "menu-1", "对吗？", channel="open", buttons=buttons)
    assert wait(lambda: city.states(openid, "open") == ["sent"])
    assert city.account.texts(openid) == ["对吗？\n是\n否"]
    city.plain.say(openid, "你好")
    tapped = city.plain.send(openid, "text", Content="办事指南", bizmsgmenuid="1").shown
    assert tapped and tapped == city.plain.say(openid + "2", "我想办事").shown


def test_a_long_answer_goes_on_in_customer_messages(city: City) -> None:
    openid, told = "oLong", "路灯坏了，昨晚开始的，在民治大道700号，" + "晚上走路看不清楚，很不安全。" * 60
    first = city.pusher.say(openid, told, "901").shown or ""
    assert 0 < len(first.encode()) <= 2048
    assert wait(lambda: city.states(openid) == ["sent"])
    (rest,) = city.account.texts(openid)
    assert "确认提交吗" in rest and "确认提交吗" not in first
    assert city.pusher.say(openid, told, "901").shown == first
    time.sleep(1.5)
    assert city.account.texts(openid) == [rest]


def test_wechatpy_pushes_and_reads_the_answer(city: City) -> None:
    """wechatpy seals a push, reads the sealed answer, and so does wechat-crypto of npm."""
    theirs, openid = WeChatCrypto(TOKEN, KEY, APP), "oWechatpy"
    told = document(ToUserName="gh_city", FromUserName=openid, CreateTime=1, MsgType="text", Content="你好]]>", MsgId=9)
    moment = str(int(time.time()))
    push = fields_of(theirs.encrypt_message(told, "n0nce", moment).encode())
    signed = {"timestamp": moment, "nonce": "n0nce", "encrypt_type": "aes", "msg_signature": push.text("MsgSignature")}
    answer = httpx.post(
        city.pusher.target, params=signed, content=document(Encrypt=push.text("Encrypt")).encode(), timeout=60
    )
    assert answer.status_code == 200
    fields = fields_of(answer.content)
    sealed = (fields.text("MsgSignature"), fields.text("TimeStamp"), fields.text("Nonce"))
    read = parse_message(theirs.decrypt_message(answer.text, *sealed))
    assert (read.target, read.source) == (openid, "gh_city") and "城答" in read.content
    folder = installed("wechat-crypto@0.0.2")
    script = """
        const crypt = new (require('wechat-crypto'))(input.token, input.key, input.app);
        console.log(JSON.stringify(crypt.decrypt(input.sealed).message));"""
    given = {"token": TOKEN, "key": KEY, "app": APP, "sealed": fields.text("Encrypt")}
    assert parse_message(run(folder, script, given)).content == read.content


def test_nothing_personal_is_logged(city: City) -> None:
    log = city.log.read_text(encoding="utf-8")
    for secret in (SECRET, TOKEN, KEY, "access_token", "oVictim", "oSix", "民治", "路灯"):
        assert secret not in log
