"""The HTTP doors against the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.build import assistant_of
from bot.settings import Settings
from bot.training import Models
from bot.turn import Outcome
from connectors.app import create_app

OUTCOMES = {str(outcome) for outcome in Outcome}


@pytest.fixture
def client(models: Models, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, assistant_of(models, settings)), raise_server_exceptions=False) as client:
        yield client


def say(client: TestClient, text: str, sender: str = "u1", **metadata: str) -> list[dict[str, Any]]:
    response = client.post("/webhooks/rest/webhook", json={"sender": sender, "message": text, "metadata": metadata})
    assert response.status_code == 200, response.text
    answer: list[dict[str, Any]] = response.json()
    return answer


def turn_of(answer: list[dict[str, Any]]) -> dict[str, Any]:
    turn: dict[str, Any] = answer[-1]["custom"]["turn"]
    return turn


def file_case(client: TestClient, sender: str) -> dict[str, Any]:
    say(client, "民治大道的路灯坏了三天了，没人修", sender)
    case = turn_of(say(client, "确认", sender))["case"]
    assert case is not None
    return dict(case)


def test_shape_of_a_turn(client: TestClient) -> None:
    answer = say(client, "驾照快到期了怎么办")
    assert all(bubble["recipient_id"] == "u1" for bubble in answer)
    turn = turn_of(answer)
    assert turn["outcome"] in OUTCOMES
    assert turn["language"] == "zh"
    assert set(turn["services"][0]) == {"code", "name", "score"}
    assert set(turn["sources"][0]) == {"title", "url", "checked_on"}
    assert (turn["case"], turn["active_form"], turn["requested_slot"]) == (None, None, None)


def test_a_repeated_message_does_nothing_twice(client: TestClient) -> None:
    say(client, "民治大道的路灯坏了三天了，没人修", "twice", message_id="m-1")
    first = say(client, "确认", "twice", message_id="m-2")
    assert turn_of(first)["outcome"] == "case_filed"
    assert say(client, "确认", "twice", message_id="m-2") == first
    status = say(client, "查我的工单", "twice")
    assert turn_of(status)["outcome"] == "case_status"
    assert turn_of(status)["case"]["case_id"] == turn_of(first)["case"]["case_id"]


def test_case_needs_its_code(client: TestClient) -> None:
    case = file_case(client, "filer")
    assert re.fullmatch(r"[A-Z]{2}\d{6}-\d{6}-\d", case["case_id"])
    assert re.fullmatch(r"[A-HJKMNP-Z2-9]{8}", case["query_code"])
    right = client.get(f"/cases/{case['case_id']}", params={"code": case["query_code"]})
    assert right.status_code == 200
    assert [event["event"] for event in right.json()["timeline"]] == ["filed"]
    assert "query_code" not in right.json()
    wrong = client.get(f"/cases/{case['case_id']}", params={"code": "AAAAAAAA"})
    unknown = client.get("/cases/SZ991231-000001-0", params={"code": case["query_code"]})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.status_code == 404
    told = turn_of(say(client, f"查{case['case_id']} 查询码AAAAAAAA", "stranger"))
    other = turn_of(say(client, "查SZ991231-000001-0 查询码AAAAAAAA", "stranger2"))
    assert told["outcome"] == other["outcome"] == "needs_identity"
    assert told["case"] is None
    shown = turn_of(say(client, f"查{case['case_id']} 查询码{case['query_code']}", "stranger3"))
    assert shown["outcome"] == "case_status"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "字" * 5000, "a" * 5000, "😀🎉", "<script>alert(1)</script>", "'; DROP TABLE cases; --", "\x00\x01",
     "Bonjour, je voudrais renouveler mon visa", "ビザを更新したいです", "/unknown_payload{\"a\": 1}", "/ask_service{", "{{7*7}}",
     "%s%s%n", "﷽" * 50, "‮evil", "1", "?", "."],
)  # fmt: skip
def test_odd_input_gets_a_clear_answer(client: TestClient, text: str) -> None:
    answer = say(client, text, "odd")
    assert turn_of(answer)["outcome"] in OUTCOMES - {"error"}
    assert all(bubble["text"].strip() for bubble in answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{bad json", 400),
        ("[]", 422),
        ('{"sender": "a"}', 422),
        ('{"sender": {}, "message": "x"}', 422),
        ('{"sender": "a", "message": {"a": 1}}', 422),
        ('{"sender": "a", "message": "x", "metadata": {"message_id": "' + "x" * 201 + '"}}', 422),
        ('{"sender": "a", "message": "' + "x" * 300_000 + '"}', 413),
    ],
)
def test_bad_requests_are_problems(client: TestClient, body: str, status: int) -> None:
    for language, word in (("en", "processed"), ("zh", "没有")):
        response = client.post(
            "/webhooks/rest/webhook",
            content=body.encode(),
            headers={"content-type": "application/json", "accept-language": language},
        )
        assert response.status_code == status
        assert response.headers["content-type"].startswith("application/problem+json")
        assert word in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "sender"),
    [
        ({"sender": 5, "message": "hello"}, "5"),
        ({"sender": None, "message": "hello"}, "default"),
        ({"sender": "m", "message": "hello", "metadata": "no"}, "m"),
        ({"sender": "m", "message": "hello", "metadata": {"message_id": 5, "language": 5}}, "m"),
        ({"sender": "m", "message": "hello", "metadata": {"message_id": {}, "language": []}}, "m"),
        ({"sender": "m", "message": None}, None),
    ],
)
def test_the_rest_channel_takes_what_rasas_takes(client: TestClient, body: dict[str, Any], sender: str | None) -> None:
    answer = client.post("/webhooks/rest/webhook", json=body)
    assert answer.status_code == 200 and {bubble["recipient_id"] for bubble in answer.json()} == {sender} - {None}


def test_parse_data(client: TestClient) -> None:
    data = client.post("/model/parse", json={"text": "我在民治大道，电话13800138000"}).json()
    assert {"text", "intent", "intent_ranking", "entities", "language"} <= set(data)
    assert data["intent"] == data["intent_ranking"][0]
    phone = next(entity for entity in data["entities"] if entity["entity"] == "phone")
    assert data["text"][phone["start"] : phone["end"]] == "13800138000" and phone["confidence_entity"] == 1.0
    assert data["text_tokens"][0] == [0, 1] and data["text_tokens"][-1][1] == len(data["text"])


def test_search_and_service(client: TestClient) -> None:
    found = client.post("/knowledge/search", json={"query": "驾照快到期了怎么换", "top_k": 3}).json()
    assert found["outcome"] == "answered"
    assert found["hits"][0]["code"] == "C01"
    assert len(found["hits"]) == 3
    assert set(found["hits"][0]) == {"code", "name", "score", "agency_responsible", "why"}
    foreign = client.post("/knowledge/search", json={"query": "visa", "audience": "foreigner"}).json()
    assert foreign["hits"]
    assert client.post("/knowledge/search", json={"query": "x", "top_k": 0}).status_code == 422
    assert client.post("/knowledge/search", json={"query": ""}).json()["outcome"] == "no_service"
    service = client.get("/knowledge/services/C01", params={"language": "en"}).json()
    assert service["name"] == "Driving licence renewal"
    assert service["facts"]["fee"]["confidence"] == "secondary"
    assert client.get("/knowledge/services/Z99").status_code == 404


def test_analyse(client: TestClient) -> None:
    text = "民治大道路灯坏了三天，还有龙华汽车站旁边垃圾没人清"
    found = client.post("/demands/analyse", json={"text": text}).json()
    assert [demand["service_item"] for demand in found["demands"]] == ["H08", "H11"]
    assert found["demands"][0]["district"] is None or found["demands"][0]["district"].endswith("区")
    assert client.post("/demands/analyse", json={"text": ""}).json() == {"demands": [], "duplicates": []}


def test_redact(client: TestClient) -> None:
    text = "我叫张小明，电话13800138000，身份证11010519491231002X，车牌粤B12345"
    found = client.post("/privacy/redact", json={"text": text}).json()
    assert {span["kind"] for span in found["spans"]} == {"name", "phone", "id_card", "plate"}
    for secret in ("张小明", "13800138000", "11010519491231002X", "粤B12345"):
        assert secret not in found["text"]


def test_health_page_and_metrics(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    say(client, "你好")
    assert 'chengda_turns_total{language="zh",outcome="smalltalk"}' in client.get("/metrics").text


def test_rate_limit(models: Models, settings: Settings) -> None:
    limited = settings.model_copy(update={"rate_limit": 3})
    with TestClient(create_app(limited, assistant_of(models, limited))) as client:
        answers = [client.get("/knowledge/services/C01") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert client.get("/healthz").status_code == 200


def test_nobody_speaks_as_a_citizen_of_a_messenger(models: Models, settings: Settings) -> None:
    told = settings.model_copy(update={"channels": '{"telegram": {"token": "1:a", "secret": "12345678"}}'})
    with TestClient(create_app(told, assistant_of(models, told))) as client:
        for sender in ("web:x", "telegram:12345", "open311:k:a"):
            said = client.post("/webhooks/rest/webhook", json={"sender": sender, "message": "查我的工单进度"})
            assert said.status_code == 422
            assert client.post("/feedback", json={"sender": sender, "rating": "good"}).status_code == 422
        assert client.post("/webhooks/rest/webhook", json={"sender": "a:b", "message": "你好"}).status_code == 200
