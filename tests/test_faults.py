"""Killing the server in the middle of its work loses nothing that was confirmed."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import Server

pytestmark = pytest.mark.faults
CITIZENS = 6
ROUNDS = 3
FILED_A_ROUND = 4
SECONDS = 60


def say(client: httpx.Client, sender: str, text: str, message_id: str) -> dict[str, Any]:
    body = {"sender": sender, "message": text, "metadata": {"message_id": message_id}}
    turn: dict[str, Any] = client.post("/webhooks/rest/webhook", json=body).json()[-1]["custom"]["turn"]
    return turn


def file_until_dead(url: str, name: str, confirmed: list[dict[str, Any]], last: dict[str, tuple[str, str]]) -> None:
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        for number in range(10_000):
            sender = f"{name}-{number}"
            try:
                say(client, sender, "民治大道的路灯坏了三天了，没人修", f"{sender}-a")
                last[name] = (sender, f"{sender}-b")
                turn = say(client, sender, "确认", f"{sender}-b")
            except (httpx.TransportError, ValueError):
                return
            assert turn["outcome"] == "case_filed"
            confirmed.append({**turn["case"], "sender": sender})


def test_kill_in_the_middle(tmp_path: Path) -> None:
    server = Server(tmp_path)
    confirmed: list[dict[str, Any]] = []
    for round_number in range(ROUNDS):
        server.start()
        last: dict[str, tuple[str, str]] = {}
        citizens = [
            threading.Thread(target=file_until_dead, args=(server.url, f"{round_number}-{n}", confirmed, last))
            for n in range(CITIZENS)
        ]
        for citizen in citizens:
            citizen.start()
        wanted, patience = len(confirmed) + FILED_A_ROUND, time.monotonic() + SECONDS
        while len(confirmed) < wanted and time.monotonic() < patience:
            time.sleep(0.01)
        server.stop(signal.SIGKILL)
        for citizen in citizens:
            citizen.join()
    assert len(confirmed) > CITIZENS
    server.start()
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for case in confirmed:
            found = client.get(f"/cases/{case['case_id']}", params={"code": case["query_code"]})
            assert found.status_code == 200, case["case_id"]
            assert [event["event"] for event in found.json()["timeline"]] == ["filed"]
        for sender, message_id in last.values():
            turn = say(client, sender, "确认", message_id)
            assert turn["outcome"] in ("case_filed", "form_question", "clarify")
            if turn["outcome"] == "case_filed":
                again = say(client, sender, "确认", message_id)
                assert again["case"]["case_id"] == turn["case"]["case_id"]
                assert len(say(client, sender, "查我的工单", "status")["cases"]) == 1
    numbers = [case["case_id"] for case in confirmed]
    assert len(numbers) == len(set(numbers))
    server.stop()


def test_parallel_deliveries_of_one_message_are_one_turn(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    with httpx.Client(base_url=server.url, timeout=60) as client:
        say(client, "parallel", "民治大道的路灯坏了三天了，没人修", "p-1")
    answers: list[dict[str, Any]] = []

    def deliver() -> None:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            answers.append(say(client, "parallel", "确认", "p-2"))

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
    assert len(answers) == 8
    assert len({answer["case"]["case_id"] for answer in answers}) == 1
