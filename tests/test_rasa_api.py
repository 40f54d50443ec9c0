"""The HTTP API of a Rasa project that runs on our engine: what Rasa's own answers, and how it refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from bot.rasa.processor import Processor
from connectors.cli import app
from connectors.rasa.guard import Guard
from connectors.rasa.project_api import project_app
from connectors.rasa.refusal import RasaRoute
from tests.test_rasa_turns import RULES, Wire, response, small, texts

REST = "/webhooks/rest/webhook"
SECRET = "a secret of at least thirty-two bytes"
PARSED = b'{"text": "x", "sender": "user", "parse_data": %b}'
BEGINNING = ["action", "session_started", "action"]


class Clock:
    """A clock that is moved by hand; seconds since 1970."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def processor(tmp_path: Path, clock: Clock) -> Processor:
    return small(tmp_path, Wire(), clock)


@pytest.fixture
def client(processor: Processor) -> Iterator[TestClient]:
    with TestClient(project_app(processor, "small", enable_api=True)) as client:
        yield client


def kinds(tracker: dict[str, Any]) -> list[str]:
    """The kinds of the events of a dump."""
    return [event["event"] for event in tracker["events"]]


def refused(answer: Any, status: int, reason: str) -> dict[str, Any]:
    """The details of a refusal, which has Rasa's form."""
    body: dict[str, Any] = answer.json()
    assert list(body) == ["version", "status", "message", "reason", "details", "help", "code"]
    told = (answer.status_code, body["code"], body["version"], body["status"], body["reason"])
    assert told == (status, status, "3.6.21", "failure", reason) and body["message"]
    details: dict[str, Any] = body["details"]
    return details


def test_a_message_is_noted_and_its_slots_filled_but_not_answered(client: TestClient) -> None:
    state = client.post("/conversations/u/messages", json={"text": " hello ", "sender": "user"}).json()
    assert kinds(state) == [*BEGINNING, "user", "slot"]
    assert (state["slots"]["name"], state["latest_message"]["intent"]["name"]) == ("hello", "greet")
    parsed = {"intent": {"name": "count", "confidence": 1.0}, "entities": []}
    body = {"text": "hello", "sender": "user", "parse_data": parsed}
    state = client.post("/conversations/u/messages?include_events=none", json=body).json()
    assert state["events"] is None and state["latest_message"]["intent"]["name"] == "count"
    assert kinds(client.get("/conversations/u/tracker").json())[-2:] == ["user", "slot"], "it is kept"


@pytest.mark.parametrize(
    ("content", "details"),
    [
        (b"", {}),
        (b"null", {}),
        (b"[]", {}),
        (b"{", {}),
        (b'{"text": "x"}', {"parameter": "sender", "in": "body"}),
        (b'{"text": "x", "sender": "bot"}', {"parameter": "sender", "in": "body"}),
        (b'{"sender": "user"}', {"parameter": "text", "in": "body"}),
        (b'{"text": "x", "sender": "user", "parse_data": {"intent": {}}}', {"parameter": "parse_data", "in": "body"}),
        (PARSED % b'{"intent": {}, "entities": ["a"]}', {"parameter": "parse_data", "in": "body"}),
        (PARSED % b'{"intent": {}, "entities": [{"entity": "a"}]}', {"parameter": "parse_data", "in": "body"}),
        (PARSED % b'{"intent": {"name": []}, "entities": []}', {"parameter": "parse_data", "in": "body"}),
    ],
)
def test_what_is_no_message_is_refused(client: TestClient, content: bytes, details: dict[str, str]) -> None:
    assert refused(client.post("/conversations/u/messages", content=content), 400, "BadRequest") == details


def test_a_tracker_tells_all_sessions_up_to_a_moment(client: TestClient, clock: Clock) -> None:
    client.post(REST, json={"sender": "a/b", "message": "hello"})
    first = clock.now
    clock.now += 2 * 60 * 60
    client.post(REST, json={"sender": "a/b", "message": "/restart"})
    client.post(REST, json={"sender": "a/b", "message": "hello"})

    def told(query: str = "") -> dict[str, Any]:
        tracker: dict[str, Any] = client.get(f"/conversations/a/b/tracker{query}").json()
        return tracker

    everything = told("?include_events=All")
    assert kinds(everything).count("session_started") == 3 and kinds(everything).count("restart") == 1
    after = kinds(told())
    assert after == kinds(told("?include_events=AFTER_RESTART")) and "restart" not in after and after.count("bot") == 1
    applied = kinds(told("?include_events=applied"))
    assert "session_started" not in applied and applied.count("user") == 1
    assert told("?include_events=NONE")["events"] is None
    past = told(f"?include_events=ALL&until={first}")
    assert kinds(past) == kinds(everything)[: len(past["events"])] and kinds(past).count("user") == 1
    assert past["latest_message"]["text"] == "hello" and past["latest_event_time"] == first
    assert told("?until=soon") == told()
    details = refused(client.get("/conversations/a/b/tracker?include_events=some"), 400, "BadRequest")
    assert details == {"parameter": "include_events", "in": "query"}


def test_a_new_conversation_begins_in_its_dump_and_is_not_kept(client: TestClient, processor: Processor) -> None:
    assert kinds(client.get("/conversations/new/tracker").json()) == BEGINNING
    assert not processor.conversations.events


def test_an_intent_from_outside(client: TestClient) -> None:
    def trigger(content: bytes, query: str = "") -> Any:
        return client.post(f"/conversations/u/trigger_intent{query}", content=content)

    for entities in (b"null", b"7", b"[]", b"{}", b'["x"]'):
        said = trigger(b'{"name": "greet", "entities": ' + entities + b"}")
        assert said.status_code == 200 and said.json()["messages"], entities
    assert trigger(b'{"name": "greet"}', "?include_events=none").json()["tracker"]["events"] is None
    for content in (b"", b"{}", b'{"name": ""}'):
        assert refused(trigger(content), 400, "BadRequest") == {"parameter": "name", "in": "body"}
    assert refused(trigger(b'{"name": "dance"}'), 404, "NotFound") == {}


def test_what_breaks_is_told_in_rasas_form(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> dict[str, Any]:
        raise RuntimeError(text)

    monkeypatch.setattr(processor.understanding, "parse", broken)
    app = project_app(processor, "small", enable_api=True)
    with TestClient(app, raise_server_exceptions=False) as client:
        said = client.post("/conversations/u/messages", json={"text": "13800138000", "sender": "user"})
        refused(said, 500, "ConversationError")
        assert "13800138000" not in said.text
        assert client.post(REST, json={"message": "hello"}).json() == []


def test_the_rest_channel_takes_what_rasas_takes(client: TestClient, processor: Processor) -> None:
    def say(content: str, kind: str = "application/x-www-form-urlencoded") -> Any:
        answer = client.post(REST, content=content, headers={"Content-Type": kind})
        assert answer.status_code == 200, answer.text
        return answer.json()

    hello = '"message": "hello", "metadata"'
    assert say(f'{{"sender": 5, {hello}: [1]}}') == [{"recipient_id": "5", "text": "Hello hello."}]
    assert say(f'{{"sender": null, {hello}: "x"}}', "text/plain")[0]["recipient_id"] == "default"
    assert say(f'{{"input_channel": 3, {hello}: {{"message_id": 5}}}}')[0]["recipient_id"] == "default"
    assert processor.tracker("default").current_state()["latest_input_channel"] == "3"
    assert say('{"sender": "n", "message": null}') == say('{"sender": "n", "message": 5}') == []
    refused(client.post(REST, content=b"hello"), 400, "BadRequest")
    assert client.post("/model/parse", content=b'{"text": " hello "}').json()["intent"]["name"] == "greet"
    refused(client.post("/model/parse"), 400, "BadRequest")


def test_a_message_is_taken_without_the_spaces_around_it(client: TestClient, processor: Processor) -> None:
    said = client.post(REST, json={"sender": "u", "message": "  hello\n"}).json()
    assert texts(said) == ["Hello hello."] and processor.tracker("u").slots["name"] == "hello"


def test_a_stream_tells_each_message_as_soon_as_it_is_said(tmp_path: Path) -> None:
    """The second message comes only when the first was read: had both to be said first, this would not end."""
    wire, read = Wire(), threading.Event()
    rules = RULES.replace("{action: action_count}", "{action: utter_greet}, {action: action_count}")
    processor = small(tmp_path, wire, data__rules=rules)
    wire.answers["action_count"] = (200, {"responses": [response(text="counted")]})
    wire.before = lambda: read.wait(60)
    with TestClient(project_app(processor, "small")) as client:
        body = {"sender": "u", "message": "how many"}
        with client.stream("POST", f"{REST}?stream=True", json=body) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            assert json.loads(next(lines))["text"] == "Hello how many."
            read.set()
            assert [json.loads(line)["text"] for line in lines] == ["counted"]


def signed(user: dict[str, str], secret: str = SECRET, **more: Any) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {jwt.encode({'user': user, **more}, secret, 'HS256')}"}


def test_a_signed_token_opens_what_its_user_may(processor: Processor) -> None:
    app = project_app(processor, "small", enable_api=True, guard=Guard("sesame", SECRET))
    admin, anna = {"username": "root", "role": "admin"}, {"username": "anna", "role": "user"}
    with TestClient(app) as client:

        def ask(path: str, headers: dict[str, str] | None = None) -> Any:
            return client.get(path, headers=headers or {})

        for path in ("/status", "/conversations/anna/tracker", "/conversations/a/b/tracker"):
            assert ask(path, signed(admin)).status_code == ask(f"{path}?token=sesame").status_code == 200
            for headers in ({}, signed(admin, SECRET[::-1]), signed(admin, exp=1), {"Authorization": "Bearer x"}):
                refused(ask(path, headers), 401, "NotAuthenticated")
        assert ask("/conversations/anna/tracker", signed(anna)).status_code == 200
        for path in ("/conversations/bob/tracker", "/status"):
            refused(ask(path, signed(anna)), 403, "NotAuthorized")
        refused(ask("/status", signed({"username": "root", "role": "king"})), 403, "NotAuthorized")
        refused(ask("/conversations/anna/tracker?token=wrong"), 401, "NotAuthenticated")


def test_a_secret_that_is_a_keys_text_lets_nobody_in_and_is_refused_at_start(
    processor: Processor, tmp_path: Path
) -> None:
    key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"
    with TestClient(project_app(processor, "small", enable_api=True, guard=Guard(secret=key))) as client:
        refused(client.get("/status", headers=signed({"username": "root", "role": "admin"})), 401, "NotAuthenticated")
    done = CliRunner().invoke(app, ["rasa", "run", str(tmp_path), "--enable-api", "--jwt-secret", key])
    assert (done.exit_code, "--jwt-secret" in done.output) == (2, True), done.output


@pytest.mark.parametrize(("status", "reason"), [(429, "TooManyRequests"), (499, "Error")])
def test_a_refusal_of_any_status_keeps_its_headers(status: int, reason: str) -> None:
    router = APIRouter(route_class=RasaRoute)

    @router.get("/")
    def refuse() -> None:
        raise HTTPException(status, headers={"Retry-After": "5"})

    served = FastAPI()
    served.include_router(router)
    with TestClient(served) as client:
        answer = client.get("/")
    refused(answer, status, reason)
    assert answer.headers["retry-after"] == "5"
