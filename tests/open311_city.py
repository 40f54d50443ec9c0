"""A city with an Open311 endpoint for tests: its own database, the shipped catalogue and wording, no models."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from defusedxml.ElementTree import fromstring
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.cases.case import Actor, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role
from bot.database import migrate, open_database
from bot.domain import read_domain
from bot.store import Store
from connectors.limits import Limits
from connectors.open311.office import Office
from connectors.open311.router import create_open311, refusal_of
from knowledge.catalogue import read_catalogue
from knowledge.city import find_city

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=ZONE)
DOMAIN = read_domain()
BASE = "/open311/v2"
LAMP = {"service_code": "H08", "address_string": "龙华区民治街道民治大道88号3栋", "description": "路灯坏了三天"}


class City:
    """The endpoint, its database and its clock, which a test moves by hand."""

    def __init__(self, folder: Path, prefix: str = "SZ", read_needs_key: bool = False, url: str = "") -> None:
        self.now = NOON
        self.engine = open_database(url or f"sqlite:///{folder / f'{prefix}.sqlite3'}")
        migrate(self.engine)
        self.store = Store(self.engine, prefix, lambda: self.now)
        test_engine = open_database(f"sqlite:///{folder / f'{prefix}-test.sqlite3'}")
        migrate(test_engine)
        self.engines = (self.engine, test_engine)
        real, test = (
            Office(store, self.store, read_catalogue(), DOMAIN, find_city(), read_needs_key=read_needs_key)
            for store in (self.store, Store(test_engine, "TT", lambda: self.now))
        )
        self.app = FastAPI()
        self.app.mount("/open311", create_open311(lambda: real, lambda: test, DOMAIN))
        self.app.add_middleware(
            Limits,
            domain=DOMAIN,
            requests_a_minute=0,
            trusted_proxy=False,
            refusals={"/open311/": refusal_of(DOMAIN)},
        )
        self.web = TestClient(self.app, raise_server_exceptions=False)
        self.key = self.make_key("app-1")

    def make_key(self, owner: str) -> str:
        with self.store.work() as work:
            return work.keys.make(owner, self.now)

    def post(
        self, path: str = "/requests.json", headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """Post a form with the key, LAMP's fields unless others are given."""
        body = {"api_key": self.key, **(LAMP if path.startswith("/requests") else {}), **fields}
        return self.web.post(BASE + path, data={k: v for k, v in body.items() if v is not None}, headers=headers)

    def file(self, **fields: Any) -> str:
        """File a request; gives its number."""
        made = self.post(**fields)
        assert made.status_code == 200, made.text
        return str(made.json()[0]["service_request_id"])

    def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
        return self.web.get(BASE + path, params=query, headers=headers)

    def close(self) -> None:
        self.web.close()
        for engine in self.engines:
            engine.dispose()


UNIT = Actor(Role.UNIT, "u1", "UMB:龙华区")
DESK = Actor(Role.DISPATCHER, "d1")


def reply(city: City, number: str) -> None:
    """Bring a case to its reply."""
    steps = (
        (Move.ACCEPT, DESK, Facts()),
        (Move.DISPATCH, DESK, Facts(unit=UNIT.unit)),
        (Move.SIGN, UNIT, Facts()),
        (Move.REPLY, UNIT, Facts(reply="已换灯泡，如有问题请拨打13900000000")),
    )
    with city.store.work() as work:
        for move, actor, facts in steps:
            work.cases.move(CaseNumber(number), move, actor, facts)


def codes(response: httpx.Response) -> list[int]:
    """The codes of an error array, in either format; its shape and media type are checked on the way."""
    if response.headers["content-type"].startswith("text/xml"):
        root = fromstring(response.content)
        assert root.tag == "errors"
        entries = [{child.tag: child.text for child in error} for error in root]
        assert {error.tag for error in root} == {"error"}
    else:
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        entries = response.json()
    assert entries and all(set(entry) == {"code", "description"} and entry["description"] for entry in entries)
    found = [int(entry["code"]) for entry in entries]
    assert found[0] == response.status_code
    return found
