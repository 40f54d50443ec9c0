"""A real server process for tests: `chengda serve` on a free port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS, STOP_SECONDS = 180, 120
PROGRAM = (sys.executable, "-m", "connectors.cli")


class Server:
    """One running server; its database lies in `folder`, where it runs, its models in the repository's data folder."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, workers: int = 1) -> None:
        self._folder, self._workers = folder, workers
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CHENGDA_DATA_DIR": str(ROOT / ".chengda"),
            "CHENGDA_DATABASE_URL": f"sqlite:///{folder / 'test.sqlite3'}",
            "CHENGDA_RATE_LIMIT": "0",
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start the process and wait until it can serve."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [*PROGRAM, "serve", "--port", str(port), "--workers", str(self._workers)]
        log = (self._folder / "server.log").open("ab")
        self.process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.ready():
                return
            time.sleep(0.2)
        raise AssertionError((self._folder / "server.log").read_text(encoding="utf-8")[-3000:])

    def say(self, text: str, sender: str = "tester") -> dict[str, Any]:
        """The turn that a message gets."""
        body = {"sender": sender, "message": text}
        answer = httpx.post(self.url + "/webhooks/rest/webhook", json=body, timeout=60).json()
        turn: dict[str, Any] = answer[-1]["custom"]["turn"]
        return turn

    def command(self, *words: str) -> str:
        """What another command of the program prints, run beside the server on the same data."""
        where = {"cwd": self._folder, "env": self._environment}
        done = subprocess.run([*PROGRAM, *words], **where, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait for its end; raises TimeoutExpired where it does not."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(STOP_SECONDS)

    def kill_workers(self) -> int:
        """SIGKILL to every worker of several, which the server starts anew by itself; gives how many."""
        assert self.process is not None
        own = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        workers = [int(pid) for pid in own if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        return len(workers)

    def ready(self) -> bool:
        """Whether it serves now."""
        try:
            return httpx.get(self.url + "/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False
