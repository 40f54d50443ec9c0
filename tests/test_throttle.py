"""Counting tries in a real Redis: all workers count together, and each for itself while the server fails."""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis, RedisError

from connectors.throttle import Throttle, login_limits
from tests.ports import free_port
from tests.waiting import PATIENCE, wait

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("redis-server", "valkey-server")
TEN = login_limits(10, 20).address
TRY = "login-address", "10.0.0.1"
ANOTHER_WORKER = (
    "import sys; from connectors import throttle as module; from connectors.throttle import *; "
    f"module.ANSWER_SECONDS = {PATIENCE}; throttle = Throttle(sys.argv[1]); "
    "print(sum(throttle.hit(login_limits(10, 20).address, 'login-address', '10.0.0.1') for _ in range(6)))"
)


class Server:
    """One server on a port or a socket of its own; keeps nothing on disk."""

    def __init__(self, scheme: str) -> None:
        self.program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
        self.folder = Path(tempfile.mkdtemp(prefix="chengda-redis-"))
        port = free_port()
        by_socket = scheme == "redis+unix"
        self.place = ("--port", "0", "--unixsocket", str(self.folder / "s")) if by_socket else ("--port", str(port))
        self.url = f"redis+unix://{self.folder}/s" if by_socket else f"redis://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.program is None:
            pytest.skip("no Redis is installed (Debian: apt-get install redis-server)")
        kept_nowhere = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--dir", str(self.folder))
        self.process = subprocess.Popen(
            [self.program, *self.place, *kept_nowhere], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert wait(self._answers)

    def _answers(self) -> bool:
        with Redis.from_url(self.url.replace("redis+unix", "unix")) as asked:
            try:
                return bool(asked.ping())
            except RedisError:
                return False

    def kill(self, by: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(by)
            if by is signal.SIGKILL:
                self.process.wait()


@pytest.fixture(params=["redis", "redis+unix"])
def redis(request: pytest.FixtureRequest) -> Iterator[Server]:
    started = Server(request.param)
    try:
        started.start()
        yield started
    finally:
        started.kill()
        shutil.rmtree(started.folder)


def hits(throttle: Throttle, times: int) -> int:
    """How many of so many tries counted."""
    return sum(throttle.hit(TEN, *TRY) for _ in range(times))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that is up counts, however slow the machine."""
    monkeypatch.setattr("connectors.throttle.ANSWER_SECONDS", PATIENCE)


def test_all_workers_count_together(redis: Server, patient: None) -> None:
    began, one = time.monotonic(), Throttle(redis.url)
    assert hits(one, 6) == 6
    other = subprocess.run(
        [sys.executable, "-c", ANOTHER_WORKER, redis.url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == "4"
    assert one.spent(TEN, *TRY)
    assert Throttle(redis.url).spent(TEN, *TRY)
    assert not one.spent(TEN, "login-address", "10.0.0.2")
    assert 59 - (time.monotonic() - began) <= one.wait(TEN, *TRY) <= 60


def test_a_server_killed_midway_lets_the_worker_count_for_itself(
    redis: Server, patient: None, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = Throttle(redis.url, pause_seconds=0.2), Throttle(redis.url, pause_seconds=0.2)
    assert hits(one, 8) == 8
    redis.kill()
    with caplog.at_level(logging.ERROR, "chengda"):
        assert (hits(one, 11), hits(other, 11)) == (10, 10)
    assert {record.getMessage() for record in caplog.records} == {"redis does not count: ConnectionError"}
    assert len(caplog.records) < 22
    assert one.spent(TEN, *TRY)
    redis.start()
    time.sleep(0.3)
    assert hits(one, 6) + hits(other, 6) == 10


def test_a_server_that_hangs_costs_a_second_once(redis: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Ten tries, and only the first one waited for it."""
    throttle = Throttle(redis.url, pause_seconds=600)
    assert hits(throttle, 1) == 1
    redis.kill(signal.SIGSTOP)
    with caplog.at_level(logging.ERROR, "chengda"):
        assert hits(throttle, 10) == 10
    assert [record.getMessage() for record in caplog.records] == ["redis does not count: TimeoutError"]
