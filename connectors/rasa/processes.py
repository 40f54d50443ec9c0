"""What a comparison runs beside itself: our server in a thread, Rasa as a process; both end with the block."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import psutil
import uvicorn
from fastapi import FastAPI

from connectors.rasa.environment import ROOT, RasaFailed, ending_of

START_SECONDS = 300
STOP_SECONDS = 30
POLL_SECONDS = 0.1
MEGABYTE = 1024 * 1024


NOTED = ".pid"
# Beside these logs we leave notes.
LOGS = ("engine", "run")
# A number and a moment, as `noted` writes them; a file of another form is somebody else's.
_NOTE = re.compile(r"\d+ \d+(\.\d+)?")


def noted(process: psutil.Process, log: Path) -> Path:
    """Write down beside its log which process runs, so that one left over by a kill is found; gives the note."""
    note = log.with_suffix(NOTED)
    note.write_text(f"{process.pid} {process.create_time()}", encoding="utf-8")
    return note


def still_running(note: Path) -> psutil.Process | None:
    """The process of a note, unless it is over."""
    try:
        number, began = note.read_text(encoding="utf-8").split()
        process = psutil.Process(int(number))
        return process if abs(process.create_time() - float(began)) < 1 else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def end_left_over(folder: Path) -> None:
    """End what a run that was killed has left running, by the notes below a folder."""
    for note in (found for name in LOGS for found in folder.rglob(f"*/{name}{NOTED}") if _is_ours(found)):
        if process := still_running(note):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            psutil.wait_procs([process], STOP_SECONDS)
        note.unlink()


def _is_ours(note: Path) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        return _NOTE.fullmatch(note.read_text(encoding="utf-8")) is not None
    return False


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let a SIGTERM or SIGHUP run the ends of all blocks; of the main thread only."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {one: signal.signal(one, end) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def serving(app: FastAPI, port: int) -> Iterator[str]:
    """Our application on a port, in a thread of this process; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RasaFailed(f"our server did not start on port {port}")
        time.sleep(POLL_SECONDS)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)


class RasaServer:
    """A running Rasa, or what serves as one: its address, how long it took to serve, and its memory."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], started_in: float) -> None:
        self.url, self.started_in = url, started_in
        self._process = psutil.Process(process.pid)

    @property
    def megabytes(self) -> int:
        """Resident memory of the process and its children."""
        family = (self._process, *self._process.children(recursive=True))
        return sum(one.memory_info().rss for one in family) // MEGABYTE


@contextmanager
def rasa_running(
    program: Path, model: Path, endpoints: Path, credentials: Path, environment: Mapping[str, str], log: Path
) -> Iterator[RasaServer]:
    """`rasa run` on a free port until the block ends; raises RasaFailed with the log's end."""
    command = (
        str(program), "run", "--model", str(model), "--endpoints", str(endpoints), "--credentials", str(credentials),
        "--interface", "127.0.0.1", "--enable-api",
    )  # fmt: skip
    with running(command, ROOT, environment, log) as server:
        yield server


@contextmanager
def running(command: tuple[str, ...], folder: Path, environment: Mapping[str, str], log: Path) -> Iterator[RasaServer]:
    """A server that speaks as Rasa does, on a free port (`--port`) until the block ends; raises RasaFailed."""
    port = free_port()
    began = time.monotonic()
    with log.open("ab") as kept:
        process = subprocess.Popen(
            (*command, "--port", str(port)), cwd=folder, env={**environment}, stdout=kept, stderr=kept,
            start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    note = noted(psutil.Process(process.pid), log)
    try:
        while not _ready(url):
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise RasaFailed(f"`{' '.join(command[:4])} …` did not start; see {log}\n{ending_of(log)}")
            time.sleep(POLL_SECONDS)
        yield RasaServer(url, process, time.monotonic() - began)
    finally:
        end_all(process)
        note.unlink(missing_ok=True)


def _ready(url: str) -> bool:
    """Whether Rasa has its model: its status is 409 before."""
    try:
        return httpx.get(f"{url}/status", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def end_all(process: subprocess.Popen[Any]) -> None:
    """End a process with all it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue
