"""WeCom's customer service killed in the middle: nothing is lost, nothing is answered twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.waiting import wait
from tests.wecom_city import ACCOUNT, SEND, SYNC, City


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = City(tmp_path_factory.mktemp("wecomkills"))
    yield city
    city.stop()


def kill_at(city: City, path: str, nth: int) -> None:
    """Kill the server when a call is done and its answer is not there yet."""
    left = [nth]

    def done(called: str) -> None:
        left[0] -= called == path
        if called == path and left[0] == 0:
            city.server.stop(signal.SIGKILL)

    city.corp.done = done


def test_killed_while_fetching_and_while_sending(city: City) -> None:
    users = [f"wmKill{number}" for number in range(6)]
    city.corp.page, city.corp.gaps = 2, True
    for text in ("驾照快到期了怎么办", "路灯坏了"):
        for user in users:
            city.corp.wrote(city.corp.customer(ACCOUNT, user), "text", {"content": text})
    # Killed at the fourth page, the second with messages: its cursor and its messages were not kept.
    kill_at(city, SYNC, 4)
    assert city.pusher.call(ACCOUNT)
    assert wait(lambda: city.server.process is not None and city.server.process.poll() is not None)
    assert city.fetched().called > city.fetched().fetched
    # Killed when WeCom has delivered the third answer and did not say so yet.
    kill_at(city, SEND, 3)
    city.end_leases()
    city.start()
    assert wait(lambda: city.server.process is not None and city.server.process.poll() is not None)
    city.corp.done = lambda path: None
    city.end_leases()
    city.start()
    assert wait(lambda: all(city.states(user) == ["sent", "sent"] for user in users))
    for user in users:
        said = [event["text"] for turn in city.turns(user) for event in turn.events if event["event"] == "user"]
        texts = city.corp.texts(user)
        assert said == ["驾照快到期了怎么办", "路灯坏了"]
        assert len(texts) == len(set(texts)) >= 2 and "驾驶证" in texts[0]
    assert len({one.msgid for one in city.corp.sent}) == len(city.corp.sent)
    assert city.fetched().cursor == str(len(city.corp.said[ACCOUNT]))
