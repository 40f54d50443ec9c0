"""A GeoReport v2 client written by others against our server, over a real connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from civicbot.http import HttpError, HttpTransport, RateLimiter
from civicbot.open311 import Open311Client, ValidationError
from civicbot.registry import Endpoint

from bot.cases.case import DemandType
from bot.cases.number import CaseNumber
from bot.cases.states import Move
from tests.open311_city import BASE, City, reply
from tests.served import served


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path)
    yield city
    city.close()


@pytest.fixture
def client(city: City) -> Iterator[Open311Client]:
    with served(city.app, "off") as root:
        endpoint = Endpoint("sz", "Shenzhen", root + BASE, write=True)
        yield Open311Client(endpoint, HttpTransport(rate_limiter=RateLimiter(0)), "sz.gov.cn")


def test_the_whole_cycle(city: City, client: Open311Client) -> None:
    assert [one["service_code"] for one in client.list_services()][:2] == ["H01", "H02"]
    definition = client.get_service_definition("H08")
    assert {one["code"] for one in definition["attributes"]} >= {"type", "detail_1"}
    # It checks the form against our list and definition before it sends.
    sent = client.create_request(
        "H08", dry_run=False, confirm="SEND", api_key=city.key, validate_remote=True, lat=22.615, lng=114.03,
        address_string="龙华区民治大道88号", description="路灯坏了三天 & 很黑", phone="13800138000", account_id="a-7",
        attributes={"type": "report", "detail_1": "LG-12"},
    )  # fmt: skip
    (made,) = sent.response
    number = made["service_request_id"]
    assert made["account_id"] == "a-7"
    with city.store.work() as work:
        case = work.cases.by_number(CaseNumber(number))
    assert (case.draft.type, case.draft.service_item, case.contact) == (DemandType.REPORT, "H08", "13800138000")
    assert "路灯坏了三天 & 很黑" in case.draft.description and "LG-12" in case.draft.description
    (token,) = client.get_token(number)
    assert token["service_request_id"] == number
    reply(city, number)
    with city.store.work() as work:
        work.cases.move(CaseNumber(number), Move.RATE)
    told = client.get_request(number)
    assert told is not None
    assert (told["status"], told["service_name"], told["lat"]) == ("closed", "路灯不亮、漏电", 22.615)
    assert [one["service_request_id"] for one in client.list_requests(service_code="H08", status="closed")] == [number]
    assert client.list_requests(status="open") == []
    ids = client.list_requests(service_request_ids=[number, "SZ991231-000001-0"], page_size=5)
    assert [one["service_request_id"] for one in ids] == [number]
    window = {"start_date": "2026-11-20T00:00:00Z", "end_date": "2026-11-21T03:59:59Z"}
    assert client.list_requests(**window) == []


def test_refusals_reach_it(city: City, client: Open311Client) -> None:
    with pytest.raises(ValidationError, match="type"):
        client.create_request(
            "H08", dry_run=False, confirm="SEND", api_key=city.key, validate_remote=True, lat=22.6, lng=114.0,
            attributes={"type": "gossip"},
        )  # fmt: skip
    for wrong, status in (({"api_key": "x"}, 403), ({"service_code": "X1"}, 404)):
        fields = {"service_code": "H08", "api_key": city.key, **wrong}
        with pytest.raises(HttpError) as told:
            client.create_request(dry_run=False, confirm="SEND", address_string="民治大道", **fields)
        assert told.value.status == status
        assert '"description"' in told.value.body
    with pytest.raises(HttpError) as missing:
        client.get_request("SZ991231-000001-0")
    assert missing.value.status == 404
