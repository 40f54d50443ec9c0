"""Reading over Open311: filters, privacy, retries, updates, extensions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring

from bot.cases.case import CITIZEN, CaseDraft, DemandType, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Status
from bot.messages import SenderId
from connectors.open311.public import coarse
from tests.open311_city import BASE, LAMP, City, codes, reply

PRIVATE = "我叫张小明，电话13800138000，龙华区民治大道88号3栋201门口路灯坏了"


@pytest.fixture(params=["sqlite", "postgres"])
def city(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[City]:
    """A city on each database."""
    city = City(tmp_path, url=request.getfixturevalue("postgres_url") if request.param == "postgres" else "")
    yield city
    city.close()


def test_filters_pages_and_the_90_days(city: City) -> None:
    old = city.file(description="很久以前的路灯")
    city.now += timedelta(days=100)
    lamp = city.file(description="路灯一")
    city.now += timedelta(hours=1)
    road = city.file(service_code="H10", description="路面有坑")
    with city.store.work() as work:
        work.cases.move(CaseNumber(lamp), Move.WITHDRAW)

    def listed(**query: str) -> list[str]:
        return [one["service_request_id"] for one in city.get("/requests.json", **query).json()]

    assert listed() == [road, lamp]
    assert listed(service_code="H08,H09") == [lamp]
    assert listed(status="closed") == [lamp]
    assert listed(status="open,closed", service_code="") == [road, lamp]
    assert listed(start_date="2026-11-20T00:00:00Z", end_date="2026-11-22T00:00:00+08:00") == [old]
    assert listed(start_date="2026-11-20") == [old]
    assert listed(end_date=f"{city.now - timedelta(minutes=30):%Y-%m-%dT%H:%M:%S+08:00}") == [lamp]
    assert [listed(page=str(page), page_size="1") for page in (1, 2, 3)] == [[road], [lamp], []]
    assert set(listed(service_request_id=f"{old},{road},SZ991231-000001-0", status="closed", page_size="x")) == {
        old,
        road,
    }
    lost_plus = city.web.get(BASE + "/requests.json?start_date=2026-11-20T00:00:00+08:00&end_date=2026-11-30")
    assert [one["service_request_id"] for one in lost_plus.json()] == [old]


def test_the_public_reads_no_personal_data(city: City) -> None:
    number = city.file(
        description=PRIVATE, phone="13800138000", first_name="小明", last_name="张", lat="22.615134", long="114.029921"
    )
    chat = CaseDraft(
        "民治大道路灯坏了，电话13800138000", DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道12号"
    )
    wages = CaseDraft("老板欠薪三万元", DemandType.COMPLAINT, "劳动社保", "H22", "HRSSB", "民治大道")
    with city.store.work() as work:
        shown = work.cases.file(chat, SenderId("c"), "zh", "13800138000", False).number
        hidden = work.cases.file(wages, SenderId("c"), "zh", "13800138000", False).number
        unknown = work.cases.file(CaseDraft("不知道", DemandType.CONSULT), SenderId("c"), "zh", None, False).number
        work.cases.move(shown, Move.SUPPLEMENT, CITIZEN, Facts(note="我住3栋201，13800138000"))
    for path in ("/requests.json", "/requests.xml", "/servicerequestupdates.xml", f"/requests/{number}.xml"):
        text = city.get(path, extensions="true").text
        for secret in ("张小明", "13800138000", "88号", "12号", "201", "22.6151", "小明"):
            assert secret not in text, (path, secret)
    found = {one["service_request_id"]: one for one in city.get("/requests.json").json()}
    assert set(found) == {number, shown}
    assert found[number]["address"] == "龙华区民治街道民治大道"
    assert found[number]["description"] == "我叫[name]，电话[phone]，[address]路灯坏了"
    for secret_case in (hidden, unknown):
        assert codes(city.get(f"/requests/{secret_case}.json")) == [404]
        assert codes(city.get(f"/tokens/{secret_case}.json")) == [404]
        assert city.get("/requests.json", service_request_id=secret_case, api_key=city.key).json() == []


def test_a_key_reads_what_it_filed(city: City) -> None:
    wages = city.file(service_code="H22", description=PRIVATE)
    mine = city.get(f"/requests/{wages}.json", api_key=city.key).json()[0]
    assert (mine["description"], mine["address"]) == (PRIVATE, LAMP["address_string"])
    assert codes(city.get(f"/requests/{wages}.json")) == [404]
    for owner in ("app-2", "app", "app-11"):
        assert codes(city.get(f"/requests/{wages}.json", api_key=city.make_key(owner))) == [404]


def test_reading_can_need_a_key(tmp_path: Path) -> None:
    city = City(tmp_path, read_needs_key=True)
    number = city.file()
    for path in ("/requests.json", f"/requests/{number}.xml", f"/tokens/{number}.json", "/servicerequestupdates.xml"):
        assert codes(city.get(path)) == [403]
        assert city.get(path, api_key=city.key).status_code == 200
    assert city.get("/services.json").status_code == 200
    with city.store.work() as work:
        assert work.keys.revoke("app-1") == 1
    assert codes(city.get("/requests.json", api_key=city.key)) == [403]
    city.close()


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("龙华区民治街道民治大道88号锦绣小区3栋2单元1201", "龙华区民治街道民治大道"),
        ("我家住在向阳花路三十二号", "龙华区民治街道向阳花路"),
        ("锦绣小区3栋", "龙华区民治街道"),
        ("22.543100, 114.057900", "龙华区民治街道"),
        (None, "龙华区民治街道"),
    ],
)
def test_places_are_told_by_road(place: str | None, expected: str) -> None:
    assert coarse(place, "龙华区", "民治街道", "zh") == expected
    assert coarse("12 Renmin Road, flat 3", None, None, "en") == "Renmin Road"


def test_a_retry_makes_no_second_case(city: City) -> None:
    first = city.file()
    city.now += timedelta(minutes=9, seconds=59)
    assert city.file() == first
    assert city.file(description="另一盏灯") != first
    city.now += timedelta(seconds=2)
    assert city.file() != first
    named = {"idempotency-key": "k-1"}
    second = city.post(headers=named).json()
    city.now += timedelta(days=3)
    assert city.post(headers=named).json() == second
    assert codes(city.post(headers=named, description="别的事")) == [409]
    other = city.make_key("app-2")
    assert city.post(headers=named, api_key=other).json() != second
    with city.store.work() as work:
        assert len(work.cases.of_sender(SenderId("open311:app-1:"))) == 4


def test_updates_out_and_in(city: City) -> None:
    number = city.file(device_id="phone-1")
    city.now += timedelta(hours=1)
    reply(city, number)
    root = fromstring(city.get("/servicerequestupdates.xml").content)
    told = [(one.findtext("status"), one.findtext("description")) for one in root.findall("request_update")]
    assert [status for status, _ in told] == ["OPEN", "INVESTIGATING", *["IN_PROGRESS"] * 3]
    assert told[-1][1] == "已答复：已换灯泡，如有问题请拨打[phone]"
    assert len({one.findtext("update_id") for one in root}) == 5
    later = city.get("/servicerequestupdates.json", start_date="2026-11-21T12:30:00+08:00").json()
    assert len(later) == 4
    word = {"service_request_id": number, "update_id": "u-9", "description": "又黑了", "status": "OPEN"}
    for _ in range(3):
        made = city.post("/servicerequestupdates.xml", **word)
        assert fromstring(made.content).findtext("request_update/update_id")
    with city.store.work() as work:
        case = work.cases.by_number(CaseNumber(number))
        assert [event.note for event in case.timeline if event.kind == "supplemented"] == ["又黑了"]
        work.cases.move(CaseNumber(number), Move.RATE)
    assert city.post("/servicerequestupdates.json", **{**word, "update_id": "u-10"}).status_code == 200
    with city.store.work() as work:
        assert work.cases.by_number(CaseNumber(number)).status is Status.SUBMITTED
    for bad, expected in (
        ({"api_key": "x"}, [403]),
        ({"update_id": None, "description": None}, [400, 400]),
        ({"service_request_id": "SZ991231-000001-0"}, [404]),
        ({"updated_datetime": "soon"}, [400]),
        ({"api_key": city.make_key("app-2")}, [404]),
    ):
        assert codes(city.post("/servicerequestupdates.xml", **{**word, **bad})) == expected


def test_extensions(city: City) -> None:
    number = city.file()
    reply(city, number)
    one = city.get("/requests.json", extensions="true").json()[0]
    assert one["extended_attributes"]["case_status"] == "replied"
    assert [note["type"] for note in one["notes"]] == ["filed", "accepted", "dispatched", "signed", "replied"]
    root = fromstring(city.get(f"/requests/{number}.xml", extensions="true").content)
    assert len(root.findall("request/notes/note")) == 5


def test_the_test_endpoint_keeps_its_cases_apart(city: City) -> None:
    made = city.web.post("/open311/test/v2/requests.json", data={"api_key": city.key, **LAMP})
    number = made.json()[0]["service_request_id"]
    assert number.startswith("TT")
    assert city.web.get(f"/open311/test/v2/requests/{number}.json").status_code == 200
    assert city.get("/requests.json").json() == []
