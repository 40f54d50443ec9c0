"""Whole conversations on PostgreSQL, with two server processes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import Server


@pytest.mark.faults
def test_a_case_is_filed_and_told_by_whichever_process(tmp_path: Path, postgres_url: str) -> None:
    server = Server(tmp_path, {"CHENGDA_DATABASE_URL": postgres_url}, workers=2)
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            converse(client, server)
    finally:
        server.stop()


def converse(client: httpx.Client, server: Server) -> None:
    def say(text: str, message_id: str, sender: str = "citizen") -> dict[str, Any]:
        body = {"sender": sender, "message": text, "metadata": {"message_id": message_id}}
        turn: dict[str, Any] = client.post("/webhooks/rest/webhook", json=body).json()[-1]["custom"]["turn"]
        return turn

    say("民治大道的路灯坏了三天了，没人修", "m1")
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(say("确认", "m2"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    filed = answers[0]
    assert filed["outcome"] == "case_filed" and all(answer == filed for answer in answers)
    number, code = filed["case"]["case_id"], filed["case"]["query_code"]
    found = client.get(f"/cases/{number}", params={"code": code})
    assert found.status_code == 200 and found.json()["timeline"][0]["event"] == "filed"
    assert client.get(f"/cases/{number}", params={"code": "ABCDEFG2"}).status_code == 404
    assert say("查我的工单", "m3")["outcome"] == "case_status"
    # Messages of one person at the same time are turns one after the other, none is lost.
    threads = [threading.Thread(target=say, args=("你好", f"h{n}")) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert say("催一下", "m4")["outcome"] in ("case_updated", "clarify")
    assert say("转人工", "m5")["outcome"] == "handoff"
    assert client.get("/cases/SZ%00", params={"code": code}).status_code in (400, 404)
    # What SQLite keeps and PostgreSQL does not: a NUL in a text.
    assert say("路灯\0坏了", "m6", "other\0one")["outcome"] != "error"
    assert "0006" in server.command("database", "version")
