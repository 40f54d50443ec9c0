"""A phone line's side of the socket, and what the desk sees of a call, for tests."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.servers import Server
from tests.waiting import PATIENCE, wait

FRAMES = Path(__file__).with_name("fixtures") / "calls"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FRAMES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


class Phone:
    """A client of the socket that remembers what came."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.got: list[dict[str, Any]] = []

    async def send(self, *frames: dict[str, Any]) -> None:
        for frame in frames:
            await self.line.send(json.dumps(frame))

    async def until(self, kind: str, **values: Any) -> dict[str, Any]:
        """The next frame of a kind with some values."""
        while True:
            frame = json.loads(await asyncio.wait_for(self.line.recv(), PATIENCE))
            self.got.append(frame)
            if frame["type"] == kind and all(frame.get(name) == value for name, value in values.items()):
                return dict(frame)

    async def drain(self) -> int | None:
        """All until the other side closes; gives the code."""
        try:
            while True:
                self.got.append(json.loads(await asyncio.wait_for(self.line.recv(), PATIENCE)))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.got if frame["type"] == kind]


def dial(server: Server, path: str, token: str = "", **more: Any) -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return connect(
        server.url.replace("http", "ws", 1) + path,
        additional_headers=headers | more.pop("headers", {}),
        open_timeout=PATIENCE,
        **more,
    )


def said(seq: int, text: str, name: str, rev: int = 1, final: bool = True, who: str = "caller") -> dict[str, Any]:
    return {
        "type": "segment", "seq": seq, "segment_id": name, "rev": rev, "speaker": who, "text": text, "final": final,
        "start_ms": seq * 1000, "end_ms": seq * 1000 + 900, "lang": "zh-CN",
    }  # fmt: skip


def start(call_id: str) -> dict[str, Any]:
    return {"type": "start", "call_id": call_id, "schema": "transcript.v1", "langs": ["zh-CN"], "agent_id": "A17"}


def kept(server: Server, agent: dict[str, str], call_id: str) -> dict[str, Any]:
    answer = httpx.get(f"{server.url}/staff/calls/{call_id}", headers=agent, timeout=60)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def over(server: Server, agent: dict[str, str], call_id: str) -> dict[str, Any]:
    """A call once it is over: what it was about is read after the line is down."""
    assert wait(lambda: kept(server, agent, call_id)["ended_at"] is not None)
    return kept(server, agent, call_id)


def texts(view: dict[str, Any]) -> list[list[str]]:
    return [[line["speaker"], line["text"].rstrip("。")] for line in view["transcript"]]
