"""Our actions called by a Rasa."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.build import assistant_of
from bot.messages import MessageId, SenderId
from bot.settings import Settings
from bot.training import Models
from connectors.app import create_app
from connectors.limits import MAX_BODY_BYTES
from connectors.rasa.seal import PASS, Seal
from tests.rasa_caller import BODY, Caller

FORM = {"demand_form": {"required_slots": ["description", "location", "occurred_at", "confirm"]}}
SLOTS = {"language": "zh", "description": None, "location": None, "occurred_at": None, "confirm": None}
HERE, ELSEWHERE = ("127.0.0.1", 50_000), ("192.0.2.7", 50_000)
OWN = {**SLOTS, "requested_slot": None, "case_number": None}


@pytest.fixture
def client(models: Models, settings: Settings) -> Iterator[TestClient]:
    app = create_app(settings, assistant_of(models, settings))
    with TestClient(app, raise_server_exceptions=False, client=HERE) as client:
        yield client


def turn_of(responses: list[dict[str, Any]]) -> dict[str, Any]:
    turn: dict[str, Any] = responses[-1]["custom"]["turn"]
    return turn


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [("驾照快到期了怎么办", "zh", "驾驶证"), ("My driving licence is about to expire", "en", "licence")],
)
def test_an_action_answers_the_latest_message(client: TestClient, text: str, language: str, word: str) -> None:
    rasa = Caller(client, "u-2", {"language": "zh"})
    rasa.hears(text)
    said = rasa.calls("action_answer_service")
    turn = turn_of(said)
    assert (turn["outcome"], turn["language"], turn["services"][0]["code"]) == ("answered", language, "C01")
    assert word in said[0]["text"].lower() and rasa.slots["language"] == language
    assert all(set(one) <= {"text", "buttons", "image", "custom"} for one in said)


def test_a_body_as_captured_is_answered_plain_and_deflated(client: TestClient) -> None:
    content = json.dumps(BODY).encode()
    headers = {"Content-Type": "application/json"}
    plain = client.post("/webhook", content=content, headers=headers)
    small = client.post("/webhook", content=zlib.compress(content), headers={**headers, "Content-Encoding": "deflate"})
    assert plain.status_code == small.status_code == 200 and plain.json() == small.json()
    assert turn_of(plain.json()["responses"])["outcome"] == "answered"
    large = {**BODY, "tracker": {**BODY["tracker"], "padding": "x" * MAX_BODY_BYTES}}
    assert client.post("/webhook", json=large).json() == plain.json(), "a Rasa tells the whole talk"


def test_a_message_is_answered_once_whatever_actions_a_turn_has(client: TestClient) -> None:
    rasa = Caller(client, "u-3", OWN, FORM)
    rasa.hears("民治大道的路灯坏了三天了，没人修")
    assert turn_of(rasa.calls("action_answer_service"))["outcome"] == "form_question"
    assert (rasa.loop, rasa.slots["requested_slot"]) == ("demand_form", "confirm")
    assert rasa.calls("validate_demand_form") == []
    retried = client.post("/webhook", json=rasa.body("action_answer_service")).json()
    assert retried["responses"] == []


def test_a_form_runs_by_its_validation_to_the_case(client: TestClient) -> None:
    rasa = Caller(client, "u-4", OWN, FORM)
    rasa.loop, rasa.slots["requested_slot"] = "demand_form", "description"
    rasa.hears("路灯坏了", "file_demand")
    assert turn_of(rasa.calls("validate_demand_form"))["requested_slot"] == "location"
    assert rasa.slots["requested_slot"] == "location" and rasa.slots["description"]
    rasa.hears("民治大道12号", "file_demand")
    rasa.calls("validate_demand_form")
    while rasa.slots["requested_slot"] not in (None, "confirm"):
        rasa.hears("跳过", "skip")
        rasa.calls("validate_demand_form")
    rasa.hears("确认", "affirm")
    turn = turn_of(rasa.calls("validate_demand_form"))
    assert turn["outcome"] == "case_filed" and rasa.slots["requested_slot"] is None
    assert rasa.slots["case_number"] == turn["case"]["case_id"] and rasa.slots["description"] is None
    assert rasa.loop == "demand_form", "the form ends by itself, without our event"


def test_a_foreign_rasa_keeps_its_slots_and_forms(client: TestClient) -> None:
    rasa = Caller(client, "u-5", {"location": "人民路", "colour": "red", "requested_slot": "size"})
    rasa.loop = "shoe_form"
    rasa.hears("民治大道的路灯坏了三天了，没人修")
    assert turn_of(rasa.calls("action_answer_service"))["active_form"] == "demand_form"
    assert (rasa.loop, rasa.slots["colour"], rasa.slots["requested_slot"]) == ("shoe_form", "red", "size")
    rasa.hears("算了，不报了")
    assert turn_of(rasa.calls("action_cancel_form"))["outcome"] == "cancelled"
    assert rasa.slots["location"] is not None, "nothing of its own is taken back"


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"next_action": "action_dance"}, 404, "action_dance"),
        ({"tracker": {"latest_message": {"text": None}, "slots": {}}}, 400, "action_answer_service"),
        ({"tracker": {"latest_message": {"text": "hi"}}, "domain": None, "domain_digest": "d1"}, 449, None),
        ({"tracker": None}, 400, None),
        ({"next_action": 3}, 400, None),
        ({"sender_id": "chengda:anna:\ud800"}, 400, None),
        ({"tracker": {"latest_message": {"intent": {"name": "greet"}, "entities": 5}, "slots": {}}}, 400, None),
        ({"tracker": {"latest_message": {"text": "hi"}, "slots": {}, "events": 5}}, 400, None),
    ],
)
def test_what_is_refused(client: TestClient, change: dict[str, Any], status: int, named: str | None) -> None:
    content = json.dumps({**BODY, **change})
    answer = client.post("/webhook", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] and (named is None or answer.json()["action_name"] == named)


def test_health_and_actions(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    names = {one["name"] for one in client.get("/actions").json()}
    assert {"action_answer_service", "validate_demand_form", "action_hand_off"} <= names


def test_a_triggered_intent_and_a_payload(client: TestClient) -> None:
    rasa = Caller(client, "u-6", {"language": "zh"})
    rasa.hears("EXTERNAL: hand_off", "hand_off")
    assert turn_of(rasa.calls("action_hand_off"))["outcome"] == "handoff"
    rasa.hears('/ask_service{"service": "C01"}')
    assert turn_of(rasa.calls("action_answer_service"))["services"][0]["code"] == "C01"


def test_no_caller_speaks_for_another_citizen(client: TestClient) -> None:
    client.post("/webhooks/rest/webhook", json={"sender": "anna", "message": "民治大道的路灯坏了三天了，没人修"})
    filed = client.post("/webhooks/rest/webhook", json={"sender": "anna", "message": "确认"}).json()
    number = filed[-1]["custom"]["turn"]["case"]["case_id"]
    rasa = Caller(client, "anna", {"language": "zh"})
    rasa.hears("我的工单办得怎么样了", "case_status")
    assert number not in json.dumps(rasa.calls("action_case_status"), ensure_ascii=False)
    seal: Seal = client.app.state.seal  # type: ignore[attr-defined]
    anna, ben = (seal.put(SenderId(name), MessageId("s-1")) for name in ("anna", "ben"))
    for passed in ({}, {PASS: "x"}, {PASS: ben, "message_id": "s-1"}, {PASS: anna, "message_id": "s-2"}):
        rasa = Caller(client, seal.name_of(SenderId("anna")), {"language": "zh"})
        rasa.hears("我的工单办得怎么样了", "case_status", **passed)
        assert client.post("/webhook", json=rasa.body("action_case_status")).status_code == 400, passed
    for name in ("rasa:u-1", "behind:anna"):
        body = {"sender": name, "message": "我的工单办得怎么样了"}
        assert client.post("/webhooks/rest/webhook", json=body).status_code == 422


def test_a_sealed_name_speaks_for_our_citizen_unless_the_door_gave_up(client: TestClient) -> None:
    seal: Seal = client.app.state.seal  # type: ignore[attr-defined]
    store = client.app.state.assistant.store  # type: ignore[attr-defined]
    rasa = Caller(client, seal.name_of(SenderId("bo")), OWN, FORM)

    def passed(message_id: str) -> dict[str, str]:
        return {"message_id": message_id, PASS: seal.put(SenderId("bo"), MessageId(message_id))}

    rasa.hears("民治大道的路灯坏了三天了，没人修", **passed("m-1"))
    rasa.calls("action_answer_service")
    rasa.hears("确认", "affirm", **passed("m-2"))
    with store.work() as work:
        work.save(work.tracker(SenderId("bo")), MessageId("m-2"), (), [{"recipient_id": "bo"}], store.now())
    given_up = client.post("/webhook", json=rasa.body("validate_demand_form"))
    assert given_up.status_code == 400 and given_up.json()["action_name"] == "validate_demand_form"
    rasa.hears("确认", "affirm", **passed("m-3"))
    case = turn_of(rasa.calls("validate_demand_form"))["case"]
    with store.work() as work:
        assert [str(one.number) for one in work.cases.of_sender(SenderId("bo"))] == [case["case_id"]]
        assert work.tracker(SenderId("bo")).turns == 0 and work.tracker(SenderId("behind:bo")).turns == 2


def test_with_a_token_only_who_has_it(models: Models, settings: Settings) -> None:
    settings = settings.model_copy(update={"rasa_token": type(settings.rasa_token)("open-sesame-open-sesame")})
    with TestClient(create_app(settings, assistant_of(models, settings)), client=ELSEWHERE) as client:
        assert client.post("/webhook", json=BODY).status_code == 401
        large = {"Content-Length": str(MAX_BODY_BYTES + 1)}
        assert client.post("/webhook", content=b"{}", headers=large).status_code == 413
        assert client.post("/webhook?token=open-sesame-open-sesame", content=b"{}", headers=large).status_code == 400
        assert client.post("/webhook?token=wrong", json=BODY, headers={"Accept-Language": "en"}).json()["title"]
        assert client.post("/webhook?token=open-sesame-open-sesame", json=BODY).status_code == 200
        bearer = {"Authorization": "Bearer open-sesame-open-sesame"}
        assert client.post("/webhook", json=BODY, headers=bearer).status_code == 200


def test_without_a_token_only_from_the_same_machine(client: TestClient) -> None:
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
        refused = client.post("/webhook", json=BODY, headers=headers)
        assert refused.status_code == 403 and refused.headers["content-type"] == "application/problem+json"
    other = TestClient(client.app, client=ELSEWHERE)
    assert other.post("/webhook", json=BODY).status_code == 403
    assert other.get("/actions").status_code == other.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("text", "slot", "told", "word"),
    [("路灯坏了", "zh", False, "抱歉"), ("the lamp is broken", "zh", False, "Sorry"), ("ok", "zh", True, "抱歉")],
)
def test_an_action_that_crashes_is_told_in_the_talks_language(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, text: str, slot: str, told: bool, word: str
) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(client.app.state.assistant, "handle", broken)  # type: ignore[attr-defined]
    rasa = Caller(client, f"crash {text}", {"language": slot})
    if told:
        rasa.events.append({"event": "slot", "name": "language", "value": slot})
    rasa.hears(text)
    said = rasa.calls("action_answer_service")
    assert turn_of(said)["outcome"] == "error" and word in said[0]["text"]
