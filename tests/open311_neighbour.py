"""Two cities over one wire, for tests: the one that hands its cases on, and what may happen on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
from sqlalchemy import Engine, select

from bot.cases.attempts import hand_over
from bot.cases.case import Actor, Case, CaseDraft, DemandType, Facts
from bot.cases.delivery import DeliveryOf
from bot.cases.handover import State
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role
from bot.cases.tables import cases
from bot.messages import SenderId
from bot.store import Store
from connectors.open311.client import Follower, Open311Delivery
from connectors.open311.passing import Passing
from connectors.open311.remote import Remote
from tests.open311_city import BASE, DOMAIN, City

UNIT = "open311:sz.gov.cn"
DRAFT = CaseDraft("人民路的路灯坏了", DemandType.REPORT, "市政设施", "H08", "UMB", "人民路12号", occurred_at="昨晚")
DESK = Actor(Role.DISPATCHER, "d1")
Endpoint = Callable[[httpx.Request], httpx.Response]
Send = Callable[[httpx.Request, Endpoint], httpx.Response]


class Line(httpx.BaseTransport):
    """The wire between the cities; `send` decides what becomes of a request."""

    def __init__(self, there: Endpoint, send: Send) -> None:
        self.there, self.send = there, send
        self.posts = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.posts += request.method == "POST"
        return self.send(request, self.there)


def asked_of(city: City) -> Endpoint:
    """A city's answers to requests of a plain httpx client."""

    def ask(request: httpx.Request) -> httpx.Response:
        told = city.web.request(request.method, str(request.url), content=request.read(), headers=dict(request.headers))
        return httpx.Response(
            told.status_code, headers={"content-type": told.headers["content-type"]}, content=told.content
        )

    return ask


def works(request: httpx.Request, there: Endpoint) -> httpx.Response:
    return there(request)


def down(request: httpx.Request, there: Endpoint) -> httpx.Response:
    raise httpx.ConnectError("nobody listens")


def loses_answers(request: httpx.Request, there: Endpoint) -> httpx.Response:
    if request.method == "POST":
        there(request)
        raise httpx.ReadTimeout("the answer was lost")
    return there(request)


def forgets_keys(request: httpx.Request, there: Endpoint) -> httpx.Response:
    """A server that does not know Idempotency-Key and answers too late."""
    request.headers.pop("idempotency-key", None)
    return loses_answers(request, there)


def answers(status: int, body: bytes) -> Send:
    return lambda request, there: httpx.Response(status, content=body)


def refusal(code: int, told: str) -> bytes:
    return f"<errors><error><code>{code}</code><description>{told}</description></error></errors>".encode()


class Here:
    """The city that hands its cases on."""

    def __init__(self, engine: Engine, there: City) -> None:
        self.there = there
        self.engine = engine
        self.store = Store(self.engine, "SZ", lambda: there.now, forward_to=UNIT)
        self.line = Line(asked_of(there), works)
        self.web = httpx.Client(transport=self.line, base_url="http://testserver")
        self.remote = Remote(self.web, f"http://testserver{BASE}", there.key, "sz.gov.cn")
        self.delivery = DeliveryOf({UNIT: Open311Delivery(self.remote, self.store)})
        self.follower = Follower(self.remote, self.store, UNIT, DOMAIN)
        self.passing = Passing(self.remote, self.store, UNIT, DOMAIN)

    def file(self, draft: CaseDraft = DRAFT, contact: str = "13800138000", anonymous: bool = False) -> CaseNumber:
        with self.store.work() as work:
            return work.cases.file(draft, SenderId("citizen"), "zh", contact, anonymous).number

    def deliver(self, send: Send = works) -> None:
        self.line.send = send
        hand_over(self.store, self.there.now, self.delivery)
        self.line.send = works
        self.there.now += timedelta(hours=2)

    def case(self, number: CaseNumber) -> Case:
        with self.store.work() as work:
            return work.cases.by_number(number)

    def state(self, number: CaseNumber) -> tuple[State, str | None]:
        with self.store.work() as work:
            one = work.handovers.of(number)[-1]
        return one.state, one.external_id

    def error(self, number: CaseNumber) -> str:
        with self.store.work() as work:
            return str(work.handovers.of(number)[-1].error)


def there_cases(here: Here) -> list[Case]:
    with here.there.store.work() as work:
        return list(work.cases.found_by(select(cases).order_by(cases.c.number)))


def move_there(here: Here, number: str, *moves: Move) -> None:
    unit = Actor(Role.UNIT, "u", "UMB")
    facts = Facts(unit="UMB", reply="灯已换好", reason="等待材料")
    with here.there.store.work() as work:
        for move in moves:
            actor = DESK if move in (Move.ACCEPT, Move.DISPATCH, Move.REJECT, Move.REVIEW) else unit
            work.cases.move(CaseNumber(number), move, actor, facts)
