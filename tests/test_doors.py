"""The doors of WeChat and WeCom with the vendors' own calls, without a server."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from bot.database import migrate, open_database
from bot.domain import read_domain
from bot.errors import BadCallback
from bot.settings import Settings
from bot.store import Store
from connectors.app import create_app
from connectors.limits import Limits
from connectors.wechat import door as wechat
from connectors.wechat.crypto import Codec, Envelope, Signed, signature_of
from connectors.wechat.replay import Replays
from connectors.wechat.settings import Mode, WeChatSettings
from connectors.wechat.wire import Ask
from connectors.wecom import door as wecom
from connectors.wecom.intake import tapped
from connectors.wecom.settings import WeComSettings
from connectors.wecom.wire import item_of

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "fixtures" / "wechat_vectors.json").read_text(encoding="utf-8")
)
PUSH = next(row for row in VECTORS["sealed"] if row["name"] == "safe push")
ECHO = next(row for row in VECTORS["sealed"] if row["name"] == "wecom echo")
AT = datetime.fromtimestamp(int(PUSH["timestamp"]), UTC)


def asked(**told: str) -> Request:
    return Request({"type": "http", "method": "GET", "query_string": urlencode(told).encode(), "headers": []})


def wechat_door(**settings: Any) -> wechat.Door:
    engine = open_database("sqlite://")
    migrate(engine)
    store = Store(engine, "SZ", lambda: AT)
    told = {"app_id": PUSH["receive_id"], "secret": "s", "token": PUSH["token"], "aes_key": PUSH["aes_key"]}
    return wechat.Door(WeChatSettings.model_validate(told | settings), Replays("wechat", lambda: store))


def wecom_door() -> wecom.Door:
    key, token = SecretStr(ECHO["aes_key"]), SecretStr(ECHO["token"])
    return wecom.Door(WeComSettings(corp_id=ECHO["receive_id"], secret=SecretStr("s"), token=token, aes_key=key))


def signed(row: dict[str, Any], name: str, **more: str) -> Request:
    return asked(**{name: row["signature"]}, timestamp=row["timestamp"], nonce=row["nonce"], **more)


def test_the_address_is_checked_by_its_signature_alone() -> None:
    """The vendors' own checks are of 2014 and 2024: a clock that is wrong must not hinder setting up."""
    row = VECTORS["plain"][0]
    assert wechat_door().echo(signed(row, "signature", echostr=row["echostr"])) == row["echostr"]
    assert wecom_door().echo(signed(ECHO, "msg_signature", echostr=ECHO["sealed"])).decode() == ECHO["text"]
    with pytest.raises(BadCallback):
        wechat_door().echo(signed(row | {"nonce": "1"}, "signature", echostr=row["echostr"]))


@pytest.mark.parametrize("skew", [300, 30])
def test_a_push_is_of_about_now_by_the_setting(skew: int) -> None:
    door, push = wechat_door(skew_seconds=skew), signed(PUSH, "msg_signature", encrypt_type="aes")
    body = json.dumps({"ToUserName": "gh", "Encrypt": PUSH["sealed"]}).encode()
    assert door.opened(push, body, AT + timedelta(seconds=skew - 1)).sealed
    with pytest.raises(BadCallback):
        door.opened(push, body, AT + timedelta(seconds=skew + 1))


@pytest.mark.parametrize("envelope", [Envelope.JSON, Envelope.XML])
def test_wechats_own_sealed_push_is_read_and_answered_in_its_form(envelope: Envelope) -> None:
    """What is sealed in the vendor's example is JSON, whatever it is wrapped in."""
    fields = {"ToUserName": "gh_97417a04a28d", "Encrypt": PUSH["sealed"]}
    xml = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = json.dumps(fields) if envelope is Envelope.JSON else f"<xml>{xml}</xml>"
    door = wechat_door()
    opened = door.opened(signed(PUSH, "msg_signature", encrypt_type="aes"), body.encode(), AT)
    incoming = opened.incoming
    assert (incoming.user, incoming.account) == ("o9AgO5Kd5ggOC-bXrbNODIiE3bGY", "gh_97417a04a28d")
    assert (incoming.at, incoming.ask, incoming.kind) == (AT, Ask.NOTHING, "unknown")
    answer = door.closed(opened, "好", AT)
    assert str(answer.media_type) == f"application/{envelope}"
    codec = Codec(PUSH["token"], PUSH["aes_key"], PUSH["receive_id"])
    sealed = codec.sealed_in(bytes(answer.body))
    if envelope is Envelope.JSON:
        told = json.loads(bytes(answer.body))
        assert told["MsgSignature"] == signature_of(PUSH["token"], str(told["TimeStamp"]), told["Nonce"], sealed)
        text = codec.open_text(sealed, Signed(told["MsgSignature"], str(told["TimeStamp"]), told["Nonce"]))
        assert json.loads(text) == {
            "ToUserName": incoming.user, "FromUserName": incoming.account, "CreateTime": int(PUSH["timestamp"]),
            "MsgType": "text", "Content": "好",
        }  # fmt: skip


def test_a_plain_push_in_json() -> None:
    row = VECTORS["plain"][2]
    door = wechat_door(mode=Mode.PLAIN, aes_key="")
    told = {"ToUserName": "gh", "FromUserName": "oA1", "CreateTime": int(row["timestamp"]), "MsgType": "text"}
    body = told | {"Content": "路灯\x00坏了", "MsgId": 2**62}
    opened = door.opened(signed(row, "signature"), json.dumps(body).encode(), AT)
    assert (opened.incoming.text, opened.incoming.key) == ("路灯坏了", str(2**62)) and not opened.sealed
    deep: dict[str, Any] = {}
    for _ in range(20):
        deep = {"a": deep}
    for bad in (json.dumps(told | deep), "{", '{"a": [[1]]}', "{" * 100_000, '{"a": ' * 50_000, json.dumps([told])):
        with pytest.raises(BadCallback):
            door.opened(signed(row, "signature"), bad.encode(), AT)


@pytest.mark.parametrize(
    ("menu", "words", "meant"),
    [
        ("101", "垃圾没人清", "垃圾没人清"),
        ("/confirm", "确认", "/confirm"),
        ("rasa-payload", "好的", "rasa-payload"),
        ("确认提交", "确认提交", "/confirm_all"),
    ],
)
def test_a_line_of_a_menu_is_what_it_says_unless_its_id_is_ours(menu: str, words: str, meant: str) -> None:
    item = item_of(
        {
            "msgid": "m1", "open_kfid": "wk1", "external_userid": "wm1", "send_time": 1767225600, "origin": 3,
            "msgtype": "text", "text": {"content": words, "menu_id": menu},
        }
    )  # fmt: skip
    buttons = [{"title": "好的", "payload": "rasa-payload"}, {"title": "确认提交", "payload": "/confirm_all"}]
    assert item is not None and tapped([{"text": "?", "buttons": buttons}], item) == meant


def test_what_a_messenger_brings_is_not_counted_by_its_address() -> None:
    """All citizens of WeChat come from a few addresses of WeChat's: a refusal would lose what they write."""
    door, other = "/webhooks/wechat/webhook", "/webhooks/rest/webhook"
    app = Starlette(
        routes=[Route(path, lambda request: PlainTextResponse("success"), methods=["POST"]) for path in (door, other)]
    )
    app.add_middleware(
        Limits, domain=read_domain(), requests_a_minute=2, trusted_proxy=False, uncounted=[re.compile(door)]
    )
    client = TestClient(app)
    assert [client.post(door, content=b"x").status_code for _ in range(5)] == [200] * 5
    assert [client.post(other).status_code for _ in range(3)] == [200, 200, 429]


def test_every_door_of_a_channel_is_one_of_those() -> None:
    told = {
        "wechat": {"app_id": "wx1", "secret": "s", "token": "t", "mode": "plain"},
        "telegram": {"token": "1:x", "secret": "long-enough"},
        "line": {"kind": "phone", "auth_token": "t", "public_url": "https://city.test"},
    }
    app = create_app(Settings(channels=json.dumps(told), _env_file=None))  # type: ignore[call-arg]
    limits: Any = next(one for one in app.user_middleware if "uncounted" in one.kwargs)
    free = ("/webhooks/telegram/webhook", "/webhooks/wechat/webhook", "/line/voice", "/line/after")
    recogniser = ("/asr/aliyun/call-1", "/asr/aliyun/call-1/end")
    counted = ("/webhooks/rest/webhook", "/line/voice/x", "/asr/aliyun", "/asr/a/b/c", "/x/asr/a/b", "/messages")

    def is_free(path: str) -> bool:
        return any(door.match(path) for door in limits.kwargs["uncounted"])

    assert all(map(is_free, free + recogniser)) and not any(map(is_free, counted))
