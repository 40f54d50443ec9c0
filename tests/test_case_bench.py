"""`chengda bench cases`: told to end at any moment, it ends the PostgreSQL that it started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from connectors.postgres_server import binaries
from tests.servers import PROGRAM, ROOT

CASES = 1000
COMMAND = [*PROGRAM, "bench", "cases", "--count", str(CASES), "--seconds", "60", "--connections", "2"]
Moment = Callable[[Path], bool]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the server lies; the account it runs as may enter."""
    made = Path(tempfile.mkdtemp(prefix="chengda-bench-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def data_of(folder: Path) -> Path | None:
    return next(folder.glob("chengda-pg-*/data"), None)


def is_made(folder: Path) -> bool:
    return data_of(folder) is not None


def is_up(folder: Path) -> bool:
    data = data_of(folder)
    return data is not None and (data / "postmaster.pid").exists()


def files(folder: Path) -> bool:
    """Whether it is past loading."""
    data = data_of(folder)
    try:
        with psycopg.connect(f"postgresql://chengda@/bench?host={data and data.parent}") as connection:
            row = connection.execute("SELECT count(*) FROM cases").fetchone()
            return row is not None and row[0] > CASES
    except psycopg.Error:
        return False


@pytest.mark.parametrize(("moment", "by"), [(is_made, signal.SIGTERM), (is_up, signal.SIGHUP), (files, signal.SIGTERM)])
def test_told_to_end_it_ends_its_server(moment: Moment, by: signal.Signals, folder: Path) -> None:
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as bench:
        deadline = time.monotonic() + 300
        while not moment(folder) and bench.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        pid = postmaster(folder)
        bench.send_signal(by)
        told, _ = bench.communicate(timeout=180)
    assert bench.returncode == 128 + by, told.decode()[-2000:]
    assert "Traceback" not in told.decode()
    assert list(folder.glob("chengda-pg-*")) == []
    assert pid is None or not Path(f"/proc/{pid}").exists()


def postmaster(folder: Path) -> int | None:
    data = data_of(folder)
    lines = (data / "postmaster.pid").read_text().split() if data is not None and is_up(folder) else []
    return int(lines[0]) if lines else None
