"""WeCom's formats against clients written by others: wechatpy on both sides of the stand-in, and an npm package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.enterprise import WeChatClient, WeChatCrypto
from wechatpy.exceptions import WeChatClientException

from bot.channels.capability import Capabilities
from bot.channels.plain import packed, pieces_of
from bot.errors import BadCallback
from bot.messages import Button
from connectors.mock.wecom import create_wecom
from connectors.mock.wecom_corp import BOT, HUMAN, Corp
from connectors.mock.wecom_pusher import Pusher
from connectors.wechat.crypto import Codec, Signed
from connectors.wechat.markup import fields_of
from connectors.wecom.channel import content_of, menus
from connectors.wecom.wire import Ask, Session, call_of, item_of, session_of
from tests.npm import installed, run
from tests.served import Served
from tests.wecom_city import ACCOUNT, CORP, KEY, SECRET, TOKEN

ODD = [None, True, 0, -1, 10**30, 3.5, "", "text", "a\x00\ud800", [], [{}], {}, {"content": ["x"]}]
ANYTHING = st.sampled_from(ODD)
NAMES = st.sampled_from(["msgid", "send_time", "origin", "msgtype", "event", "open_kfid", "text", "fail_msgid"])


class Outsider(WeChatClient):  # type: ignore[misc]
    """wechatpy's client of WeCom, which refreshes its token by itself."""

    def fetch_access_token(self) -> Any:
        return self._fetch_access_token(
            url=f"{self.API_BASE_URL}gettoken", params={"corpid": self.corp_id, "corpsecret": self.secret}
        )


@pytest.fixture(scope="module")
def corp() -> Corp:
    return Corp(CORP, SECRET, (ACCOUNT,))


@pytest.fixture(scope="module")
def pusher(corp: Corp) -> Iterator[Pusher]:
    pusher = Pusher("http://127.0.0.1:9", TOKEN, KEY, corp)
    yield pusher
    pusher.close()


@pytest.fixture(scope="module")
def client(corp: Corp, pusher: Pusher) -> Iterator[Outsider]:
    mock = Served(create_wecom(corp, pusher))
    client = Outsider(CORP, SECRET)
    client.API_BASE_URL = f"{mock.url}/cgi-bin/"
    yield client
    client._http.close()
    mock.stop()


def test_wechatpy_opens_our_calls_and_we_open_its_own(pusher: Pusher) -> None:
    crypto, text = WeChatCrypto(TOKEN, KEY, CORP), pusher.message(ACCOUNT)
    sealed = pusher.codec.seal(text, "1767225600", "n1")
    signature = fields_of(sealed.encode()).text("MsgSignature")
    assert crypto.decrypt_message(sealed, signature, "1767225600", "n1") == text
    theirs = crypto.encrypt_message(text, "n2", "1767225601").encode()
    fields = fields_of(theirs)
    opened = Codec(TOKEN, KEY, CORP).open(theirs, Signed(fields.text("MsgSignature"), "1767225601", "n2"))
    call = call_of(opened, CORP)
    assert call is not None and call.account == ACCOUNT and call.token.startswith("ENC")
    with pytest.raises(BadCallback):
        call_of(opened, "ww-another")


def test_wechatpy_checks_the_echo_we_open(pusher: Pusher) -> None:
    crypto = WeChatCrypto(TOKEN, KEY, CORP)
    sealed = pusher.codec.seal_text("1616140317555161061")
    signed = pusher._signed(sealed)
    given_ = (signed["msg_signature"], signed["timestamp"], signed["nonce"])
    assert crypto.check_signature(*given_, sealed) == "1616140317555161061"


def test_npm_of_the_wecom_team_opens_our_calls(pusher: Pusher) -> None:
    folder = installed("@wecom/crypto@1.0.1")
    text = pusher.message(ACCOUNT)
    script = """
        const { decrypt, getSignature } = require('@wecom/crypto');
        console.log(JSON.stringify({ ...decrypt(input.key, input.sealed),
            signature: getSignature(input.token, '1767225600', 'n', input.sealed) }));"""
    sealed = pusher.codec.seal_text(text)
    answer = run(folder, script, {"token": TOKEN, "key": KEY, "sealed": sealed})
    assert (answer["message"], answer["id"]) == (text, CORP)
    Codec(TOKEN, KEY, CORP).open_text(sealed, Signed(answer["signature"], "1767225600", "n"))


def test_wechatpy_uses_the_api(corp: Corp, client: Outsider) -> None:
    customer = corp.customer(ACCOUNT, "wmOut")
    corp.wrote(customer, "text", {"content": "你好"})
    token = corp.call_token()
    page = client.post("kf/sync_msg", data={"open_kfid": ACCOUNT, "token": token, "limit": 100})
    assert page["has_more"] == 0 and page["msg_list"][0]["text"]["content"] == "你好"
    item = item_of(page["msg_list"][0])
    assert item is not None and (item.ask, item.text, item.address.user) == (Ask.ANSWER, "你好", "wmOut")
    body = {"touser": "wmOut", "open_kfid": ACCOUNT, "msgid": "case7-3", "msgtype": "text", "text": {"content": "好"}}
    for _ in range(2):
        assert client.post("kf/send_msg", data=body)["msgid"] == "case7-3"
    assert corp.texts("wmOut") == ["好"]
    for forget in (False, True):
        corp.expire(forget)
        whose = {"open_kfid": ACCOUNT, "external_userid": "wmOut"}
        assert client.post("kf/service_state/get", data=whose)["service_state"] == 0
    moved = client.post("kf/service_state/trans", data={**whose, "service_state": HUMAN, "servicer_userid": "zhangsan"})
    assert moved["msg_code"]
    refusals = {
        "kf/send_msg": ({**body, "msgid": "case7-4"}, 95018),
        "kf/service_state/trans": ({**whose, "service_state": BOT}, 95016),
        "kf/sync_msg": ({"open_kfid": "wkOther"}, 95000),
        "kf/nothing": ({}, 48002),
    }
    for path, (data, code) in refusals.items():
        with pytest.raises(WeChatClientException) as raised:
            client.post(path, data=data)
        assert raised.value.errcode == code


def test_the_sixth_message_and_what_ended(corp: Corp, client: Outsider) -> None:
    customer = corp.customer(ACCOUNT, "wmQuota")
    corp.wrote(customer, "text", {"content": "你好"})
    body = {"touser": "wmQuota", "open_kfid": ACCOUNT, "msgtype": "text", "text": {"content": "好"}}
    for _ in range(5):
        client.post("kf/send_msg", data=body)
    customer_codes = []
    for until in (customer.until, 0.0):
        customer.until = until
        with pytest.raises(WeChatClientException) as raised:
            client.post("kf/send_msg", data=body)
        customer_codes.append(raised.value.errcode)
    assert customer_codes == [95001, 95013]


@given(raw=st.dictionaries(NAMES, ANYTHING, max_size=4), kind=ANYTHING, content=ANYTHING)
def test_whatever_is_fetched_is_read_or_left_alone(raw: dict[str, Any], kind: Any, content: Any) -> None:
    base = {"msgid": "m", "open_kfid": ACCOUNT, "external_userid": "wm", "send_time": 1767225600, "origin": 3}
    for told in (raw, {**base, **raw}, {**base, "msgtype": kind, str(kind): content}):
        item = item_of(told)
        assert item is None or "\x00" not in item.text.encode().decode()
    for event in ("enter_session", "msg_send_fail", "session_status_change"):
        item_of({**base, "msgtype": "event", "event": {**raw, "event_type": event, "change_type": kind}})
    session_of(content)


def test_ids_that_stand_inside_the_event() -> None:
    event = {"event_type": "session_status_change", "open_kfid": ACCOUNT, "external_userid": "wm", "change_type": 3}
    item = item_of({"msgid": "m", "send_time": 1767225600, "origin": 4, "msgtype": "event", "event": event})
    assert item is not None and item.session is Session.ENDED and item.address.user == "wm"


TITLES = st.lists(st.text("甲乙A", min_size=1, max_size=80), max_size=12)


@given(text=st.text("路灯坏了。\n", max_size=1500), titles=TITLES)
def test_messages_fit_what_wecom_takes(text: str, titles: list[str]) -> None:
    buttons = [{"title": title, "payload": f"/ask_service{title}"} for title in titles]
    pieces = menus(packed(pieces_of([{"text": text or "x", "buttons": buttons}], Capabilities(2048, 10)), 2048))
    for piece in pieces:
        content = content_of(piece)
        if content["msgtype"] == "text":
            assert 0 < len(content["text"]["content"].encode()) <= 2048
            continue
        menu = content["msgmenu"]
        assert 0 < len(menu["head_content"].encode()) <= 1024 and 1 <= len(menu["list"]) <= 10
        for line in menu["list"]:
            assert all(1 <= len(line["click"][name].encode()) <= 128 for name in ("id", "content"))
    shown = [button for piece in pieces for button in piece.buttons]
    assert shown in ([], [Button(one["title"], one["payload"]) for one in buttons])
