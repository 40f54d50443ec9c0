"""Many calls and chats at once against a real server: `chengda bench calls`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import psutil
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import func, select
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from bot.build import open_store
from bot.errors import ChengdaError
from bot.phone.tables import call_lines
from bot.settings import Settings
from bot.tables import turns
from connectors.postgres_server import PostgresServer, binaries
from knowledge.city import find_city
from knowledge.queries import read_dev_queries

START_SECONDS, CLOSE_SECONDS = 300, 120
PROGRAM = (sys.executable, "-m", "connectors.cli", "serve")
LOG_CHARS = 3000
MEGABYTE = 1024 * 1024
SHARES = (50, 95, 99)
AGENT_LINES = ("请问具体在哪里？", "什么时候开始的？", "请问怎么联系您？", "Where exactly is it?")


class NoServer(ChengdaError):
    """The server to measure did not start."""


@dataclass
class Counted:
    """What was sent and what came back; times in seconds."""

    calls: int = 0
    finals: int = 0
    acked: int = 0
    told: int = 0
    chats: int = 0
    answered: int = 0
    broken: int = 0
    ack_times: list[float] = field(default_factory=list)
    help_times: list[float] = field(default_factory=list)
    chat_times: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Load:
    """How much is asked of the server, and for how long."""

    seconds: float
    calls: int
    sessions: int
    call_every: float
    chat_every: float
    sentences: int


def calls(
    seconds: Annotated[float, typer.Option(help="How long, in seconds.", min=5)] = 60.0,
    count: Annotated[int, typer.Option("--calls", help="Calls at once.", min=0)] = 200,
    sessions: Annotated[int, typer.Option(help="Chats at once.", min=0)] = 500,
    call_every: Annotated[float, typer.Option(help="Seconds between two sentences of a call.", min=0.5)] = 8.0,
    chat_every: Annotated[float, typer.Option(help="Seconds between two messages of a chat.", min=0.5)] = 40.0,
    sentences: Annotated[int, typer.Option(help="Sentences of a call, then another one begins.", min=1)] = 40,
    sqlite: Annotated[bool, typer.Option("--sqlite", help="Keep in a SQLite file, also where PostgreSQL is.")] = False,
) -> None:
    """Keep calls and chats going on a server of its own; nothing may be lost and memory must stay.

    A PostgreSQL of its own is started where it is installed.
    """
    load = Load(seconds, count, sessions, call_every, chat_every, sentences)
    with tempfile.TemporaryDirectory() as folder, _database(Path(folder), sqlite) as address:
        settings = Settings().model_copy(update={"database_url": address})
        store = open_store(settings, find_city(settings.city, settings.data_dir))
        with store.work() as work:
            key = work.keys.make("bench", store.now())
        counted = Counted()
        server, url = _server(address, Path(folder))
        try:
            asyncio.run(_run(url, key, load, counted, psutil.Process(server.pid)))
        finally:
            server.terminate()
            server.wait(60)
        if counted.broken:
            log = (Path(folder) / "server.log").read_text(encoding="utf-8", errors="replace")
            Console(stderr=True).print(log[-LOG_CHARS:], highlight=False, markup=False)
        with store.engine.connect() as connection:
            lines = connection.execute(select(func.count()).select_from(call_lines)).scalar_one()
            kept = connection.execute(select(func.count()).select_from(turns)).scalar_one()
        store.engine.dispose()
    Console().print(_table(load, counted, int(lines), int(kept), address.split(":")[0].split("+")[0]))
    if counted.finals != lines or counted.chats != kept or counted.broken:
        raise typer.Exit(1)


@contextmanager
def _database(folder: Path, sqlite: bool) -> Iterator[str]:
    """The address of a fresh database."""
    if sqlite or binaries() is None:
        yield f"sqlite:///{folder / 'calls.sqlite3'}"
        return
    server = PostgresServer(())
    server.start()
    try:
        yield server.make("calls")
    finally:
        server.stop()


def _server(address: str, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server on a free port; raises NoServer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "CHENGDA_DATABASE_URL": address, "CHENGDA_RATE_LIMIT": "0"}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([*PROGRAM, "--port", str(port)], env=environment, stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return server, url
        except httpx.TransportError:
            time.sleep(0.2)
    server.kill()
    raise NoServer((folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:])


async def _run(url: str, key: str, load: Load, counted: Counted, process: psutil.Process) -> None:
    texts = [query.text for query in read_dev_queries()]
    random.Random(12345).shuffle(texts)
    end = time.monotonic() + load.seconds
    limits = httpx.Limits(max_connections=load.sessions + 10, max_keepalive_connections=load.sessions + 10)
    async with httpx.AsyncClient(base_url=url, timeout=CLOSE_SECONDS, limits=limits) as client:
        tasks = [asyncio.create_task(_line(url, key, load, counted, texts, n, end)) for n in range(load.calls)]
        tasks += [asyncio.create_task(_chat(client, load, counted, texts, n, end)) for n in range(load.sessions)]
        await _watch(load, counted, process, end)
        await asyncio.gather(*tasks)


async def _watch(load: Load, counted: Counted, process: psutil.Process, end: float) -> None:
    """Memory of the server every second, under a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("measuring 测量", total=load.seconds)
        while (left := end - time.monotonic()) > 0:
            counted.memory.append(process.memory_info().rss / MEGABYTE)
            said = f"{counted.acked}/{counted.finals} sentences, {counted.answered}/{counted.chats} messages"
            bar.update(task, completed=load.seconds - left, description=said)
            await asyncio.sleep(1)


async def _line(url: str, key: str, load: Load, counted: Counted, texts: list[str], place: int, end: float) -> None:
    """One call after another."""
    await asyncio.sleep(random.uniform(0, min(load.call_every, load.seconds / 2)))
    turn = 0
    while time.monotonic() < end:
        # The first one was under way already: calls end and begin at different moments.
        share = random.random() if turn == 0 else random.uniform(0.5, 1.5)
        said = turn + max(1, round(load.sentences * share))
        await _call(url, key, load, counted, texts, place, range(turn, said), end)
        turn = said
        counted.calls += 1


async def _call(
    url: str, key: str, load: Load, counted: Counted, texts: list[str], place: int, said: range, end: float
) -> None:
    """One call: two partials and a final each time, by turns of caller and agent."""
    call_id = f"bench-{place}-{secrets.token_hex(3)}"
    address = f"{url.replace('http', 'ws', 1)}/api/v1/calls/{call_id}/transcript"
    sent: dict[int, float] = {}
    last = [0.0]
    hearing: asyncio.Task[None] | None = None
    try:
        async with connect(address, additional_headers={"Authorization": f"Bearer {key}"}, open_timeout=60) as line:
            hearing = asyncio.create_task(_hear(line, counted, sent, last))
            await line.send(json.dumps({"type": "start", "call_id": call_id}))
            seq = 0
            for turn in said:
                caller = turn % 2 == 0
                text = texts[(place * 37 + turn) % len(texts)] if caller else AGENT_LINES[turn // 2 % len(AGENT_LINES)]
                for rev, part in enumerate((text[: len(text) // 3], text[: 2 * len(text) // 3], text)):
                    seq += 1
                    final = rev == 2
                    frame = {
                        "type": "segment", "seq": seq, "segment_id": f"s{turn}", "rev": rev, "text": part,
                        "speaker": "caller" if caller else "agent", "final": final,
                    }  # fmt: skip
                    if final:
                        counted.finals += 1
                        sent[seq] = time.monotonic()
                        last[0] = sent[seq] if caller else 0.0
                    await line.send(json.dumps(frame))
                await asyncio.sleep(load.call_every * random.uniform(0.8, 1.2))
                if time.monotonic() >= end:
                    break
            await line.send(json.dumps({"type": "end", "seq": seq + 1}))
            await asyncio.wait_for(hearing, CLOSE_SECONDS)
    except (WebSocketException, OSError, TimeoutError):
        counted.broken += 1
    finally:
        if hearing is not None:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


async def _hear(line: Any, counted: Counted, sent: dict[int, float], last: list[float]) -> None:
    async for message in line:
        frame, now = json.loads(message), time.monotonic()
        if frame["type"] == "ack" and (began := sent.pop(frame["seq"], None)) is not None:
            counted.acked += 1
            counted.ack_times.append(now - began)
        elif frame["type"] == "suggestion":
            counted.told += 1
            if last[0]:
                counted.help_times.append(now - last[0])
                last[0] = 0.0


async def _chat(
    client: httpx.AsyncClient, load: Load, counted: Counted, texts: list[str], place: int, end: float
) -> None:
    """One chat: a message, the answer, a pause."""
    await asyncio.sleep(random.uniform(0, min(load.chat_every, load.seconds / 2)))
    turn = 0
    while time.monotonic() < end:
        counted.chats += 1
        began = time.monotonic()
        body = {"sender": f"bench-chat-{place}", "message": texts[(place * 13 + turn) % len(texts)]}
        try:
            answer = await client.post("/webhooks/rest/webhook", json=body)
            whole = answer.status_code == 200 and answer.json()[-1]["custom"]["turn"]["outcome"] != "error"
        except httpx.HTTPError:
            whole = False
        counted.answered += whole
        counted.broken += not whole
        counted.chat_times.append(time.monotonic() - began)
        turn += 1
        await asyncio.sleep(load.chat_every * random.uniform(0.8, 1.2))


def _table(load: Load, counted: Counted, lines: int, kept: int, base: str) -> Table:
    title = f"{load.calls} calls and {load.sessions} chats at once for {load.seconds:g} s, one process, {base}"
    table = Table("figure", "value", title=title)
    warm = counted.memory[len(counted.memory) // 4 :] or [0.0]
    table.add_row("calls from beginning to end", str(counted.calls))
    table.add_row("sentences sent / acknowledged / kept", f"{counted.finals} / {counted.acked} / {lines}")
    table.add_row("messages sent / answered / kept", f"{counted.chats} / {counted.answered} / {kept}")
    table.add_row("lost", str(counted.finals - lines + counted.chats - kept))
    table.add_row("connections that broke", str(counted.broken))
    table.add_row("suggestions told", str(counted.told))
    for name, times in (
        ("sentence kept", counted.ack_times), ("first suggestion after a caller's sentence", counted.help_times),
        ("message answered", counted.chat_times),
    ):  # fmt: skip
        table.add_row(f"{name}, p50 / p95 / p99", _percentiles(times))
    table.add_row("memory after a quarter / at the end", f"{warm[0]:.0f} / {warm[-1]:.0f} MB")
    return table


def _percentiles(times: list[float]) -> str:
    if not times:
        return "–"
    return " / ".join(f"{1000 * float(np.percentile(times, share)):.0f}" for share in SHARES) + " ms"
