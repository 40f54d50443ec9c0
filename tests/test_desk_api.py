"""The desk over HTTP on a real server: races, streams, words that reach the citizen, approval, figures, rights."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from httpx_sse import connect_sse

from bot.cases.case import CaseDraft, DemandType
from bot.cases.states import Role
from bot.staff.rights import RIGHTS, Right
from connectors.desk.router import PARTS, PREFIX
from connectors.staff.caller import Needs
from tests.desk_office import Office, until

QUERY_CODE = re.compile(r"[2-9A-HJKMNP-Z]{8}")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One server for this file."""
    made = Office(
        tmp_path_factory.mktemp("desk"),
        {"CHENGDA_APPROVAL_BELOW": "0", "CHENGDA_SWEEP_SECONDS": "0.5"},
    )
    yield made
    made.server.stop()


def held(office: Office, sender: str, *before: str, who: str = "wang") -> int:
    """A talk of a citizen that somebody holds."""
    for text in (*before, "转人工"):
        office.say(text, sender)
    number = office.last_waiting()
    assert office.post(who, f"/talks/{number}/claim").status_code == 200
    return number


def test_two_agents_claim_at_once_and_one_gets_it(office: Office) -> None:
    office.say("转人工", "race")
    number = office.last_waiting()
    office.token("wang"), office.token("li")
    start = threading.Barrier(2)

    def claim(who: str) -> httpx.Response:
        start.wait()
        return office.post(who, f"/talks/{number}/claim")

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(("wang", "li"), pool.map(claim, ("wang", "li")), strict=True))
    codes = {who: answer.status_code for who, answer in answers.items()}
    assert sorted(codes.values()) == [200, 409]
    winner, loser = sorted(codes, key=lambda who: codes[who])
    assert winner in answers[loser].json()["detail"]
    assert office.get(loser, f"/talks/{number}").status_code == 409
    assert office.get("zhao", f"/talks/{number}").status_code == 200
    assert office.post("zhao", f"/talks/{number}/release").status_code == 204
    assert number in [one["number"] for one in office.waiting()]


def test_a_citizen_of_the_web_chat_hears_the_agent_and_goes_on_with_the_bot(office: Office) -> None:
    opened = httpx.post(f"{office.url}/api/v1/sessions", json={"language": "zh"}, timeout=60).json()
    root = f"{office.url}/api/v1/sessions/{opened['session_id']}"
    bearer = {"Authorization": f"Bearer {opened['token']}"}

    def say(text: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.post(
            f"{root}/messages", json={"text": text, "client_msg_id": uuid.uuid4().hex}, headers=bearer, timeout=60
        ).json()
        return answer

    say("楼下烧烤店半夜噪音扰民")
    asked = httpx.post(f"{root}/handoff", json={}, headers=bearer, timeout=60).json()
    assert asked["state"]["outcome"] == "handoff" and asked["state"]["active_form"] == "demand_form"
    number = office.last_waiting()
    line = next(one for one in office.waiting() if one["number"] == number)
    assert line["channel"] == "web" and line["waited"] >= 0 and line["excerpt"]
    with httpx.Client(timeout=60) as client, connect_sse(client, "GET", f"{root}/stream", headers=bearer) as stream:
        office.post("wang", f"/talks/{number}/claim")
        assert say("在吗")["messages"][0]["role"] == "user"
        office.post("wang", f"/talks/{number}/say", {"text": "您好，我是12345坐席，在哪条路？", "key": "a"})
        office.post("wang", f"/talks/{number}/say", {"text": "您好，我是12345坐席，在哪条路？", "key": "a"})
        body = {"note": "地点：福强路", "values": {"location": "福田区福强路100号"}}
        assert office.post("wang", f"/talks/{number}/hand-back", body).status_code == 204
        agents, told = [], []
        for event in stream.iter_sse():
            message = json.loads(event.data) if event.event == "message" else {}
            if message.get("role") == "agent":
                agents.append(message["text"])
            told.append(message.get("text", ""))
            if "由我继续为您服务" in told[-1]:
                break
    assert agents == ["您好，我是12345坐席，在哪条路？"] and any("已接入" in text for text in told)
    final = say("就这样，提交")
    assert final["state"]["outcome"] in ("form_question", "case_filed")
    assert "福强路100号" in json.dumps(final, ensure_ascii=False) or final["state"]["outcome"] == "case_filed"


def test_the_desks_stream_tells_of_the_queue_and_of_words(office: Office) -> None:
    number = held(office, "streamed")
    headers = office.headers("wang")
    with (
        httpx.Client(timeout=60) as client,
        connect_sse(client, "GET", f"{office.url}/desk/api/stream", headers=headers) as stream,
    ):
        events = (json.loads(one.data) for one in stream.iter_sse() if one.event == "news")
        first = next(events)
        office.say("我的情况是这样的", "streamed")
        second = next(events)
        assert second["talks"][str(number)] > first["talks"][str(number)]
        office.say("转人工", "another")
        assert next(events)["queue"] != second["queue"]
    assert httpx.get(f"{office.url}/desk/api/stream", timeout=60).status_code == 401
    office.post("wang", f"/talks/{number}/close", {"outcome": "resolved"})


def test_suggestions_follow_the_talk_and_are_counted(office: Office) -> None:
    number = held(office, "advised", "你好")
    office.say("我想问一下驾照快到期了怎么换", "advised")
    told = office.get("wang", f"/talks/{number}/advice").json()
    assert told["suggestions"] and {"kind", "text", "confidence", "source"} <= set(told["suggestions"][0])
    english = office.get("wang", f"/talks/{number}/advice", language="en").json()
    assert english["language"] == "en"
    for use in ("accepted", "edited", "dismissed"):
        body = {"kind": "service", "service": "C01", "place": 1, "confidence": 0.8, "use": use}
        assert office.post("wang", f"/talks/{number}/used", body).status_code == 204
    assert office.post("li", f"/talks/{number}/used", body).status_code == 409
    figures = office.get("zhao", "/figures").json()
    (mine,) = [one for one in figures["agents"] if one["name"] == "wang"]
    assert (mine["accepted"], mine["edited"], mine["dismissed"], mine["title"]) == (1, 1, 1, "王丽")
    assert figures["services"][0]["name"] == "C01" and "驾驶证" in figures["services"][0]["title"]
    office.post("wang", f"/talks/{number}/close", {"outcome": "resolved", "note": "已解答"})
    assert office.say("谢谢", "advised")["outcome"] == "smalltalk"


def test_a_case_filed_at_the_desk(office: Office) -> None:
    number = held(office, "filer")
    body = {"key": "f", "description": "民治大道路灯坏了三天", "location": "龙华区民治大道", "contact": "13800138000"}
    made = office.post("wang", f"/talks/{number}/case", body)
    assert made.status_code == 201 and office.post("wang", f"/talks/{number}/case", body).json() == made.json()
    view = office.get("wang", f"/talks/{number}").json()
    assert [case["number"] for case in view["cases"]] == [made.json()["number"]]
    filed = next(line["text"] for line in view["lines"] if made.json()["number"] in line["text"])
    assert not QUERY_CODE.search(filed.replace(made.json()["number"], ""))
    assert office.post("wang", f"/talks/{number}/close", {"outcome": "resolved"}).status_code == 204
    assert office.post("wang", f"/talks/{number}/say", {"text": "x", "key": "k"}).status_code == 409
    assert office.say(f"查一下{made.json()['number']}", "filer")["outcome"] == "case_status"
    log = httpx.get(
        f"{office.url}/staff/audit", params={"size": 200}, headers=office.headers("zhao"), timeout=60
    ).json()["entries"]
    done = {row["action"] for row in log if row["login"] == "wang"}
    assert {"talk_claimed", "talk_viewed", "case_filed", "talk_ended"} <= done
    assert not any("路灯" in json.dumps(row, ensure_ascii=False) for row in log)


def test_rights_at_every_door_of_talks(office: Office) -> None:
    found = set()
    for route in (route for part in PARTS for route in part.router.routes):
        assert isinstance(route, APIRoute)
        (right,) = [one.call.right for one in route.dependant.dependencies if isinstance(one.call, Needs)]
        found.add(right)
        for method in sorted(route.methods or ()):
            path = f"{office.url}{PREFIX}{route.path}".replace("{number}", "999999")
            assert httpx.request(method, path, json={}, timeout=60).status_code == 401
            for who, role in (("ed", Role.EDITOR), ("unit1", Role.UNIT), ("chen", Role.DISPATCHER)):
                assert role not in RIGHTS[right]
                assert httpx.request(method, path, json={}, headers=office.headers(who), timeout=60).status_code == 403
    assert found == {Right.TALKS, Right.FIGURES}
    assert office.get("wang", "/figures").status_code == 403
    for path in ("/talks/999999/claim", "/talks/999999/release"):
        answer = office.post("wang", path)
        assert answer.status_code == 404 and answer.json()["detail"]


def test_answers_wait_for_approval(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {
        "CHENGDA_APPROVAL_BELOW": "1", "CHENGDA_APPROVAL_SECONDS": "3", "CHENGDA_SWEEP_SECONDS": "0.5",
    }  # fmt: skip
    office = Office(tmp_path_factory.mktemp("approval"), settings)
    try:
        assert office.say("怎么办居住证", "asker")["outcome"] == "handoff"
        (draft,) = office.get("wang", "/queue").json()["drafts"]
        assert draft["question"] == "怎么办居住证" and draft["left"] <= 3
        assert office.post("wang", f"/drafts/{draft['number']}", {"decision": "edited"}).status_code == 422
        body = {"decision": "edited", "text": "请到社区工作站办理"}
        answers = [office.post(who, f"/drafts/{draft['number']}", body).status_code for who in ("wang", "li")]
        assert answers == [204, 409]
        office.say("驾照快到期了怎么办", "waiter")
        until(lambda: not office.get("wang", "/queue").json()["drafts"])
        office.say("转人工", "waiter")
        number = office.last_waiting()
        lines = office.post("wang", f"/talks/{number}/claim").json()["lines"]
        texts = "\n".join(line["text"] for line in lines)
        assert "暂时还没能核对" in texts and "驾驶证" in texts
    finally:
        office.server.stop()


# --- cases on the same beside a call

NOISE = {
    "description": "民治大道256号工地每天晚上十一点还在施工，吵得睡不着",
    "type": "complaint",
    "category": "环保水务",
    "service_item": "H01",
    "location": "民治大道256号",
    "district": "龙华区",
    "subdistrict": "民治街道",
}


@pytest.fixture(scope="module")
def neighbours(office: Office) -> tuple[str, str]:
    """Numbers of a case of somebody else on the noise of a call, and of an anonymous one; the call is under way."""
    draft = CaseDraft(
        "民治大道256号的工地半夜十一点还在施工，吵得没法睡，我叫王小明", DemandType.COMPLAINT, "环保水务", "H01", None,
        "民治大道256号", "龙华区", "民治街道",
    )  # fmt: skip
    office.heard("noisy", "民治大道二百五十六号的工地半夜还在施工")
    return office.filed(draft, "next door").number, office.filed(draft, "unnamed", anonymous=True).number


def audited(office: Office, action: str) -> list[dict[str, Any]]:
    """What the audit log has of an action."""
    headers = office.headers("zhao")
    log = httpx.get(f"{office.url}/staff/audit", params={"action": action}, headers=headers, timeout=60).json()
    entries: list[dict[str, Any]] = log["entries"]
    return entries


def test_a_call_shows_cases_on_the_same_by_the_rules_of_privacy(office: Office, neighbours: tuple[str, str]) -> None:
    named, unnamed = neighbours
    answers = [office.post("wang", "/calls/noisy/duplicates", NOISE) for _ in range(2)]
    told = {one["case_id"]: one for one in answers[0].json()["duplicates"]}
    assert answers[0].json() == answers[1].json()
    best = told[named]
    assert best["score"] >= 0.7 and (best["way"], best["status"], best["joined"]) == ("follow", "submitted", False)
    assert best["title"] and best["district"] == "龙华区" and "民治大道" in best["location"]
    assert {"same_item", "same_place", "near_time"} <= {one["code"] for one in best["reasons"]}
    assert told[unnamed]["anonymous"] and told[unnamed]["way"] is None
    assert (
        "王小明" not in answers[0].text and "13800138000" not in answers[0].text and "next door" not in answers[0].text
    )
    shown = [one for one in audited(office, "compared") if one["login"] == "wang" and "call:noisy" in one["fields"]]
    assert len(shown) == 1 and {f"case:{number}" for number in neighbours} <= set(shown[0]["fields"])
    nothing = office.post("wang", "/calls/noisy/duplicates", {**NOISE, "location": None, "description": "吵得睡不着"})
    assert nothing.json() == {"duplicates": []}


def test_two_agents_join_a_caller_at_once_and_it_is_done_once(office: Office, neighbours: tuple[str, str]) -> None:
    body = {"case": neighbours[0].lower(), "way": "follow", "place": 1, "confidence": 0.9}
    office.token("wang"), office.token("li")
    start = threading.Barrier(2)

    def join(who: str) -> httpx.Response:
        start.wait()
        return office.post(who, "/calls/noisy/join", body)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(join, ("wang", "li")))
    assert [one.status_code for one in answers] == [200, 200] and answers[0].json() == answers[1].json()
    told = answers[0].json()
    assert (told["number"], told["way"], told["language"]) == (neighbours[0], "follow", "zh")
    assert "登记加入" in told["words"] and not re.search(r"\d", told["words"])
    joined = [one for one in audited(office, "case_joined") if "call:noisy" in one["fields"]]
    assert [one["number"] for one in joined] == [neighbours[0]]
    (one,) = (one for one in known(office) if one["case_id"] == neighbours[0])
    assert one["joined"] and one["way"] is None
    filed = office.post("li", "/calls/noisy/case", {**NOISE, "key": "a"})
    assert filed.status_code == 201, filed.text
    refused = office.post("wang", "/calls/noisy/join", body)
    assert refused.status_code == 409 and "同事" in refused.json()["detail"]
    (one,) = (one for one in known(office) if one["case_id"] == neighbours[0])
    assert (one["joined"], one["way"]) == (False, "merge")
    merged = office.post("wang", "/calls/noisy/join", {**body, "way": "merge"})
    assert merged.json()["way"] == "merge" and "并到一起" in merged.json()["words"]


def known(office: Office) -> list[dict[str, Any]]:
    """The cases on the same of the call."""
    found: list[dict[str, Any]] = office.post("wang", "/calls/noisy/duplicates", NOISE).json()["duplicates"]
    return found


@pytest.mark.parametrize("door", ["duplicates", "join"])
def test_who_may_not_look_for_cases_on_the_same(office: Office, neighbours: tuple[str, str], door: str) -> None:
    body = NOISE if door == "duplicates" else {"case": neighbours[1]}
    for who in ("unit1", "ed", "chen"):
        assert office.post(who, f"/calls/noisy/{door}", body).status_code == 403
    assert office.post("wang", f"/calls/nobody/{door}", body).status_code == 404
    assert office.post("wang", f"/calls/noisy/{door}", {"no": "such field"}).status_code == 422
    if door == "join":
        refused = office.post("wang", "/calls/noisy/join", body)
        assert refused.status_code == 409 and "匿名" in refused.json()["detail"]
