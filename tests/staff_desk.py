"""A small application of the staff's doors on a real store, with invented people; no models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from sqlalchemy import Engine

from bot.cases.analysis import Demand
from bot.cases.belief import Belief
from bot.cases.case import Case, CaseDraft, DemandType
from bot.cases.dispatch import Dispatcher
from bot.cases.duty import duty_of
from bot.cases.states import Role
from bot.cases.taught import TaughtDispatcher
from bot.domain import read_domain
from bot.errors import UnknownCase
from bot.messages import SenderId
from bot.settings import Settings
from bot.staff.passwords import Passwords
from bot.staff.sessions import signing_key, token_of
from bot.store import Store
from connectors import problem
from connectors.limits import Limits
from connectors.lookups import look_up
from connectors.staff.caller import StaffParts, staff_parts
from connectors.staff.router import router
from connectors.throttle import Throttle
from knowledge.catalogue import read_catalogue
from knowledge.city import find_city

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZONE)
PASSWORD = "correct horse 42"
UNIT, OTHER = "UMB:南山区", "WA:南山区"
PEOPLE = (
    ("ag", Role.AGENT, None),
    ("di", Role.DISPATCHER, None),
    ("un", Role.UNIT, UNIT),
    ("ot", Role.UNIT, OTHER),
    ("su", Role.SUPERVISOR, None),
    ("ed", Role.EDITOR, None),
    ("ad", Role.ADMIN, None),
)
PHONE = "13800138000"
TEXT = "民治大道路灯坏了三天，我叫王小明，电话13900000000"


def _read(text: str) -> tuple[Demand, ...]:
    return (
        Demand(
            text, DemandType.HELP, "市政设施", "H08", "UMB", None, None, None, None, "normal", 0.9, None, (), "公用部件"
        ),
    )


def _encoded(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.ones((len(texts), 4), dtype=np.float32) / 2


DISPATCHER = TaughtDispatcher(
    Dispatcher(duty_of(find_city()), read_catalogue(), _read, Belief("", 0, 0.6, {}, (), (), {"by item": 2.0})),
    _encoded,
)


@lru_cache(maxsize=1)
def hashed() -> str:
    """The hash of everybody's password, made once."""
    return Passwords().hash(PASSWORD)


@dataclass
class Desk:
    """The application, its store, a clock to turn, and a token of every person."""

    client: TestClient
    store: Store
    parts: StaffParts
    moments: list[datetime]
    key: str
    tokens: dict[str, str] = field(default_factory=dict)

    def later(self, **told: float) -> None:
        """Turn the clock on."""
        self.moments[0] += timedelta(**told)

    def headers(self, who: str, **more: str) -> dict[str, str]:
        """The headers of a person, whose session is opened on the first call."""
        if who not in self.tokens:
            with self.store.work() as work:
                self.tokens[who] = token_of(work.sessions.open(work.accounts.by_login(who)), self.key)
        return {"Authorization": f"Bearer {self.tokens[who]}", **more}

    def get(self, who: str, path: str, **params: Any) -> Any:
        """GET under /staff."""
        return self.client.get(f"/staff{path}", params=params, headers=self.headers(who))

    def post(self, who: str, path: str, body: Any = None, **headers: str) -> Any:
        """POST JSON under /staff."""
        return self.client.post(f"/staff{path}", json=body, headers=self.headers(who, **headers))

    def file(self, item: str = "H08", anonymous: bool = False, text: str = TEXT, urgency: str = "normal") -> Case:
        """A filed case."""
        draft = CaseDraft(
            text, DemandType.COMPLAINT, "市政设施", item, "UMB", "民治大道", "南山区", "粤海街道", urgency=urgency
        )
        with self.store.work() as work:
            return work.cases.file(draft, SenderId("secret-sender"), "zh", PHONE, anonymous)

    def version(self, number: str) -> int:
        """The version of a case."""
        with self.store.work() as work:
            return work.cases.by_number(number).version  # type: ignore[arg-type]

    def move(self, who: str, number: str, move: str, **body: Any) -> Any:
        """A move on the newest version."""
        body = {"version": self.version(number), **body}
        return self.post(who, f"/cases/{number}/moves", {"move": move, **body})

    def run(self, number: str, *steps: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
        """Moves one after the other, all of which succeed."""
        told: dict[str, Any] = {}
        for who, move, body in steps:
            response = self.move(who, number, move, **body)
            assert response.status_code == 200, response.text
            told = response.json()
        return told


TO_HANDLING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ag", "accept", {}),
    ("di", "dispatch", {"unit": UNIT, "assisting": ["PSB:南山区"], "duty_line": "D08"}),
    ("un", "sign", {}),
    ("un", "contact", {}),
)


@contextmanager
def desk_on(engine: Engine, folder: Path, **told: Any) -> Iterator[Desk]:
    """The application on a database with the newest tables."""
    settings = Settings(data_dir=folder, _env_file=None, **told)  # type: ignore[call-arg]
    moments = [NOON]
    store = Store(engine, "SZ", lambda: moments[0])
    domain, throttle = read_domain(), Throttle(settings.redis_url)
    parts = staff_parts(settings, store, lambda: moments[0], domain, read_catalogue(), throttle, lambda: DISPATCHER)
    app = FastAPI()
    app.state.staff, app.state.throttle, app.state.store = parts, throttle, store
    problem.install(app, domain)
    app.include_router(router)
    app.add_middleware(Limits, domain=domain, requests_a_minute=0, trusted_proxy=False)

    @app.get("/found/{number}")
    def found(number: str, code: str, address: str) -> Response:
        try:
            look_up(store, throttle, number, code, address)
        except UnknownCase:
            return Response(status_code=404)
        return Response(status_code=200)

    with store.work() as work:
        for login, role, unit in PEOPLE:
            work.accounts.add(login, login, role, unit, hashed())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Desk(client, store, parts, moments, signing_key("", folder))
