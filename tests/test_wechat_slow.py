"""Answers that take too long, honestly: the conversation's lock in PostgreSQL is held by somebody else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from connectors.postgres_server import PostgresServer
from connectors.wechat.crypto import signature_of
from connectors.wechat.markup import document
from tests.waiting import wait
from tests.wechat_city import TOKEN, City


@pytest.fixture(scope="module")
def slow(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = City(tmp_path_factory.mktemp("slow"), url=postgres.make("wechatslow"), workers=2)
    yield city
    city.stop()


@contextmanager
def held(city: City, openid: str) -> Iterator[None]:
    """The conversation of a citizen held meanwhile, as another turn of it would."""
    address = city.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"wechat:{openid}",))
        yield
        connection.rollback()


def test_an_answer_that_is_late_comes_once_as_a_customer_message(slow: City) -> None:
    openid = "oSlow"
    assert slow.pusher.say(openid, "你好").shown
    with held(slow, openid):
        delivery = slow.pusher.say(openid, "驾照快到期了怎么办", "77")
        assert (delivery.shown, delivery.failed, delivery.attempts) == (None, False, 1)
        assert delivery.seconds > 4.0
        assert slow.account.texts(openid) == []
        with ThreadPoolExecutor(3) as threads:
            joined = list(threads.map(lambda _: slow.pusher.say(openid, "驾照快到期了怎么办", "77"), range(3)))
        assert all(one.shown is None and not one.failed for one in joined)
    assert wait(lambda: len(slow.account.texts(openid)) == 1)
    late = slow.pusher.say(openid, "驾照快到期了怎么办", "77")
    assert late.shown is None and not late.failed
    time.sleep(3)
    (text,) = slow.account.texts(openid)
    assert "驾驶证" in text and slow.states(openid) == ["sent"]
    assert slow.turns(openid) == 2


def test_a_case_filed_late_is_filed_once(slow: City) -> None:
    openid = "oLateCase"
    for number, text in enumerate(("路灯坏了，昨晚开始的", "民治大道500号"), 1):
        slow.pusher.say(openid, text)
        assert wait(lambda number=number: slow.turns(openid) == number)
    with held(slow, openid), ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: slow.pusher.say(openid, "确认", "78"), range(3)))
    assert all(one.shown is None and not one.failed for one in found)
    assert wait(lambda: bool(told(slow, openid)))
    (case,) = slow.cases(openid)
    assert case.number in told(slow, openid)[0]
    time.sleep(2)
    assert len(told(slow, openid)) == 1


def told(city: City, openid: str) -> list[str]:
    """The customer messages that tell of a filed case."""
    return [text for text in city.account.texts(openid) if "查询码" in text]


def test_a_signature_is_used_once_at_whichever_worker(slow: City) -> None:
    """In plain mode the signature does not cover the words: it is good for those it came with first."""
    moment, nonce, openid = str(int(time.time())), secrets.token_hex(5), "oReplayed"
    signed = {"signature": signature_of(TOKEN, moment, nonce), "timestamp": moment, "nonce": nonce}

    def pushed(words: str, number: int) -> int:
        told = document(
            ToUserName="gh_city", FromUserName=openid, CreateTime=moment, MsgType="text", Content=words, MsgId=number
        )
        return httpx.post(slow.plain.target, params=signed, content=told.encode(), timeout=60).status_code

    assert pushed("你好", 1) == 200
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: pushed("转人工", 2 + number % 2), range(12)))
    assert found == [403] * 12
    assert pushed("你好", 1) == 200


@pytest.mark.faults
def test_a_worker_killed_while_it_answers_leaves_one_answer(slow: City) -> None:
    """The message was accepted, its answer was not there yet: whoever comes next gives it, once."""
    openid = "oKilled"
    assert slow.pusher.say(openid, "你好").shown
    with held(slow, openid):
        accepted = slow.pusher.say(openid, "驾照快到期了怎么办", "90")
        assert (accepted.shown, accepted.failed) == (None, False)
        assert slow.server.kill_workers() == 2
    assert slow.turns(openid) == 1 and slow.account.texts(openid) == []
    assert wait(slow.server.ready)
    again = slow.pusher.say(openid, "驾照快到期了怎么办", "90")
    assert again.shown is None and not again.failed
    assert wait(lambda: slow.states(openid) == ["sent"])
    (text,) = slow.account.texts(openid)
    assert "驾驶证" in text and slow.turns(openid) == 2
