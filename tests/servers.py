"""A real server process for tests: `chengda serve` on a free port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 180


class Server:
    """One running server; its database lies in `folder`, its models in the repository's data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start the process and wait until it can serve."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "CHENGDA_DATA_DIR": str(ROOT / ".chengda"),
            "CHENGDA_DATABASE_URL": f"sqlite:///{self._folder / 'test.sqlite3'}",
            "CHENGDA_RATE_LIMIT": "0",
        }
        command = [sys.executable, "-m", "connectors.cli", "serve", "--port", str(port)]
        log = (self._folder / "server.log").open("ab")
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError((self._folder / "server.log").read_text(encoding="utf-8")[-3000:])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait for its end."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(timeout=30)
