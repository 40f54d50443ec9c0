"""Our client against the stand-in's API, and the stand-in's API against wechatpy's client."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner
from wechatpy import WeChatClient as Wechatpy
from wechatpy.exceptions import WeChatClientException

from connectors.channels.channel import Push, Pushed
from connectors.cli import app as program
from connectors.mock.wechat import create_wechat
from connectors.mock.wechat_account import Account, Trigger
from connectors.mock.wechat_pusher import Pusher
from connectors.wechat.client import TOKEN_PATH, WeChatClient
from connectors.wechat.codes import CODES
from tests.messengers import api_of
from tests.served import Served

APP, SECRET = "wx0123456789abcdef", "mock-secret"
CUSTOM = "/cgi-bin/message/custom/send"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_767_225_600.0

    def __call__(self) -> float:
        return self.now


class Side:
    """The stand-in and a client of ours, on one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.account = Account(APP, SECRET, frozenset({"T1"}), clock=self.clock)
        self.pusher = Pusher("http://127.0.0.1:9/", "t", self.account)
        self.served = Served(create_wechat(self.account, self.pusher))
        self.client = WeChatClient(self.served.url, APP, SecretStr(SECRET), self.clock)

    def fetched(self) -> int:
        return sum(path == TOKEN_PATH for path, _ in self.account.calls)


@pytest.fixture
def side() -> Iterator[Side]:
    side = Side()
    side.account.acted("oA1", Trigger.MESSAGE)
    yield side
    side.client.close()
    side.served.stop()
    side.pusher.close()


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code(side: Side, code: int) -> None:
    """Each code on every try becomes what the table says; never SENT but for 0."""
    if code == 0:
        return
    side.account.faults[CUSTOM] = [code] * 2
    pushed = side.client.text("oA1", "x")
    assert (pushed.outcome, pushed.wait) == (CODES[code].outcome, CODES[code].wait)
    assert pushed.outcome is not Push.SENT and str(code) in pushed.reason
    assert side.account.sent == []


def test_one_token_for_all_threads_and_once_anew(side: Side) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert {one.outcome for one in threads.map(lambda _: side.client.text("oA1", "x"), range(5))} == {Push.SENT}
    assert side.fetched() == 1
    for forget in (False, True):
        side.account.acted("oA1", Trigger.MESSAGE)
        side.account.expire(forget)
        before, together = side.fetched(), threading.Barrier(5)

        def send(_: int, together: threading.Barrier = together) -> Pushed:
            together.wait()
            return side.client.text("oA1", "x")

        with ThreadPoolExecutor(5) as threads:
            assert {one.outcome for one in threads.map(send, range(5))} == {Push.SENT}
        assert side.fetched() == before + 1


def test_a_token_near_its_end_is_fetched_before_it_is_over(side: Side) -> None:
    side.client.text("oA1", "x")
    side.clock.now += 6000
    side.client.text("oA1", "x")
    assert side.fetched() == 1
    side.clock.now += 1000
    side.account.acted("oA1", Trigger.MESSAGE)
    assert side.client.text("oA1", "x").outcome is Push.SENT
    assert side.fetched() == 2 and [code for _, code in side.account.calls if code] == []


def test_a_token_that_stays_refused_is_forced_once_and_given_up(side: Side) -> None:
    side.client.text("oA1", "x")
    before = side.fetched()
    side.account.faults[CUSTOM] = [40001] * 2
    assert side.client.text("oA1", "x").outcome is Push.LATER
    assert side.fetched() == before + 2
    side.account.faults[CUSTOM] = [40001] * 2
    assert side.client.text("oA1", "x").outcome is Push.LATER
    assert side.fetched() == before + 3
    assert side.client.text("oA1", "x").outcome is Push.SENT


@pytest.mark.parametrize(("code", "outcome"), [(40125, Push.LATER), (40164, Push.LATER), (-1, Push.LATER)])
def test_no_token_no_message(side: Side, code: int, outcome: Push) -> None:
    side.account.faults[TOKEN_PATH] = [code]
    pushed = side.client.text("oA1", "x")
    assert pushed.outcome is outcome and str(code) in pushed.reason
    assert side.client.text("oA1", "x").outcome is Push.SENT


def test_nobody_there_is_tried_later(side: Side) -> None:
    client = WeChatClient("http://127.0.0.1:9", APP, SecretStr(SECRET))
    assert client.text("oA1", "x") == Pushed(Push.LATER, "ConnectError")
    client.close()


def test_an_answer_nobody_can_read_may_be_of_a_message_that_arrived() -> None:
    """Of the message; without a token nothing was sent."""
    token = {"access_token": "t", "expires_in": 7200}
    for status, answer, outcome in (
        (504, {}, Push.UNKNOWN), (502, {"errcode": -1}, Push.UNKNOWN), (200, {}, Push.UNKNOWN), (403, {}, Push.LATER),
        (200, {"errcode": -1}, Push.LATER),
    ):  # fmt: skip
        with api_of(lambda call, told=(status, answer): (200, token) if TOKEN_PATH in call.path else told) as api:  # type: ignore[misc]
            client = WeChatClient(api.url, APP, SecretStr(SECRET))
            assert client.text("oA1", "x").outcome is outcome, (status, answer)
            client.close()
        with api_of(lambda call, told=(status, answer): told) as api:  # type: ignore[misc]
            client = WeChatClient(api.url, APP, SecretStr(SECRET))
            assert client.text("oA1", "x").outcome is Push.LATER, (status, answer)
            assert len(api.calls) == 1
            client.close()


def test_quotas(side: Side) -> None:
    assert [side.client.text("oA1", "x").outcome for _ in range(6)] == [Push.SENT] * 5 + [Push.CLOSED]
    assert side.account.calls[-1] == (CUSTOM, 45047)
    side.account.acted("oA1", Trigger.CLICK)
    assert [side.client.text("oA1", "x").outcome for _ in range(4)] == [Push.SENT] * 3 + [Push.CLOSED]
    side.clock.now += 49 * 3600
    assert side.client.text("oA1", "x").outcome is Push.CLOSED
    assert side.account.calls[-1] == (CUSTOM, 45015)
    assert side.client.text("oNobody", "x").outcome is Push.REFUSED


def test_texts_go_as_they_are(side: Side) -> None:
    text = '路灯 😀 𠮷 "quoted" <a href="https://x">查看</a>'
    assert side.client.text("oA1", text).outcome is Push.SENT
    assert side.account.texts("oA1") == [text]


def test_menus_and_an_account_that_may_not(side: Side) -> None:
    assert side.client.menu("oA1", "满意吗？", ["满意", "不满意"], "plain").outcome is Push.SENT
    side.account.verified = False
    for _ in range(2):
        assert side.client.menu("oA1", "满意吗？", ["满意", "不满意"], "满意吗？\n1. 满意").outcome is Push.SENT
    assert side.account.texts("oA1") == ["满意吗？\n满意\n不满意", "满意吗？\n1. 满意", "满意吗？\n1. 满意"]
    assert [code for path, code in side.account.calls if path == CUSTOM] == [0, 40200, 0, 0]


def test_templates_and_subscriptions(side: Side) -> None:
    values = {"character_string1": "SZ261120-000123-4", "thing2": "路灯"}
    first = side.client.template("oA1", "T1", values, "https://x/", "key-1")
    again = side.client.template("oA1", "T1", values, "https://x/", "key-1")
    assert first.outcome is Push.SENT and first.external_id and first.external_id == again.external_id
    assert len([one for one in side.account.sent if one.kind == "template"]) == 1
    assert side.client.template("oA1", "T2", values, "", "k").outcome is Push.BROKEN
    assert side.client.template("oA1", "T1", {"thing2": "一" * 21}, "", "k").outcome is Push.BROKEN
    assert side.client.subscription("oA1", "T1", values, "").outcome is Push.CLOSED
    side.account.followers["oA1"].consents["T1"] = 1
    assert side.client.subscription("oA1", "T1", values, "").outcome is Push.SENT
    assert side.client.subscription("oA1", "T1", values, "").outcome is Push.CLOSED


def test_nothing_of_a_token_is_logged(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        side.client.text("oA1", "x")
        side.account.expire()
        side.client.text("oA1", "x")
    assert "access_token" not in caplog.text and SECRET not in caplog.text


class Outside(Wechatpy):  # type: ignore[misc]
    """wechatpy's client, its token fetched from the stand-in."""

    def fetch_access_token(self) -> Any:
        query = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return self._fetch_access_token(url=f"{self.API_BASE_URL}token", params=query)


def test_wechatpy_uses_the_stand_in(side: Side) -> None:
    client = Outside(APP, SECRET, auto_retry=True)
    client.API_BASE_URL = f"{side.served.url}/cgi-bin/"
    client.message.API_BASE_URL = client.API_BASE_URL
    assert client.message.send_text("oA1", "你好")["errcode"] == 0
    assert side.account.texts("oA1") == ["你好"]
    side.account.faults[CUSTOM] = [40001]
    client.message.send_text("oA1", "again")
    sent = client.message.send_template("oA1", "T1", {"thing2": {"value": "路灯"}})
    assert sent["msgid"] > 0
    for _ in range(3):
        client.message.send_text("oA1", "x")
    with pytest.raises(WeChatClientException) as raised:
        client.message.send_text("oA1", "x")
    assert raised.value.errcode == 45047
    side.clock.now += 49 * 3600
    client.fetch_access_token()
    with pytest.raises(WeChatClientException) as raised:
        client.message.send_text("oA1", "x")
    assert raised.value.errcode == 45015
    side.account.media["m1"] = b"amr"
    assert client.media.download("m1").content == b"amr"
    client._http.close()


def test_the_api_refuses_what_wechat_refuses(side: Side) -> None:
    token = httpx.get(
        f"{side.served.url}/cgi-bin/token",
        params={"grant_type": "client_credential", "appid": APP, "secret": SECRET},
        timeout=60,
    ).json()["access_token"]

    def code(body: bytes, path: str = CUSTOM, access: str = token) -> int:
        answer = httpx.post(f"{side.served.url}{path}", params={"access_token": access}, content=body, timeout=60)
        return int(answer.json()["errcode"])

    text = b'{"touser":"oA1","msgtype":"text","text":{"content":"%s"}}'
    assert code(text % b"\\u4f60") == 40033
    assert code(text % b"") == 44004
    assert code(text % (b"x" * 2049)) == 45002
    assert code(b"{") == 47001
    assert code(text % b"x", access="") == 41001
    assert code(text % b"x", access="old") == 40001
    assert code(b'{"touser":"oA1","msgtype":"image","image":{"media_id":"m"}}') == 40007
    assert code(b'{"touser":"oA1","msgtype":"news","news":{"articles":[1,2]}}') == 45008
    typing = "/cgi-bin/message/custom/typing"
    assert [code(b'{"touser":"oA1","command":"%s"}' % verb, typing) for verb in (b"Typing", b"Typing", b"x")] == [
        0,
        45081,
        45072,
    ]
    side.account.acted("oNew", Trigger.CLICK)
    side.clock.now += 100
    assert code(b'{"touser":"oNew","command":"Typing"}', typing) == 45080
    assert code(b"{}", "/cgi-bin/message/mass/send") == 48001
    forced = {"grant_type": "client_credential", "appid": APP, "secret": SECRET, "force_refresh": True}
    answers = [httpx.post(f"{side.served.url}{TOKEN_PATH}", json=forced, timeout=60).json() for _ in range(2)]
    assert "access_token" in answers[0] and answers[1]["errcode"] == 45011


def test_the_command_is_there() -> None:
    done = CliRunner().invoke(program, ["mock", "wechat", "--help"])
    assert done.exit_code == 0 and "--target" in done.output
