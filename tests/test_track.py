"""A citizen's own case over HTTP: every field of its track, hastening and rating."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.assistant import Assistant
from bot.cases.case import Actor, Case, Facts
from bot.cases.states import Move, Role
from bot.messages import SenderId
from bot.settings import Settings
from connectors.app import create_app
from tests.test_closing import ACCEPT, DISPATCH, DRAFT, REPLY, REVIEW, SIGN, Step
from tests.test_evidence import png


@pytest.fixture
def client(settings: Settings, assistant: Assistant) -> Iterator[TestClient]:
    with TestClient(create_app(settings, assistant)) as client:
        yield client


def filed(assistant: Assistant, *steps: Step) -> Case:
    with assistant.store.work() as work:
        case = work.cases.file(DRAFT, SenderId("a"), "zh", "13800138000", False)
        for move, actor, facts in steps:
            work.cases.move(case.number, move, actor, facts)
    return case


def test_the_track_and_what_can_be_done(client: TestClient, assistant: Assistant) -> None:
    case = filed(assistant, ACCEPT, DISPATCH, SIGN, (Move.NOTE, Actor(Role.AGENT, "a1"), Facts("内部")))
    at = {"code": case.query_code.lower()}
    found: dict[str, Any] = client.get(f"/cases/{case.number.lower()}", params=at).json()
    assert found["status"] == "signed"
    assert found["held_by"]["kind"] == "unit"
    assert found["held_by"]["en"].startswith("Nanshan District")
    assert found["hasten"]["allowed"] and found["hasten"]["effect"] == "unit"
    assert found["next_step"]["zh"].startswith("南山区")
    assert [line["event"] for line in found["timeline"]] == ["filed", "accepted", "dispatched", "signed"]
    assert found["timeline"][2]["text"]["en"].startswith("sent to Nanshan")
    for inside in ("内部", "13800138000", "a1", case.query_code):
        assert inside not in str(found)
    hastened = client.post(f"/cases/{case.number}/hasten", params=at)
    assert (hastened.status_code, hastened.json()["hastened"]["effect"]) == (200, "unit")
    again = client.post(f"/cases/{case.number}/hasten", params=at, headers={"accept-language": "en"})
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["detail"] == "done today already; possible again tomorrow"


def test_a_rating_over_http(client: TestClient, assistant: Assistant) -> None:
    case = filed(assistant, ACCEPT, DISPATCH, SIGN)
    at = {"code": case.query_code}
    url = f"/cases/{case.number}/rating"
    assert client.post(url, params=at, json={"satisfied": True}).status_code == 409
    with assistant.store.work() as work:
        for move, actor, facts in (REPLY, REVIEW):
            work.cases.move(case.number, move, actor, facts)
    assert client.get(f"/cases/{case.number}", params=at).json()["rateable"]
    for wrong in ({"speed": 0}, {"speed": 6}, {"effect": "good"}, {"satisfied": False}, {}, {"effect": 1}):
        refused = client.post(url, params=at, json=wrong)
        assert refused.status_code == 422, wrong
        assert refused.json()["detail"]
    back = client.post(url, params=at, json={"satisfied": False, "effect": 1, "reason": "灯还是不亮"})
    assert back.json()["status"] == "redo"
    with assistant.store.work() as work:
        for move, actor, facts in (SIGN, REPLY, REVIEW):
            work.cases.move(case.number, move, actor, facts)
    done = client.post(url, params=at, json={"speed": 5, "effect": 4, "service": 5, "feedback": 5})
    assert done.json()["status"] == "closed"
    assert client.post(url, params=at, json={"satisfied": True}).status_code == 409


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/hasten"), ("POST", "/rating")])
def test_a_wrong_code_and_an_unknown_number_are_not_told_apart(
    client: TestClient, assistant: Assistant, method: str, path: str
) -> None:
    case = filed(assistant)
    answers = [
        client.request(method, f"/cases/{number}{path}", params={"code": code}, json={"satisfied": True})
        for number, code in ((case.number, "ABCD2345"), ("SZ200101-000999-1", "ABCD2345"), (case.number, ""))
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_the_page_is_served(client: TestClient) -> None:
    page = client.get("/status", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 200
    assert "chengda-status" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_a_photo_by_the_citizen(client: TestClient, assistant: Assistant) -> None:
    case = filed(assistant)
    at = {"code": case.query_code}
    url = f"/cases/{case.number}/evidence"
    photo = (png(), "image/png")
    for _ in range(2):
        sent = client.post(url, params=at, files={"file": ("灯.png", *photo)})
        assert sent.status_code == 200
    assert [line["event"] for line in sent.json()["timeline"]] == ["filed", "evidence"]
    assert client.post(url, params=at, files={"file": ("灯.exe", b"MZ" + b"\0" * 64)}).status_code == 415
    assert client.post(url, params={"code": "ABCD2345"}, files={"file": ("灯.png", *photo)}).status_code == 404
    with assistant.store.work() as work:
        work.cases.move(case.number, Move.WITHDRAW)
    assert client.post(url, params=at, files={"file": ("b.png", photo[0] + b"1")}).status_code == 409


def test_the_place_of_notices_is_chosen_by_who_has_the_code(client: TestClient, assistant: Assistant) -> None:
    case = filed(assistant, ACCEPT)
    at, url = {"code": case.query_code}, f"/cases/{case.number}/notices"
    assert client.get(f"/cases/{case.number}", params=at).json()["notices"] == {
        "now": None,
        "only": False,
        "places": [],
    }
    with assistant.store.work() as work:
        now = assistant.clock()
        work.contacts.wrote(SenderId("a"), "web", "zh", now, None)
        work.contacts.wrote(SenderId("hotline:o7"), "hotline", "zh", now, None, "wechat")
        work.mailing.places.shown(case.number, SenderId("hotline:o7"), now)
    found = client.get(f"/cases/{case.number}", params=at).json()["notices"]
    assert (found["now"], found["only"]) == ("web", False)
    assert [place["place"] for place in found["places"]] == ["web", "wechat"]
    assert found["places"][1]["en"] == "WeChat" and "o7" not in str(found)
    chosen = client.post(url, params=at, json={"place": "wechat", "only": True}).json()["notices"]
    assert (chosen["now"], chosen["only"]) == ("wechat", True)
    refused = client.post(url, params=at, json={"place": "telegram"}, headers={"accept-language": "en"})
    assert refused.status_code == 422 and "send updates here" in refused.json()["detail"]
    assert client.post(url, params=at, json={"place": "pigeon"}).status_code == 422
    assert client.post(url, params={"code": "ABCD2345"}, json={"place": "web"}).status_code == 404
    assert client.post(url, params=at, json={"place": None}).json()["notices"]["now"] is None
    again = client.post(url, params=at, json={"place": "web"}).json()["notices"]
    assert (again["now"], again["only"]) == ("web", False)


def test_a_place_that_gets_no_notices_is_not_offered_and_not_taken(client: TestClient, assistant: Assistant) -> None:
    case = filed(assistant, ACCEPT)
    at, url, other = {"code": case.query_code}, f"/cases/{case.number}/notices", SenderId("hotline:o8")
    with assistant.store.work() as work:
        now = assistant.clock()
        work.contacts.wrote(SenderId("a"), "web", "zh", now, None)
        work.contacts.wrote(other, "hotline", "zh", now, None, "wechat")
        work.mailing.places.shown(case.number, other, now)
    for changed in ({"notices": False}, {"reachable": False}):
        with assistant.store.work() as work:
            work.contacts.prefer(other, notices=changed.get("notices", True))
            work.contacts.reach(other, changed.get("reachable", True))
        places = client.get(f"/cases/{case.number}", params=at).json()["notices"]["places"]
        assert [place["place"] for place in places] == ["web"]
        refused = client.post(url, params=at, json={"place": "wechat"}, headers={"accept-language": "en"})
        assert refused.status_code == 422 and "turn on notifications" in refused.json()["detail"]
    with assistant.store.work() as work:
        work.contacts.prefer(other, notices=False)
        work.contacts.reach(other, True)
    client.post(url, params=at, json={"place": "wechat"})
    with assistant.store.work() as work:
        contact = work.contacts.of(other)
    assert contact is not None and not contact.notices
