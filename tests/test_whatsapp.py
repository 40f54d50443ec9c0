"""WhatsApp Cloud: pywa checks and reads the deliveries, and its own client's bodies are compared with ours."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pywa
from pywa.types import Button as OutsideButton
from pywa.types import Section, SectionList, SectionRow
from pywa.types.base_update import RawUpdate
from pywa.types.callback import CallbackButton
from pywa.types.message import Message

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.cases.case import Actor, CaseDraft, DemandType
from bot.cases.states import Move, Role
from bot.channels.parcel import Kind, State
from bot.channels.plain import Piece
from bot.channels.tables import contacts, outbox
from bot.messages import Button, SenderId
from bot.settings import Settings
from bot.training import Models
from connectors.app import create_app
from connectors.channels.channel import Push
from connectors.whatsapp.wire import addressed, content_of, failures_of, pushed_of
from tests.messengers import Answer, Api, Call, api_of, until
from tests.served import served

PHONE, APP_SECRET, VERIFY, TOKEN = "100200300", "an-app-secret", "a-verify-word", "an-access-token"
PERSON, HIDDEN = "8613800138000", "CN.13491208655302741918"
DOOR = "/webhooks/whatsapp/webhook"
IDS = count(1)


def taken(call: Call) -> Answer:
    """What WhatsApp answers to a message it takes."""
    to = call.body.get("to") or call.body.get("recipient")
    told = {"messaging_product": "whatsapp", "contacts": [{"input": to, "user_id": HIDDEN, "wa_id": to}]}
    return 200, {**told, "messages": [{"id": f"wamid.out{next(IDS)}"}]}


def delivery(**value: Any) -> dict[str, Any]:
    told = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": PHONE}}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "waba", "changes": [{"field": "messages", "value": {**told, **value}}]}],
    }


def said(user: str = PERSON, kind: str = "text", **content: Any) -> dict[str, Any]:
    content = content or {"body": "你好"}
    sender = {"from": user} if user.isdigit() else {"from_user_id": user}
    message = {**sender, "id": f"wamid.in{next(IDS)}", "timestamp": str(int(time.time())), "type": kind, kind: content}
    contact = {"profile": {"name": "Li"}, "user_id": HIDDEN, **({"wa_id": user} if user.isdigit() else {})}
    return delivery(contacts=[contact], messages=[message])


def mark_of(call: Call) -> Any:
    """Our own number of a message that was sent."""
    return call.body.get("biz_opaque_callback_data")


def in_a_group() -> dict[str, Any]:
    told = said()
    told["entry"][0]["changes"][0]["value"]["messages"][0]["group_id"] = "g1"
    return told


def signature(body: bytes) -> str:
    return "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()


class Number:
    """A city's number: its door, and WhatsApp's side of it."""

    def __init__(self, url: str, api: Api, assistant: Assistant) -> None:
        self.url, self.api, self.assistant = url + DOOR, api, assistant

    def deliver(self, told: dict[str, Any]) -> httpx.Response:
        body = json.dumps(told).encode()
        headers = {"X-Hub-Signature-256": signature(body), "content-type": "application/json"}
        return httpx.post(self.url, content=body, headers=headers, timeout=60)

    def heard(self, told: dict[str, Any]) -> list[dict[str, Any]]:
        """What is sent in answer to a delivery."""
        before = len(self.api.calls)
        assert self.deliver(told).status_code == 200
        self.api.wait(before + 1)
        until(lambda: all(row.state not in (State.WAITING, State.SENDING) for row in self.rows()))
        return [call.body for call in self.api.calls[before:]]

    def rows(self) -> list[Any]:
        with self.assistant.store.work() as work:
            return list(work.connection.execute(outbox.select().order_by(outbox.c.id)).all())


def with_words(number: Number, words: str) -> Call | None:
    """The call that sent some words, None while there is none."""
    return next((call for call in number.api.calls if call.body.get("text", {}).get("body") == words), None)


@pytest.fixture(scope="module")
def number(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Number]:
    folder: Path = tmp_path_factory.mktemp("whatsapp")
    with api_of(taken) as api:
        told = {
            "phone_id": PHONE, "token": TOKEN, "app_secret": APP_SECRET, "verify_token": VERIFY, "url": api.url,
            "template": "case_update",
        }  # fmt: skip
        settings = Settings(
            data_dir=folder, database_url=f"sqlite:///{folder / 'number.sqlite3'}", sweep_seconds=0, rate_limit=0,
            channels=json.dumps({"whatsapp": told}), _env_file=None,
        )  # type: ignore[call-arg]  # fmt: skip
        assistant = assistant_of(models, settings)
        with served(create_app(settings, assistant)) as url:
            yield Number(url, api, assistant)


@pytest.fixture
def outside(number: Number) -> Iterator[pywa.WhatsApp]:
    """The outside client, calling the same API."""
    with httpx.Client(timeout=60) as session:
        client = pywa.WhatsApp(PHONE, TOKEN, app_secret=APP_SECRET, verify_token=VERIFY, session=session)
        session.base_url = httpx.URL(number.api.url)
        yield client


def test_check_of_the_address(number: Number) -> None:
    told = {"hub.mode": "subscribe", "hub.challenge": "4711", "hub.verify_token": VERIFY}
    answer = httpx.get(number.url, params=told, timeout=60)
    assert (answer.status_code, answer.text) == (200, "4711")
    assert answer.headers["content-type"].startswith("text/plain")
    assert httpx.get(number.url, params={**told, "hub.verify_token": "é"}, timeout=60).status_code == 403
    assert httpx.get(number.url, timeout=60).status_code == 403


def test_conversation(number: Number) -> None:
    (greeting, *_) = number.heard(said())
    assert greeting["to"] == PERSON and greeting["messaging_product"] == "whatsapp"
    call = number.api.calls[-1]
    assert (call.path, call.headers["authorization"]) == (f"/{PHONE}/messages", f"Bearer {TOKEN}")
    answer = number.heard(said(body="驾照快到期了怎么办"))[-1]
    assert answer["type"] == "interactive"
    choice = answer["interactive"]
    lines = choice["action"].get("buttons") or choice["action"]["sections"][0]["rows"]
    picked = lines[0].get("reply") or lines[0]
    kind = "button_reply" if choice["type"] == "button" else "list_reply"
    tapped = number.heard(said(kind="interactive", type=kind, **{kind: {"id": picked["id"], "title": "…"}}))
    assert tapped and tapped[-1] != answer


def test_one_message_however_often_it_comes(number: Number) -> None:
    told, before = said("8613900000000"), len(number.api.calls)
    for _ in range(3):
        assert number.deliver(told).status_code == 200
    number.api.wait(before + 1)
    number.heard(said(body="谢谢"))
    assert [call.body["to"] for call in number.api.calls[before:]].count("8613900000000") == 1


def test_a_delivery_with_two_messages(number: Number) -> None:
    first, second = said(HIDDEN, body="你好"), said(HIDDEN, body="谢谢")
    value = first["entry"][0]["changes"][0]["value"]
    value["messages"] += second["entry"][0]["changes"][0]["value"]["messages"]
    before = len(number.api.calls)
    number.deliver(first)
    number.api.wait(before + 2)
    sent = [call.body for call in number.api.calls[before:]]
    assert all(body["recipient"] == HIDDEN and "to" not in body for body in sent)
    assert "不客气" in sent[-1]["text"]["body"] and sent[0] != sent[1]


def test_the_outside_client_checks_and_reads_the_same(number: Number, outside: pywa.WhatsApp) -> None:
    body = json.dumps(said(body="路灯坏了")).encode()
    assert outside.webhook_update_validator(body, signature(body)) is None
    assert outside.webhook_update_validator(body, signature(body + b" ")) is not None
    message = Message.from_update(outside, RawUpdate(body, hmac_header=None, update_hash="x"))
    assert (message.text, message.from_user.wa_id) == ("路灯坏了", PERSON)
    told = said(kind="interactive", type="button_reply", button_reply={"id": "/greet", "title": "好"})
    tap = CallbackButton.from_update(outside, RawUpdate(json.dumps(told).encode(), hmac_header=None, update_hash="x"))
    assert tap.data == "/greet"


@pytest.mark.parametrize("wrong", ["", "sha256=", "sha256=" + "0" * 64, "é"])
def test_wrong_signature(number: Number, wrong: str) -> None:
    before = len(number.rows())
    body = json.dumps(said()).encode()
    answer = httpx.post(number.url, content=body, headers={b"X-Hub-Signature-256": wrong.encode()}, timeout=60)
    assert (answer.status_code, answer.text, len(number.rows())) == (403, "", before)


@pytest.mark.parametrize(
    "told",
    [
        [], 5, {"entry": 5}, {"entry": [{"changes": [{"value": {"metadata": 5, "messages": [{}]}}]}]},
        delivery(messages=[{"from": PERSON, "type": "text", "text": 5}]), delivery(messages=5, statuses=[5]),
        in_a_group(), said(kind="reaction", emoji="👍"), said(kind="system", body="changed"),
    ],
)  # fmt: skip
def test_what_brings_no_message(number: Number, told: Any) -> None:
    before = len(number.rows())
    assert number.deliver(told).status_code == 200
    assert len(number.rows()) == before


def test_another_number_of_the_same_app(number: Number) -> None:
    told, before = said(), len(number.rows())
    told["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "999"
    assert number.deliver(told).status_code == 200 and len(number.rows()) == before


def test_a_failure_told_later(number: Number) -> None:
    number.heard(said(body="你好"))
    row = number.rows()[-1]
    assert row.state == State.SENT
    mark = row.external_id
    told = {"id": "wamid.out1", "recipient_id": PERSON, "biz_opaque_callback_data": mark}
    failed = {**told, "status": "failed", "errors": [{"code": 131026}]}
    number.deliver(delivery(statuses=[{**told, "status": "delivered"}, failed]))
    assert (number.rows()[-1].state, number.rows()[-1].error) == (State.FAILED, "code 131026")


def test_a_failure_of_an_earlier_piece_told_before_the_last_one_is_sent(number: Number) -> None:
    number.heard(said(body="你好"))
    store, sender = number.assistant.store, SenderId(f"whatsapp:{PERSON}")
    number.api.hold.clear()
    with store.work() as work:
        pieces = [{"text": "one"}, {"text": "two"}]
        work.outbox.post("two-pieces", sender, "whatsapp", Kind.AGENT, "zh", pieces, store.now())
    until(lambda: with_words(number, "one") is not None)
    first = with_words(number, "one")
    assert first is not None
    failed = {"id": "x", "status": "failed", "biz_opaque_callback_data": mark_of(first)}
    assert number.deliver(delivery(statuses=[failed])).status_code == 200
    number.api.hold.set()
    until(lambda: with_words(number, "two") is not None)
    number.heard(said(body="谢谢"))
    assert {row.key: row.state for row in number.rows()}["two-pieces"] == State.FAILED


def test_after_a_day_a_notice_goes_by_template_and_the_rest_waits(number: Number) -> None:
    number.heard(said())
    store, sender = number.assistant.store, SenderId(f"whatsapp:{PERSON}")
    with store.work() as work:
        gone = datetime.now(UTC) - timedelta(minutes=1)
        work.connection.execute(contacts.update().values(window_until=gone))
        work.outbox.post("k1", sender, "whatsapp", Kind.AGENT, "zh", [{"text": "您好"}], store.now())
        draft = CaseDraft("民治大道的路灯坏了", DemandType.COMPLAINT)
        case = work.cases.file(draft, sender, "zh", None, False)
        work.cases.move(case.number, Move.ACCEPT, Actor(Role.DISPATCHER, "d1"))
    until(lambda: {row.kind: row.state for row in number.rows()}[Kind.NOTICE] == State.SENT)
    assert {row.key: row.state for row in number.rows()}["k1"] == State.HELD
    template = number.api.calls[-1].body["template"]
    blanks = [one["text"] for one in template["components"][0]["parameters"]]
    assert (template["name"], template["language"]["code"]) == ("case_update", "zh_CN")
    assert blanks[0] == case.number and case.number in blanks[1] and "\n" not in blanks[1] and "路灯" not in blanks[1]
    number.heard(said(body="谢谢"))
    until(lambda: {row.key: row.state for row in number.rows()}["k1"] == State.SENT)


def test_a_message_that_came_after_its_day_is_answered(number: Number) -> None:
    told = said("8613900000001", kind="contacts", name="Li")
    told["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = str(int(time.time()) - 2 * 24 * 3600)
    (answer,) = number.heard(told)
    assert answer["to"] == "8613900000001" and "看不了" in answer["text"]["body"]


def test_bodies_are_those_of_the_outside_client(number: Number, outside: pywa.WhatsApp) -> None:
    few = (Button("是", "/affirm"), Button("否", "/deny"))
    many = tuple(Button(f"第{place}个办事事项", f"/ask_service{place}") for place in range(5))
    rows = [SectionRow(title=one.title, callback_data=one.payload) for one in many]
    pairs = [
        (Piece("好的。"), None),
        (Piece("对吗？", few), [OutsideButton(title=one.title, callback_data=one.payload) for one in few]),
        (Piece("哪一个？", many), SectionList(button_title="请选择", sections=[Section(title="", rows=rows)])),
    ]
    for piece, buttons in pairs:
        outside.send_message(PERSON, piece.text, buttons=buttons, tracker="a-mark")
        theirs = next(call.body for call in reversed(number.api.calls) if mark_of(call) == "a-mark")
        ours = addressed(PERSON, content_of(piece, "请选择"), "a-mark")
        if "interactive" in theirs and theirs["interactive"]["type"] == "list":
            theirs["interactive"]["action"]["sections"][0].pop("title", None)
        assert ours == {name: value for name, value in theirs.items() if name != "recipient_type"}


def test_long_titles_become_lines_with_the_rest_below() -> None:
    long = "I want to talk to a person about this, please"
    body = content_of(Piece("Well?", (Button(long, "/x"), Button("No", "/y" * 120))), "Choose")["interactive"]
    first, second = body["action"]["sections"][0]["rows"]
    assert body["type"] == "list" and len(first["title"]) <= 24 and first["description"] == long
    assert second["id"] == "No"


def test_what_answers_mean() -> None:
    told = {
        (400, 131047): Push.CLOSED, (400, 131026): Push.REFUSED, (400, 131056): Push.LATER, (429, 130429): Push.LATER,
        (401, 190): Push.LATER, (400, 100): Push.BROKEN, (400, None): Push.BROKEN, (500, None): Push.UNKNOWN,
        (403, 10): Push.LATER, (502, None): Push.UNKNOWN, (504, None): Push.UNKNOWN, (503, 131016): Push.LATER,
        (500, 131000): Push.LATER, (429, None): Push.LATER, (302, None): Push.LATER,
    }  # fmt: skip
    for (status, code), outcome in told.items():
        assert pushed_of(status, {"error": {"code": code}}).outcome is outcome, (status, code)
    assert pushed_of(200, {}).outcome is Push.UNKNOWN


def test_a_status_tells_whether_the_window_was_over() -> None:
    def told(code: int) -> list[tuple[str, str, bool]]:
        status = {"status": "failed", "biz_opaque_callback_data": "m", "errors": [{"code": code}]}
        return list(failures_of({"statuses": [status]}))

    assert told(131047) == [("m", "131047", True)] and told(131026) == [("m", "131026", False)]
