"""Rasa's HTTP API as far as we have it: what is open, what needs the token, and what a dump tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from bot.build import assistant_of
from bot.domain import read_domain
from bot.messages import SenderId
from bot.settings import Settings
from bot.tracker import Event, Tracker, fold
from bot.training import Models
from connectors.app import create_app
from connectors.rasa.tracker_json import PERSONAL_SLOTS, tracker_json

TOKEN = "open-sesame-open-sesame"


@pytest.fixture
def client(models: Models, settings: Settings) -> Iterator[TestClient]:
    app = create_app(settings, assistant_of(models, settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        app.state.settings = settings.model_copy(update={"rasa_token": SecretStr(TOKEN)})
        yield client


def ask(client: TestClient, path: str, body: dict[str, Any] | None = None) -> Any:
    url = f"{path}{'&' if '?' in path else '?'}token={TOKEN}"
    answer = client.get(url) if body is None else client.post(url, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(
    client: TestClient, path: str, body: dict[str, Any], status: int, reason: str, details: dict[str, str]
) -> None:
    """It is refused as Rasa refuses."""
    answer = client.post(f"/conversations/m-1/{path}{'&' if '?' in path else '?'}token={TOKEN}", json=body)
    told = answer.json()
    assert list(told) == ["version", "status", "message", "reason", "details", "help", "code"]
    assert (answer.status_code, told["code"], told["reason"], told["details"]) == (status, status, reason, details)


def test_version_status_and_health(client: TestClient) -> None:
    assert set(client.get("/version").json()) == {"version", "minimum_compatible_version"}
    for accepted in ("*/*", "application/json", "application/json, text/plain, */*"):
        status = client.get("/status", headers={"Accept": accepted}).json()
        assert set(status) == {"model_file", "model_id", "num_active_training_jobs"} and status["model_id"]
    page = client.get("/status", headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    assert "text/html" in page.headers["content-type"], "the citizens' page stays"
    assert "Accept" in page.headers["vary"] and "Accept" in client.get("/status").headers["vary"]
    assert client.get("/webhooks/rest/").json() == {"status": "ok"}


@pytest.mark.parametrize("text", ["在哪里办护照", "My driving licence is about to expire"])
def test_an_answer_streamed_is_the_same_answer(client: TestClient, text: str) -> None:
    whole = client.post("/webhooks/rest/webhook", json={"sender": "s", "message": text}).json()
    streamed = client.post("/webhooks/rest/webhook?stream=true&token=", json={"sender": "t", "message": text})
    assert streamed.headers["content-type"].startswith("text/event-stream") and streamed.text.endswith("\n")
    lines = [json.loads(line) for line in streamed.text.splitlines()]
    assert [{**one, "recipient_id": "t"} for one in whole] == lines and streamed.text.isascii()


def test_a_conversation_is_dumped_with_personal_data_masked(client: TestClient) -> None:
    for text in ("民治大道的路灯坏了三天了，没人修", "我的电话是13800138000", "确认"):
        answer = client.post("/webhooks/rest/webhook", json={"sender": "d 1/a", "message": text}).json()
    case = answer[-1]["custom"]["turn"]["case"]
    dump = ask(client, "/conversations/d 1/a/tracker")
    assert dump["sender_id"] == "d 1/a" and dump["latest_message"]["text"] == "确认"
    assert dump["slots"]["case_number"] == case["case_id"] and dump["active_loop"] == {}
    kinds = {event["event"] for event in dump["events"]}
    assert {"session_started", "action", "user", "bot", "slot", "active_loop"} <= kinds
    text = json.dumps(dump, ensure_ascii=False)
    assert "13800138000" not in text and case["query_code"] not in text and "民治大道" in text
    assert ask(client, "/conversations/d 1/a/tracker?include_events=none")["events"] is None
    past = ask(client, f"/conversations/d 1/a/tracker?until={dump['events'][-1]['timestamp'] - 0.001}")
    assert len(past["events"]) < len(dump["events"]) and past["slots"]["case_number"] != case["case_id"]
    assert ask(client, "/conversations/nobody/tracker")["events"] == []


def test_messages_and_intents(client: TestClient) -> None:
    dump = ask(client, "/conversations/m-1/messages", {"text": "驾照快到期了怎么办", "sender": "user"})
    assert dump["latest_message"]["text"] == "驾照快到期了怎么办" and dump["slots"]["service_code"] == "C01"
    told = ask(client, "/conversations/m-1/trigger_intent", {"name": "ask_service", "entities": {"service": "C01"}})
    assert told["messages"][-1]["custom"]["turn"]["services"][0]["code"] == "C01"
    listed = [{"entity": "service", "value": "C01"}]
    assert ask(client, "/conversations/m-1/trigger_intent", {"name": "ask_service", "entities": listed})["messages"]
    nothing: tuple[object, ...] = (None, [], 7)
    for given in nothing:
        assert ask(client, "/conversations/m-1/trigger_intent", {"name": "greet", "entities": given})["messages"]
    refused(client, "trigger_intent", {"name": "dance"}, 404, "NotFound", {})
    refused(client, "trigger_intent", {}, 400, "BadRequest", {"parameter": "name", "in": "body"})
    for bot in ({"text": "x", "sender": "bot"}, {"text": "x"}):
        refused(client, "messages", bot, 400, "BadRequest", {"parameter": "sender", "in": "body"})
    some = {"parameter": "include_events", "in": "query"}
    refused(client, "messages?include_events=some", {"text": "x", "sender": "user"}, 400, "BadRequest", some)
    reserved = client.post(f"/conversations/web:1/messages?token={TOKEN}", json={"text": "x", "sender": "user"})
    assert reserved.status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "tracker"), ("POST", "messages"), ("POST", "trigger_intent")],
)
def test_conversations_are_never_open(client: TestClient, method: str, path: str) -> None:
    body = {"text": "x", "name": "greet"} if method == "POST" else None
    for given in ("", "?token=", "?token=wrong"):
        refused = client.request(method, f"/conversations/a/{path}{given}", json=body)
        assert refused.status_code == 401 and refused.json()["reason"] == "NotAuthenticated"
    client.app.state.settings = client.app.state.settings.model_copy(  # type: ignore[attr-defined]
        update={"rasa_token": SecretStr("")}
    )
    for given in ("", "?token="):
        assert client.request(method, f"/conversations/a/{path}{given}", json=body).status_code == 404


def test_personal_slots_and_numbers_are_in_no_dump() -> None:
    domain = read_domain()
    values: dict[str, Any] = {
        "contact": "13800138000",
        "agent_note": "calls often",
        "told": "my secret",
        "language": "zh",
        "path_step": 13800138000,
        "alarmed": True,
        "choices": ["C01", {"13800138000": 5}],
    }
    events = [Event("session_started", 1.0), *(Event("slot", 2.0, name, value) for name, value in values.items())]
    dump = tracker_json("a", fold(Tracker(SenderId("a")), events), events, domain)
    told = json.dumps(dump, ensure_ascii=False)
    assert "13800138000" not in told and "often" not in told and "secret" not in told
    assert not {"contact", "agent_note", "told", "demands"} & set(dump["slots"])
    assert (dump["slots"]["alarmed"], dump["slots"]["language"], dump["slots"]["choices"][0]) == (True, "zh", "C01")
    assert set(domain.slots) >= PERSONAL_SLOTS, "a slot has another name now"
