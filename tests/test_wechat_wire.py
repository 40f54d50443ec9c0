"""What WeChat pushes, read; positions; replays; templates; every error code: without a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message

from bot.cases.case import CaseDraft, DemandType
from bot.cases.coordinates import located, place_told
from bot.channels.contacts import Window
from bot.channels.plain import Piece, packed
from bot.database import migrate, open_database
from bot.errors import BadCallback, SettingsError
from bot.messages import Button, SenderId
from bot.store import Store
from connectors.channels.channel import Push
from connectors.channels.registry import check_channels
from connectors.mock.wechat_account import Account
from connectors.mock.wechat_pusher import Pusher
from connectors.wechat.codes import CODES, STALE_TOKEN, meaning_of
from connectors.wechat.crypto import Signed
from connectors.wechat.markup import document
from connectors.wechat.notice import FITTING
from connectors.wechat.place import Position, to_gcj02, to_wgs84
from connectors.wechat.replay import Replays, check_time
from connectors.wechat.wire import Ask, Consent, Undelivered, read, text_answer
from tests.npm import installed, run

APP, SECRET, TOKEN = "wx0123456789abcdef", "mock-secret", "mock-token"
AT = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = Account(APP, SECRET)


@pytest.fixture
def pusher() -> Iterator[Pusher]:
    """Writes documents as WeChat does."""
    pusher = Pusher("http://127.0.0.1:9/", TOKEN, ACCOUNT, clock=AT.timestamp)
    yield pusher
    pusher.close()


MESSAGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": ({"Content": "路灯]]>坏了 😀𠮷"}, {"ask": Ask.ANSWER, "text": "路灯]]>坏了 😀𠮷", "source": "text"}),
    "text tapped": ({"Content": "满意", "bizmsgmenuid": "101"}, {"ask": Ask.ANSWER, "tapped": True}),
    "voice": ({"MediaId": "m", "Recognition": "你好。"}, {"ask": Ask.ANSWER, "text": "你好。", "source": "asr"}),
    "voice misspelled": ({"Recongnition": "你好"}, {"ask": Ask.ANSWER, "source": "asr"}),
    "voice unheard": ({"MediaId": "m", "Recognition": ""}, {"ask": Ask.UNHEARD}),
    "image": ({"PicUrl": "http://127.0.0.1:9/", "MediaId": "m"}, {"ask": Ask.UNREAD}),
    "video": ({"MediaId": "m", "ThumbMediaId": "t"}, {"ask": Ask.UNREAD}),
    "shortvideo": ({"MediaId": "m", "ThumbMediaId": "t"}, {"ask": Ask.UNREAD}),
    "link": ({"Title": "停水通知", "Url": "http://127.0.0.1:9/"}, {"ask": Ask.ANSWER, "text": "停水通知"}),
    "location": (
        {"Location_X": 22.614, "Location_Y": 114.039, "Scale": 15, "Label": "广东省深圳市龙华区民治大道1号"},
        {"ask": Ask.ANSWER, "text": "龙华区民治大道1号（22.616761,114.033920）", "source": "location"},
    ),
    "location without label": ({"Location_X": 40.7, "Location_Y": -74.0}, {"text": "（40.700000,-74.000000）"}),
    "location garbled": ({"Location_X": "north", "Location_Y": "nan", "Label": "市民中心"}, {"text": "市民中心"}),
    "location nowhere": ({"Location_X": 91, "Location_Y": 200}, {"ask": Ask.UNREAD}),
    "hologram": ({}, {"ask": Ask.NOTHING, "kind": "unknown"}),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(pusher: Pusher, name: str) -> None:
    fields, expected = MESSAGES[name]
    document = pusher.message("oA1", name.split()[0], "24000000000000001", **fields)
    incoming = read(document.encode())
    assert (incoming.user, incoming.account, incoming.key) == ("oA1", "gh_city", "24000000000000001")
    assert incoming.at == AT
    for field, value in expected.items():
        assert getattr(incoming, field) == value, field
    assert parse_message(document).source == "oA1"


CHOICES = "<{0}><List><TemplateId>T1</TemplateId><SubscribeStatusString>{1}</SubscribeStatusString></List></{0}>"
SENT = (
    "<SubscribeMsgSentEvent><List><TemplateId>T1</TemplateId><MsgID>7</MsgID><ErrorCode>{}</ErrorCode></List>"
    "</SubscribeMsgSentEvent>"
)
EVENTS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "follow": ("subscribe", {}, "", {"ask": Ask.WELCOME, "scene": ""}),
    "follow by code": ("subscribe", {"EventKey": "qrscene_lamp_42", "Ticket": "T"}, "", {"scene": "lamp_42"}),
    "scan": ("SCAN", {"EventKey": "lamp_42", "Ticket": "T"}, "", {"ask": Ask.WELCOME, "scene": "lamp_42"}),
    "leave": ("unsubscribe", {}, "", {"ask": Ask.GONE}),
    "menu": ("CLICK", {"EventKey": "转人工"}, "", {"ask": Ask.ANSWER, "text": "转人工", "source": "menu"}),
    "view": ("VIEW", {"EventKey": "https://example.org"}, "", {"ask": Ask.NOTHING, "text": ""}),
    "where": ("LOCATION", {"Latitude": 22.5, "Longitude": 114.0, "Precision": 1}, "", {"ask": Ask.NOTHING, "text": ""}),
    "code": (
        "scancode_waitmsg",
        {"EventKey": "k"},
        "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>lamp-7</ScanResult></ScanCodeInfo>",
        {"ask": Ask.ANSWER, "text": "lamp-7"},
    ),
    "job well": ("TEMPLATESENDJOBFINISH", {"MsgID": 7, "Status": "success"}, "", {"ask": Ask.NOTHING}),
    "job blocked": (
        "TEMPLATESENDJOBFINISH",
        {"MsgID": 7, "Status": "failed:user block"},
        "",
        {"undelivered": (Undelivered("7", "template: blocked by the citizen", True),)},
    ),
    "job failed": (
        "TEMPLATESENDJOBFINISH",
        {"MsgID": 7, "Status": "failed: system failed"},
        "",
        {"undelivered": (Undelivered("7", "template: failed at WeChat"),)},
    ),
    "agreed": (
        "subscribe_msg_popup_event",
        {},
        CHOICES.format("SubscribeMsgPopupEvent", "accept"),
        {"ask": Ask.CONSENT, "consents": (Consent("T1", True),)},
    ),
    "refused later": (
        "subscribe_msg_change_event",
        {},
        CHOICES.format("SubscribeMsgChangeEvent", "reject"),
        {"consents": (Consent("T1", False, True),)},
    ),
    "notice well": ("subscribe_msg_sent_event", {}, SENT.format(0), {"ask": Ask.NOTHING}),
    "notice failed": (
        "subscribe_msg_sent_event",
        {},
        SENT.format(3),
        {"undelivered": (Undelivered("7", "subscription: error 3"),)},
    ),
    "desk of WeChat's": ("kf_create_session", {"KfAccount": "a@b"}, "", {"ask": Ask.NOTHING}),
    "unheard of": ("teleport", {}, "", {"ask": Ask.NOTHING, "kind": "unknown"}),
}


@pytest.mark.parametrize("name", EVENTS)
def test_events(pusher: Pusher, name: str) -> None:
    event, fields, inner, expected = EVENTS[name]
    document = pusher.event("oA1", event, inner, **fields)
    incoming = read(document.encode())
    for field, value in expected.items():
        assert getattr(incoming, field) == value, field
    assert incoming.key == read(document.encode()).key
    assert incoming.key != read(pusher.event("oA1", event, inner, **{**fields, "EventKey": "other"}).encode()).key
    assert parse_message(document).source == "oA1"


@pytest.mark.parametrize("broken", [("oA1", "../x"), ("oA1", ""), ("1767225600", "soon"), ("1767225600", "-1")])
def test_a_push_without_its_head_is_refused(pusher: Pusher, broken: tuple[str, str]) -> None:
    with pytest.raises(BadCallback):
        read(pusher.message("oA1", Content="x").replace(*broken).encode())


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: f"<xml>{text}</xml>".encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(BadCallback):
        read(body)


def test_an_answer_read_by_wechatpy(pusher: Pusher) -> None:
    incoming = read(pusher.message("oA1", Content="x").encode())
    answer = parse_message(document(**text_answer(incoming, "好]]><b>的</b> 😀", AT)))
    assert (answer.target, answer.source, answer.content) == ("oA1", "gh_city", "好]]><b>的</b> 😀")


@given(st.floats(18, 53.5), st.floats(74, 134.9))
def test_positions_turn_back_to_a_hand_s_breadth(latitude: float, longitude: float) -> None:
    position = Position(latitude, longitude)
    shifted = to_gcj02(position)
    assert 1e-5 < abs(shifted.latitude - latitude) + abs(shifted.longitude - longitude) < 0.03
    back = to_wgs84(shifted)
    assert abs(back.latitude - latitude) < 1e-6 and abs(back.longitude - longitude) < 1e-6


def test_positions_as_an_npm_package_shifts_them() -> None:
    folder = installed("coordtransform@2.1.2")
    points = [(22.543, 114.058), (39.915, 116.404), (31.23, 121.47), (43.8, 87.6), (40.7, -74.0)]
    script = """
        const { wgs84togcj02 } = require('coordtransform');
        console.log(JSON.stringify(input.map(([lat, lon]) => wgs84togcj02(lon, lat))));"""
    for (latitude, longitude), (east, north) in zip(points, run(folder, script, points), strict=True):
        shifted = to_gcj02(Position(latitude, longitude))
        assert abs(shifted.latitude - north) < 1e-9 and abs(shifted.longitude - east) < 1e-9


def test_coordinates_of_a_place_become_fields_of_the_case() -> None:
    draft = CaseDraft("路灯坏了", DemandType.REPORT, location=place_told("民治大道1号", 22.5, 114.25) + "旁")
    case = located(draft)
    assert (case.location, case.latitude, case.longitude) == ("民治大道1号旁", 22.5, 114.25)
    bare = located(CaseDraft("路灯坏了", DemandType.REPORT, location=place_told("", 22.5, 114.25)))
    assert (bare.location, bare.latitude) == ("（22.500000,114.250000）", 22.5)
    for told in (None, "民治大道", "民治大道（99.123456,14.123456）", "（3,4）号楼"):
        draft = CaseDraft("路灯坏了", DemandType.REPORT, location=told)
        assert located(draft) == draft


def test_replays() -> None:
    engine = open_database("sqlite://")
    migrate(engine)
    store = Store(engine, "SZ", lambda: AT)
    (replays, other), now = (Replays("open", lambda: store) for _ in range(2)), AT
    signed = Signed("s", str(int(AT.timestamp())), "n")
    for late in (-299, 0, 299):
        check_time(signed, now + timedelta(seconds=late), 300)
    for late in (-301, 301):
        with pytest.raises(BadCallback):
            check_time(signed, now + timedelta(seconds=late), 300)
    for odd in ("", "soon", "１７６７２２５６００", "-1", "1" * 30):
        with pytest.raises(BadCallback):
            check_time(Signed("s", odd, "n"), now, 300)
    replays.check_once(signed, "first", now)
    replays.check_once(signed, "first", now)
    # Another process, and the same signature written as another time and word.
    for again in (signed, Signed("s", signed.timestamp[:-1], signed.timestamp[-1] + "n")):
        with pytest.raises(BadCallback):
            other.check_once(again, "second", now)
    replays.check_once(signed, "second", now + timedelta(seconds=2101))
    with store.work() as work:
        assert work.seen.sweep(now + timedelta(days=1)) == 1


def test_a_short_window_does_not_replace_a_long_one() -> None:
    engine = open_database("sqlite://")
    migrate(engine)
    sender = SenderId("wechat:oA1")
    long, short = Window(AT + timedelta(hours=48), 5), Window(AT + timedelta(minutes=1), 3)
    with Store(engine, "SZ", lambda: AT).work() as work:
        for window, expected in ((short, short), (long, long), (short, long)):
            work.contacts.wrote(sender, "wechat", "zh", AT, window)
            contact = work.contacts.of(sender)
            assert contact is not None and contact.window == expected
        work.contacts.close_window(sender)
        work.contacts.wrote(sender, "wechat", "zh", AT, short)
        contact = work.contacts.of(sender)
        assert contact is not None and contact.window == short


def test_pieces_are_joined_to_few_messages() -> None:
    texts = ["好" * 300, "的" * 300, "吗" * 300]
    assert [len(piece.text.encode()) for piece in packed([Piece(text) for text in texts], 2048)] == [1802, 900]
    buttons = (Button("是", "yes"),)
    told = packed([Piece("a"), Piece("b", buttons), Piece("c"), Piece("", (), "https://x/p.png")], 2048)
    assert told == (Piece("a\n\nb", buttons), Piece("c\n\nhttps://x/p.png"))
    assert packed([], 2048) == ()


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("thing", "一" * 30, "一" * 19 + "…"),
        ("phrase", "已提交，待受理", "已提交"),
        ("phrase", "Closed", ""),
        ("character_string", "SZ261120-000123-4号", "SZ261120-000123-4"),
        ("name", "张三 A", "张三"),
    ],
)
def test_values_fit_their_fields(kind: str, value: str, expected: str) -> None:
    assert FITTING[kind](value) == expected


SETTINGS = {"app_id": APP, "secret": SECRET, "token": TOKEN, "aes_key": "A" * 43}


@pytest.mark.parametrize(
    "change",
    [{"aes_key": ""}, {"aes_key": "A" * 42}, {"secret": ""}, {"mode": "odd"}, {"url": "ftp://x"}, {"sceret": "x"}],
)
def test_wrong_settings_are_refused_without_telling_them(change: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        check_channels({"wechat": {**SETTINGS, **change}})
    assert SECRET not in str(raised.value) and "AAAA" not in str(raised.value)
    assert "wechat" in str(raised.value)


def test_good_settings() -> None:
    check_channels({"wechat": SETTINGS, "second": {**SETTINGS, "kind": "wechat", "mode": "plain", "aes_key": ""}})


def test_every_code_of_the_notes_has_a_meaning() -> None:
    notes = "-1 0 40001 40003 40007 40013 40014 40029 40163 40033 40037 40125 40164 40200 41001 42001 43004 43019 43101"
    notes += " 44004 45001 45002 45008 45009 45011 45015 45047 45072 45080 45081 47001 47003 48001 50002"
    assert {int(code) for code in notes.split()} == set(CODES)
    assert set(CODES) >= STALE_TOKEN
    assert [code for code, meaning in CODES.items() if meaning.outcome is Push.SENT] == [0]
    assert meaning_of(99999).outcome is Push.LATER
    assert all(re.fullmatch(r"[\w ,'’]*", meaning.why) for meaning in CODES.values())
