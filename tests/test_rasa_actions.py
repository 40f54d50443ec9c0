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
from connectors.rasa.seal import Seal
from tests.rasa_caller import BODY, Caller

FORM = {"demand_form": {"required_slots": ["description", "location", "occurred_at", "confirm"]}}
SLOTS = {"language": "zh", "description": None, "location": None, "occurred_at": None, "confirm": None}
OWN = {**SLOTS, "requested_slot": None, "case_number": None}


@pytest.fixture
def client(models: Models, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, assistant_of(models, settings)), raise_server_exceptions=False) as client:
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
    ],
)
def test_what_is_refused(client: TestClient, change: dict[str, Any], status: int, named: str | None) -> None:
    answer = client.post("/webhook", json={**BODY, **change})
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
    for sender in ("anna", "chengda:anna:" + "0" * 32):
        rasa = Caller(client, sender, {"language": "zh"})
        rasa.hears("我的工单办得怎么样了", "case_status")
        assert number not in json.dumps(rasa.calls("action_case_status"), ensure_ascii=False), sender
    for name in ("rasa:u-1", "behind:anna"):
        body = {"sender": name, "message": "我的工单办得怎么样了"}
        assert client.post("/webhooks/rest/webhook", json=body).status_code == 422


def test_a_sealed_name_speaks_for_our_citizen_unless_the_door_gave_up(client: TestClient) -> None:
    seal: Seal = client.app.state.seal  # type: ignore[attr-defined]
    store = client.app.state.assistant.store  # type: ignore[attr-defined]
    rasa = Caller(client, seal.put(SenderId("bo")), OWN, FORM)
    rasa.hears("民治大道的路灯坏了三天了，没人修", message_id="m-1")
    rasa.calls("action_answer_service")
    rasa.hears("确认", "affirm", message_id="m-2")
    with store.work() as work:
        work.save(work.tracker(SenderId("bo")), MessageId("m-2"), (), [{"recipient_id": "bo"}], store.now())
    given_up = client.post("/webhook", json=rasa.body("validate_demand_form"))
    assert given_up.status_code == 400 and given_up.json()["action_name"] == "validate_demand_form"
    rasa.hears("确认", "affirm", message_id="m-3")
    case = turn_of(rasa.calls("validate_demand_form"))["case"]
    with store.work() as work:
        assert [str(one.number) for one in work.cases.of_sender(SenderId("bo"))] == [case["case_id"]]
        assert work.tracker(SenderId("bo")).turns == 0 and work.tracker(SenderId("behind:bo")).turns == 2


def test_with_a_token_only_who_has_it(models: Models, settings: Settings) -> None:
    settings = settings.model_copy(update={"rasa_token": type(settings.rasa_token)("open-sesame-open-sesame")})
    with TestClient(create_app(settings, assistant_of(models, settings))) as client:
        assert client.post("/webhook", json=BODY).status_code == 401
        assert client.post("/webhook?token=wrong", json=BODY, headers={"Accept-Language": "en"}).json()["title"]
        assert client.post("/webhook?token=open-sesame-open-sesame", json=BODY).status_code == 200
        bearer = {"Authorization": "Bearer open-sesame-open-sesame"}
        assert client.post("/webhook", json=BODY, headers=bearer).status_code == 200
