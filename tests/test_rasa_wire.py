"""The wire to a Rasa that may do anything: one deadline, a bounded answer, a breaker; what it says and who may act."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.channels.inbox import LEASE
from bot.errors import EngineAway, SettingsError
from bot.messages import MessageId, SenderId
from bot.said import DEPTH, read_said
from bot.settings import Settings
from connectors.limits import is_loopback
from connectors.rasa import breaker
from connectors.rasa.breaker import FAILURES, PAUSE, Breaker
from connectors.rasa.rest_client import MARGIN, MOST_BYTES, RestClient
from connectors.rasa.seal import VALID_SECONDS, Seal

TURN = {"outcome": "answered", "language": "zh", "intent": {"name": "greet", "confidence": 1}}
SOURCE = {"title": "深圳市政府", "url": "https://www.sz.gov.cn/", "checked_on": "2026-11-01"}
CASE = {"case_id": "SZ1", "status": "submitted", "type": "complaint", "expected_datetime": "2026-11-27T12:00:00+08:00"}


@contextmanager
def trickling(head: bytes, piece: bytes, pause: float) -> Iterator[str]:
    """A server that says a head and then a piece again and again; gives its address."""
    ended = threading.Event()

    def speak(talk: socket.socket) -> None:
        with talk:
            try:
                talk.sendall(head)
                while not ended.wait(pause):
                    talk.sendall(piece)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                talk, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=speak, args=(talk,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n[", b" "),
    ],
    ids=["silent", "trickles headers", "trickles its answer"],
)
def test_one_deadline_for_all_phases(head: bytes, piece: bytes) -> None:
    with trickling(head, piece, 0.05) as url:
        client = RestClient(url, "", 0.4, 5)
        began = time.monotonic()
        with pytest.raises(EngineAway, match=r"0\.4 s"):
            client.ask({})
        assert time.monotonic() - began < 60, "it trickles for ever"
        client.close()


def test_an_answer_is_read_up_to_its_bound_only() -> None:
    with trickling(b"HTTP/1.1 200 OK\r\n\r\n[", b" " * (MOST_BYTES // 4), 0) as url:
        client = RestClient(url, "", 60, 5)
        with pytest.raises(EngineAway, match="too large"):
            client.ask({})
        client.close()


@pytest.mark.parametrize("content", [b"no json", b"\xff\xfe", b"[1]", b'{"a": 1}', b"[" * 200_000, b'"\\ud800"'])
def test_what_is_no_list_of_messages(content: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(content)).encode() + b"\r\n\r\n"
    with trickling(head + content, b"", 60) as url:
        client = RestClient(url, "", 60, 5)
        with pytest.raises(EngineAway, match="no list"):
            client.ask({})
        client.close()


@pytest.mark.parametrize("url", ["", "127.0.0.1:5005", "ftp://rasa", "http://", "http://[", "http://a:b"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError, match="CHENGDA_RASA_URL"):
        RestClient(url, "", 1, 5)


def test_a_rasa_that_fails_again_and_again_is_left_alone_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    client = RestClient("http://127.0.0.1:9", "", 60, 5, Breaker("the Rasa", lambda: now[0]))
    for _ in range(FAILURES):
        with pytest.raises(EngineAway, match="ConnectError"):
            client.ask({})
    with pytest.raises(EngineAway, match="left alone"):
        client.ask({})
    now[0] += PAUSE
    with pytest.raises(EngineAway, match="ConnectError"):
        client.ask({})
    with pytest.raises(EngineAway, match="left alone"):
        client.ask({})
    client.close()
    assert [one.message for one in caplog.records if one.name == breaker.logger.name] == [
        "the Rasa failed 5 times in a row: it is left alone for 10 s"
    ]


def test_one_tries_again_after_the_pause_and_one_success_opens_the_way() -> None:
    now = [0.0]
    one = Breaker("it", lambda: now[0])
    for _ in range(FAILURES - 1):
        one.failed()
    assert one.lets_through()
    one.worked()
    for _ in range(FAILURES):
        one.failed()
    now[0] = PAUSE
    assert [one.lets_through(), one.lets_through()] == [True, False]
    one.worked()
    assert [one.lets_through(), one.lets_through()] == [True, True]


def test_a_pass_is_good_for_one_message_of_one_citizen_for_some_minutes() -> None:
    now = [1_800_000_000.0]
    seal, other = Seal("key", lambda: now[0]), Seal("another key", lambda: now[0])
    anna, first = SenderId("web:安娜"), MessageId("m-1")
    name, given = seal.name_of(anna), seal.put(anna, first)
    assert "安娜" not in name + given and "web" not in name and name == seal.name_of(anna) != other.name_of(anna)
    assert seal.read(name, given, first) == anna
    assert seal.read(name, given, MessageId("m-2")) is None and seal.read(name, given, None) is None
    assert seal.read(seal.name_of(SenderId("ben")), given, first) is None
    assert other.read(name, given, first) is None
    for odd in (None, 5, "", "x", "\ud800", given[:-4]):
        assert seal.read(name, odd, first) is None
    now[0] += VALID_SECONDS + 1
    assert seal.read(name, given, first) is None


def test_a_rasa_may_not_take_longer_than_a_kept_message_is_leased() -> None:
    with pytest.raises(ValidationError):
        Settings(rasa_seconds=LEASE.total_seconds() - 3 * MARGIN, _env_file=None)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("localhost", True),
        ("0.0.0.0", False), ("192.0.2.7", False), ("::ffff:192.0.2.7", False), ("localhost.city.example", False),
        ("", False), ("testclient", False),
    ],
)  # fmt: skip
def test_which_machine_is_this_one(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(("text", "buttons", "image", "attachment", "custom", "turn")),
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*TURN, "url")), inner),
                max_leaves=8,
            ),
            max_size=4,
        ),
        max_size=3,
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_it_says_can_be_kept_or_is_refused(items: list[dict[str, Any]]) -> None:
    try:
        said = read_said(items)
    except EngineAway:
        return
    for bubble in said.bubbles:
        told = json.dumps([bubble.text, bubble.image, bubble.custom], ensure_ascii=False, allow_nan=False)
        assert "\0" not in bubble.text and told.encode()


@pytest.mark.parametrize("custom", [{"x": nested(DEPTH)}, {"x": float("nan")}, {"x": float("inf")}])
def test_what_no_database_keeps_is_no_answer(custom: dict[str, Any]) -> None:
    with pytest.raises(EngineAway):
        read_said([{"text": "好的", "custom": custom}])


def test_halves_of_characters_and_odd_buttons_cost_no_words() -> None:
    (bubble,) = read_said([{"text": "好\0的\ud800", "buttons": 5, "image": "javascript:alert(1)"}]).bubbles
    assert (bubble.text, bubble.buttons, bubble.image) == ("好的?", (), None)
    (bubble,) = read_said([{"attachment": {"payload": {"src": "file:///etc/passwd", "name": "x"}}}]).bubbles
    assert bubble.custom == {"attachment": {"payload": {"src": None, "name": "x"}}}


def test_a_told_turn_is_taken_whole_or_not_at_all() -> None:
    good = {**TURN, "sources": [SOURCE], "case": CASE, "cases": [CASE], "active_form": None, "rights": "all"}
    told = read_said([{"custom": {"turn": good}}]).turn
    assert told == {name: value for name, value in good.items() if name != "rights"}
    wrongs: list[dict[str, Any]] = [
        {"outcome": []},
        {"outcome": "won"},
        {"language": ["zh"]},
        {"intent": "greet"},
        {"services": 5},
        {"services": [{"code": 1}]},
        {"case": {"case_id": 5}},
        {"active_form": {}},
    ]
    told = read_said([{"custom": {"turn": {**good, "sources": [{**SOURCE, "url": "javascript:alert(1)"}]}}}]).turn
    assert told is not None and told["sources"] == [{**SOURCE, "url": None}]
    for wrong in wrongs:
        assert read_said([{"text": "好的", "custom": {"turn": {**good, **wrong}}}]).turn is None, wrong
