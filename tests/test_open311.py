"""The Open311 endpoint: services, filing, listing, errors, privacy and updates, in XML and JSON."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from fastapi.testclient import TestClient
from PIL import Image

from bot.build import assistant_of
from bot.cases.case import DemandType
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Status
from bot.settings import Settings
from bot.training import Models
from connectors.app import create_app
from connectors.open311.problems import Kind
from connectors.open311.public import WORDS
from tests.open311_city import BASE, DOMAIN, LAMP, City, codes, reply


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path)
    yield city
    city.close()


def test_discovery_names_both_endpoints_in_both_formats(city: City) -> None:
    for path in ("/open311/discovery", "/open311/v2/discovery"):
        told = city.web.get(f"{path}.json").json()
        assert [one["type"] for one in told["endpoints"]] == ["production", "test"]
        for one in told["endpoints"]:
            assert one["specification"] == "http://wiki.open311.org/GeoReport_v2"
            assert one["formats"] == ["text/xml", "application/json"]
            assert city.web.get(f"{one['url']}/services.xml").status_code == 200
        root = fromstring(city.web.get(f"{path}.xml").content)
        assert (root.tag, len(root.findall("endpoints/endpoint/formats/format"))) == ("discovery", 4)


def test_services_in_both_languages(city: City) -> None:
    zh, en = city.get("/services.json").json(), city.get("/services.json", {"accept-language": "en"}).json()
    assert [one["service_code"] for one in zh] == [f"H{number:02}" for number in range(1, 31)]
    assert {one["type"] for one in zh} == {"realtime"}
    assert (zh[7]["service_name"], zh[7]["group"]) == ("路灯不亮、漏电", "市政设施")
    assert (en[7]["service_name"], en[7]["group"]) == ("Street light faults and leakage", "Municipal facilities")
    assert city.get("/services.json", language="en").json() == en
    root = fromstring(city.get("/services.xml").content)
    assert [one.findtext("service_code") for one in root.findall("service")] == [one["service_code"] for one in zh]
    assert root.findtext("service/metadata") == "true"
    assert not re.search("[\u4e00-\u9fff]", city.get("/services.json", language="en").text)


def test_definition(city: City) -> None:
    told = city.get("/services/H08.json", language="en").json()
    named = {one["code"]: one for one in told["attributes"]}
    assert named["detail_1"]["description"] == "number of the pole"
    assert [one["order"] for one in told["attributes"]] == list(range(1, len(named) + 1))
    assert {value["key"] for value in named["type"]["values"]} == set(DemandType)
    root = fromstring(city.get("/services/H08.xml").content)
    assert root.findtext("attributes/attribute/description") == "灯杆编号"
    assert root.findtext("attributes/attribute/variable") == "true"
    for number in range(1, 31):
        assert city.get(f"/services/H{number:02}.json", language="en").status_code == 200
    assert codes(city.get("/services/C01.xml")) == [404]


def test_the_whole_cycle_in_xml(city: City) -> None:
    made = city.post("/requests.xml", email="li@example.com", lat="22.615134", long="114.029921", account_id="a-7")
    assert made.headers["content-type"] == "text/xml; charset=utf-8"
    request = fromstring(made.content).find("request")
    assert request is not None
    number = request.findtext("service_request_id")
    assert number and re.fullmatch(r"SZ261121-\d{6}-\d", number)
    assert request.findtext("account_id") == "a-7"
    assert request.find("token") is None
    for path in (f"/requests/{number}.xml", "/requests.xml"):
        found = fromstring(city.get(path).content)
        one = found.find("request")
        assert (found.tag, len(found)) == ("service_requests", 1)
        assert one is not None
        assert (one.findtext("status"), one.findtext("status_notes")) == ("open", "已提交，待受理")
        assert one.findtext("requested_datetime") == "2026-11-21T12:00:00+08:00"
        assert (one.findtext("lat"), one.findtext("long")) == ("22.615", "114.03")
        assert one.findtext("zipcode") == ""
    reply(city, number)
    one = fromstring(city.get(f"/requests/{number}.xml", language="en").content).find("request")
    assert one is not None
    assert one.findtext("status_notes") == "answered: 已换灯泡，如有问题请拨打[phone]"
    assert one.findtext("agency_responsible") == "Urban Management and Law Enforcement Bureau"
    with city.store.work() as work:
        case = work.cases.move(CaseNumber(number), Move.RATE)
        assert (case.contact, case.source, case.draft.latitude) == ("li@example.com", "open311", 22.615134)
        assert (case.draft.district, case.draft.subdistrict, case.draft.category) == ("龙华区", "民治街道", "市政设施")
    assert "<status>closed</status>" in city.get(f"/requests/{number}.xml").text
    token = fromstring(city.get(f"/tokens/{number}.xml").content)
    assert (token.findtext("request/service_request_id"), token.findtext("request/token")) == (number, number)


def test_json_has_the_same_values(city: City) -> None:
    number = city.file()
    one = city.get(f"/requests/{number}.json").json()
    assert len(one) == 1
    assert isinstance(one[0]["service_request_id"], str)
    assert (one[0]["lat"], one[0]["media_url"], one[0]["service_code"]) == (None, None, "H08")
    assert "notes" not in one[0]
    assert city.get("/requests.json").json() == one
    root = fromstring(city.get(f"/requests/{number}.xml").content)
    assert [child.tag for child in root[0]] == list(one[0])


def test_multipart_attributes_and_what_has_no_place(city: City) -> None:
    body = {
        **LAMP, "api_key": city.key, "attribute[detail_1]": "LG-12", "attribute[detail_2][]": ["漏电", "冒火花"],
        "attribute[type]": "report", "attribute[occurred_at]": "昨晚", "attribute[anonymous]": "yes",
        "attribute[fixmystreet_id]": "77", "media_url": "https://example.com/a.jpg", "phone": "13800138000",
        "description": "我叫张小明，路灯坏了",
    }  # fmt: skip
    picture = io.BytesIO()
    Image.frombytes("RGB", (400, 400), random.Random(1).randbytes(480_000)).save(picture, "PNG")
    photo = picture.getvalue()
    files = {"photo1": ("a.png", photo, "image/png"), "photo2": ("b.jpg", b"no photo", "image/jpeg")}
    made = city.web.post(BASE + "/requests.json", data=body, files=files)
    assert "没有保存" in made.json()[0]["service_notice"]
    with city.store.work() as work:
        case = work.cases.by_number(CaseNumber(made.json()[0]["service_request_id"]))
    assert case.draft.description == "我叫[name]，路灯坏了\n灯杆编号: LG-12\n是否有危险: 漏电、冒火花"
    assert (case.draft.type, case.draft.occurred_at, case.anonymous, case.contact) == ("report", "昨晚", True, None)
    with city.store.work() as work:
        (kept,) = work.evidence.of(case.number)
        assert kept.name == "a.png" and kept.size > 400_000
    assert case.timeline[-1].note == "https://example.com/a.jpg\nfixmystreet_id: 77"
    assert "example.com" not in city.get("/requests.json", extensions="true").text


BAD: list[tuple[dict[str, Any], list[int]]] = [
    ({"api_key": None}, [403]),
    ({"api_key": "nobody"}, [403]),
    ({"jurisdiction_id": "elsewhere.gov"}, [404]),
    ({"service_code": None}, [400]),
    ({"service_code": "X99"}, [404]),
    ({"service_code": "C01"}, [404]),
    ({"service_code": "H27"}, [400]),
    ({"address_string": None}, [400]),
    ({"address_string": " "}, [400]),
    ({"lat": "22.5"}, [400]),
    ({"lat": "22.5", "long": "x"}, [400]),
    ({"lat": "nan", "long": "114"}, [400]),
    ({"lat": "91", "long": "114"}, [400]),
    ({"description": "字" * 4001}, [400]),
    ({"email": "no address"}, [400]),
    ({"phone": "call me"}, [400]),
    ({"media_url": "file:///etc/passwd"}, [400]),
    ({"attribute[type]": "rant"}, [400]),
    ({"service_code": None, "address_string": None, "email": "x", "phone": "y"}, [400, 400, 400, 400]),
]


@pytest.mark.parametrize(("fields", "expected"), BAD)
def test_every_problem_is_one_entry_and_nothing_is_filed(
    city: City, fields: dict[str, Any], expected: list[int]
) -> None:
    for form in ("xml", "json"):
        for language in ("zh", "en"):
            answer = city.post(f"/requests.{form}", {"accept-language": language}, **fields)
            assert codes(answer) == expected
            told = answer.text.replace("路灯", "")
            assert bool(re.search("[\u4e00-\u9fff]", told)) == (language == "zh"), told
    assert city.get("/requests.json", api_key=city.key).json() == []


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/services.csv", 404),
        ("GET", "/nothing.json", 404),
        ("GET", "/", 404),
        ("DELETE", "/requests.json", 405),
        ("PUT", "/services.xml", 405),
        ("GET", "/requests/SZ991231-000001-0.xml", 404),
        ("GET", "/requests/%00%ff.json", 404),
        ("GET", "/tokens/none.json", 404),
        ("GET", "/services.json?jurisdiction_id=x", 404),
        ("GET", "/requests.json?api_key=wrong", 403),
        ("GET", "/requests.json?status=sleeping", 400),
        ("GET", "/requests.xml?start_date=yesterday", 400),
        ("GET", "/requests.xml?start_date=9999-12-31", 400),
        ("GET", "/requests.json?start_date=2026-06-01&end_date=2026-11-01", 400),
        ("GET", "/requests.json?start_date=2026-11-02&end_date=2026-11-01", 400),
        ("GET", "/requests.json?page=0", 400),
        ("GET", "/requests.json?page_size=1001", 400),
        ("GET", "/requests.json?service_code=X1", 404),
        ("GET", "/requests.json?service_request_id=" + ",".join(str(n) for n in range(1001)), 400),
    ],
)
def test_other_errors(city: City, method: str, path: str, expected: int) -> None:
    answer = city.web.request(method, BASE + path)
    assert answer.status_code == expected
    assert codes(answer) == [expected]
    if expected == 405:
        assert answer.headers["allow"]


def test_a_body_that_is_no_form_or_too_large(city: City) -> None:
    assert codes(city.web.post(BASE + "/requests.json", json=LAMP)) == [400]
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert codes(city.web.post(BASE + "/requests.xml", content=b"nonsense", headers=broken)) == [400]
    kind = {"content-type": "application/x-www-form-urlencoded"}
    large = b"description=" + b"x" * 300_000
    assert codes(city.web.post(BASE + "/requests.xml", content=large, headers=kind)) == [413]
    piece_by_piece = iter([large[:100_000], large[100_000:200_000], large[200_000:]])
    update = BASE + "/servicerequestupdates.json"
    assert codes(city.web.post(update, content=piece_by_piece, headers=kind)) == [413]
    assert codes(city.web.post(update, content=large, headers=kind)) == [413]


def test_every_problem_and_status_has_its_words() -> None:
    for kind in Kind:
        assert f"utter_open311_{kind.text}" in DOMAIN.responses
    assert set(WORDS) == set(Status)


def test_the_running_service_has_the_endpoint(models: Models, settings: Settings) -> None:
    assistant = assistant_of(models, settings)
    with assistant.store.work() as work:
        key = work.keys.make("app", assistant.clock())
    with TestClient(create_app(settings.model_copy(update={"rate_limit": 9}), assistant)) as client:
        gas = {
            "api_key": key,
            "service_code": "H15",
            "address_string": "民治大道",
            "description": "家里煤气泄漏，味道很大",
        }
        made = client.post(BASE + "/requests.json", data=gas, headers={"accept-language": "en"})
        assert "call 110, 119 or 120" in made.json()[0]["service_notice"]
        number = made.json()[0]["service_request_id"]
        with assistant.store.work() as work:
            assert work.cases.by_number(CaseNumber(number)).draft.urgency == "emergency"
        test = client.post("/open311/test/v2/requests.json", data=gas)
        assert test.json()[0]["service_request_id"].startswith("TT")
        assert client.get("/open311/v2/openapi.json").status_code == 404
        assert "/v2/requests.{form}" in client.get("/open311/openapi.json").json()["paths"]
        large = {"content-type": "application/x-www-form-urlencoded"}
        assert codes(client.post(BASE + "/requests.xml", content=b"x" * 300_000, headers=large)) == [413]
        pieces = iter([b"a=" + b"x" * 150_000, b"x" * 150_000])
        assert codes(client.post(BASE + "/servicerequestupdates.xml", content=pieces, headers=large)) == [413]
        answers = [client.get(BASE + "/services.json") for _ in range(6)]
        assert codes(answers[-1]) == [429]
        assert answers[-1].headers["retry-after"]
