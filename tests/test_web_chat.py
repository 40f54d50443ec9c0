"""The web chat's API on a real server: sessions, streams that resume, sockets, and what may be done with all of it."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse
from sqlalchemy import event
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from bot.assistant import Assistant
from bot.cases.number import CaseNumber
from bot.channels.transcript import FEW
from bot.channels.web_sessions import SILENCE, TICKET_LIFE
from bot.database import migrate, open_database
from bot.errors import SettingsError, UnknownWebSession
from bot.messages import SenderId
from bot.store import Store
from bot.tracker import Event
from connectors.web.feed import Feed
from connectors.web.messages import Told, events_of, parts_of
from connectors.web.origins import read_origins, welcome
from connectors.web.seen_turns import LOOKS, MOST_MISSING, SeenTurns
from connectors.web.talk import Talk
from tests.servers import Server
from tests.test_closing import ACCEPT
from tests.web_city import FRIEND

QUESTION = "驾照快到期了怎么办"
SECONDS = 60


@dataclass
class Talker:
    """A page that talks to the API."""

    url: str
    id: str
    token: str

    @property
    def root(self) -> str:
        return f"{self.url}/api/v1/sessions/{self.id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def sender(self) -> SenderId:
        return SenderId(f"web:{self.id}")

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        return httpx.post(f"{self.root}/{path}", json=body, headers={**self.headers, **headers}, timeout=60)

    def say(self, text: str, key: str | None = None, lang: str = "auto") -> dict[str, Any]:
        answer = self.post("messages", {"client_msg_id": key or uuid.uuid4().hex, "text": text, "lang": lang})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def stream(
        self, until: Any, last: str | None = None, act: Any = None, on_first: Any = None
    ) -> list[tuple[str, dict[str, Any], str]]:
        """The events until one meets a condition; `act` is done in a moment, `on_first` as the first event comes."""
        headers = self.headers | ({"Last-Event-ID": last} if last else {})
        found: list[tuple[str, dict[str, Any], str]] = []
        with (
            httpx.Client(timeout=SECONDS) as client,
            connect_sse(client, "GET", f"{self.root}/stream", headers=headers) as source,
        ):
            assert source.response.status_code == 200, source.response.read()
            if act is not None:
                threading.Timer(0.3, act).start()
            for event in source.iter_sse():
                if not event.data:
                    continue
                found.append((event.event, json.loads(event.data), event.id))
                if on_first is not None and len(found) == 1:
                    threading.Thread(target=on_first).start()
                if until(*found[-1]):
                    return found
        raise AssertionError(f"the stream ended: {found}")


@pytest.fixture(scope="module")
def server(web_server: Server) -> Server:
    return web_server


@pytest.fixture(scope="module")
def store(web_store: Store) -> Store:
    return web_store


@pytest.fixture
def talker(server: Server) -> Talker:
    made = httpx.post(f"{server.url}/api/v1/sessions", json={"language": "zh"}, timeout=60)
    assert made.status_code == 201, made.text
    told = made.json()
    return Talker(server.url, told["session_id"], told["token"])


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "人工智能"), ("en-GB", "AI-generated")])
def test_a_session_tells_its_token_once_and_that_a_machine_answers(server: Server, language: str, word: str) -> None:
    made = httpx.post(f"{server.url}/api/v1/sessions", json={"language": language}, timeout=60)
    told = made.json()
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    assert len(told["session_id"]) == 32 and len(told["token"]) >= 40
    assert word in told["notice"]["ai"] and told["notice"]["privacy_url"].startswith("http")
    assert datetime.fromisoformat(told["expires_at"]) > datetime.now(UTC) + timedelta(days=29)


def test_no_token_a_wrong_token_and_another_sessions_token_get_the_same(server: Server, talker: Talker) -> None:
    other = httpx.post(f"{server.url}/api/v1/sessions", timeout=60).json()
    answers = []
    for token in ("", "x" * 43, other["token"]):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"client_msg_id": "a", "text": "你好"}
        answers.append(httpx.post(f"{talker.root}/messages", json=body, headers=headers, timeout=60))
        assert httpx.get(f"{talker.root}/stream", headers=headers, timeout=60).status_code == 401
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert answers[0].headers["content-type"] == "application/problem+json"


def test_nobody_speaks_in_a_web_session_through_another_door(server: Server, talker: Talker) -> None:
    body = {"sender": str(talker.sender), "message": "你好"}
    assert httpx.post(f"{server.url}/webhooks/rest/webhook", json=body, timeout=60).status_code == 422
    rating = {"sender": str(talker.sender), "rating": "good"}
    assert httpx.post(f"{server.url}/feedback", json=rating, timeout=60).status_code == 422


def test_a_message_is_answered_once_with_sources_and_the_ai_label(talker: Talker) -> None:
    first = talker.say(QUESTION, "m-1")
    assert talker.say(QUESTION, "m-1") == first
    user, *said = first["messages"]
    assert (user["role"], user["text"], user["client_msg_id"]) == ("user", QUESTION, "m-1")
    assert all(one["role"] == "assistant" and one["ai_generated"] for one in said)
    assert said[-1]["citations"][0].keys() == {"title", "url", "doc_id", "as_of"}
    assert said[0]["lang"] == "zh-CN"
    assert first["state"]["outcome"] == "answered"
    assert len({one["id"] for one in first["messages"]}) == len(first["messages"])
    assert talker.say("how do I renew my driving licence")["messages"][-1]["lang"] == "en"


def test_what_is_no_message_is_told(talker: Talker) -> None:
    for body in (
        {},
        {"client_msg_id": "", "text": "a"},
        {"client_msg_id": "a"},
        {"client_msg_id": "a", "text": "a" * 30_000},
    ):
        assert talker.post("messages", body).status_code == 422
    refused = talker.post("messages", {}, **{"Accept-Language": "en"})
    assert "missing" in refused.json()["detail"]


def test_a_stream_tells_typing_parts_and_the_whole(talker: Talker) -> None:
    """What is said while a stream is open; what was said before it begins is told first, and in one piece."""
    before = talker.say("您好")["turn_id"]
    told = talker.stream(
        lambda name, data, _: name == "typing" and not data["on"], on_first=lambda: talker.say(QUESTION, "s-1")
    )
    seen = [one for one in told if one[1].get("turn_id") != before]
    names = [name for name, _, _ in seen]
    assert names[0] == "typing" and "message.delta" in names
    answers = [data for name, data, _ in seen if name == "message" and data["role"] == "assistant"]
    for answer in answers:
        parts = [data["text"] for name, data, _ in seen if name == "message.delta" and data["id"] == answer["id"]]
        assert "".join(parts) == answer["text"]
    assert [data["client_msg_id"] for name, data, _ in seen if name == "message" and data["role"] == "user"] == ["s-1"]


def test_a_stream_resumes_after_the_last_turn_it_told(talker: Talker) -> None:
    first = talker.say("你好")["turn_id"]
    second = talker.say(QUESTION)["turn_id"]
    third = talker.say("谢谢")["turn_id"]

    def told(last: str | None) -> set[int]:
        seen = talker.stream(lambda name, data, number: number == str(third), last=last)
        assert all(name != "message.delta" for name, _, _ in seen)
        return {data["turn_id"] for name, data, _ in seen if name == "message"}

    assert told(None) == {first, second, third}
    assert told(str(first)) == {second, third}
    assert told(str(second)) == {third}
    assert told("nonsense") == {first, second, third}


def filed(talker: Talker) -> CaseNumber:
    """The number of a case filed in the conversation."""
    for text in ("福田区福强路的路灯坏了一个星期", "跳过", "跳过", "跳过", "跳过", "确认提交"):
        told = talker.say(text)
        if told["state"]["outcome"] == "case_filed":
            return CaseNumber(told["state"]["case"]["case_id"])
    raise AssertionError(told)


@pytest.mark.parametrize("last", ["99999999999999999999", "9" * 50, "-1", "x"])
def test_a_number_of_no_turn_keeps_no_stream_silent(talker: Talker, last: str) -> None:
    talker.say("您好", lang="zh")
    found = talker.stream(
        lambda name, data, key: name == "message" and "不客气" in str(data.get("text")),
        last=last,
        act=lambda: talker.say("谢谢", lang="zh"),
    )
    assert "error" not in [name for name, _, _ in found] and found[-1][1]["turn_id"]


def test_what_an_agent_and_a_notice_add_later_reaches_the_page(talker: Talker, store: Store) -> None:
    number = filed(talker)
    last = talker.say("谢谢")["turn_id"]

    def others() -> None:
        with store.work() as work:
            event = Event("agent", store.now().timestamp(), text="您好，我是坐席。")
            work.save(work.tracker(talker.sender), None, (event,), [], store.now())
        with store.work() as work:
            work.cases.move(number, *ACCEPT)

    seen = talker.stream(lambda name, *_: name == "case.update", last=str(last), act=others)
    said = {data["role"]: data["text"] for name, data, _ in seen if name == "message"}
    assert said["agent"] == "您好，我是坐席。" and number in said["system"]
    assert seen[-1][1] == {"case_id": number} and seen[-1][2]
    again = talker.stream(lambda name, *_: name == "case.update", last=str(last))
    assert [data for name, data, _ in again if name == "message"] == [
        data for name, data, _ in seen if name == "message"
    ]
    (case,) = httpx.get(f"{talker.root}/cases", headers=talker.headers, timeout=60).json()
    assert (case["case_id"], case["status"], case["rateable"]) == (number, "accepted", False)
    early = talker.post("feedback", {"case_id": number, "satisfied": True})
    assert early.status_code == 409
    assert talker.post("feedback", {"case_id": "SZ261120-000001-8", "satisfied": True}).status_code == 404


def test_a_person_is_asked_for_by_one_request(talker: Talker) -> None:
    talker.say("楼下烧烤店每天半夜噪音扰民")
    told = talker.post("handoff", {"client_msg_id": "h-1", "lang": "en"}).json()
    assert told["state"]["outcome"] == "handoff"
    seen = talker.stream(lambda name, *_: name == "handoff")
    assert seen[-1][1] == {"turn_id": told["turn_id"], "state": "requested"}


def test_an_answer_is_rated(talker: Talker) -> None:
    assert talker.post("feedback", {"rating": "good"}).status_code == 404
    talker.say(QUESTION, "r-1")
    assert talker.post("feedback", {"client_msg_id": "r-1", "rating": "bad"}).json()["rating"] == "bad"


def test_an_export_holds_what_was_said_and_erasing_forgets_it(talker: Talker, store: Store) -> None:
    talker.say(QUESTION)
    kept = httpx.get(f"{talker.root}/export", headers=talker.headers, timeout=60)
    assert "attachment" in kept.headers["content-disposition"]
    assert kept.json()["messages"][0]["role"] == "user"
    seen = talker.stream(
        lambda name, *_: name == "error", act=lambda: httpx.delete(talker.root, headers=talker.headers, timeout=60)
    )
    assert seen[-1][1] == {"reason": "ended"}
    assert httpx.get(f"{talker.root}/export", headers=talker.headers, timeout=60).status_code == 401
    with store.work() as work:
        assert work.events(talker.sender) == [] and work.contacts.of(talker.sender) is None


def test_a_socket_writes_nothing_into_what_was_erased(talker: Talker, store: Store) -> None:
    ticket = talker.post("ticket").json()["ticket"]
    with opened(talker, ticket) as socket:
        assert httpx.delete(talker.root, headers=talker.headers, timeout=60).status_code == 204
        socket.send(json.dumps({"client_msg_id": "late", "text": QUESTION}))
        with pytest.raises(ConnectionClosed):
            while True:
                socket.recv(timeout=SECONDS)
    with store.work() as work:
        assert work.events(talker.sender) == [] and work.contacts.of(talker.sender) is None


def opened(talker: Talker, ticket: str, **options: Any) -> Any:
    url = talker.root.replace("http://", "ws://") + f"/ws?ticket={ticket}"
    return connect(url, subprotocols=["citychat.v1"], **options)  # type: ignore[list-item]


def test_a_socket_opens_once_by_a_ticket_and_talks_both_ways(talker: Talker) -> None:
    ticket = talker.post("ticket").json()["ticket"]
    with opened(talker, ticket, origin=FRIEND) as socket:
        assert socket.subprotocol == "citychat.v1"
        socket.send("no json")
        assert json.loads(socket.recv(SECONDS)) == {"event": "error", "data": {"reason": "invalid"}}
        socket.send(json.dumps({"type": "message", "client_msg_id": "w-1", "text": QUESTION, "lang": "zh"}))
        seen: list[dict[str, Any]] = []
        while not {"ack", "assistant"} <= {one["data"].get("role", one["event"]) for one in seen}:
            seen.append(json.loads(socket.recv(SECONDS)))
        assert "驾驶证" in "".join(one["data"].get("text", "") for one in seen if one["event"] == "message")
        assert [one["data"]["client_msg_id"] for one in seen if one["event"] == "ack"] == ["w-1"]
    with pytest.raises(InvalidStatus) as refused, opened(talker, ticket):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_foreign_site_opens_no_socket_and_spends_no_ticket(talker: Talker, origin: str) -> None:
    ticket = talker.post("ticket").json()["ticket"]
    with pytest.raises(InvalidStatus) as refused, opened(talker, ticket, origin=origin):
        pass
    assert refused.value.response.status_code == 403
    with opened(talker, ticket):
        pass


def test_a_frame_too_large_ends_the_socket(talker: Talker) -> None:
    with opened(talker, talker.post("ticket").json()["ticket"]) as socket:
        socket.send("x" * 70_000)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(SECONDS)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009


def test_only_allowed_sites_may_call_from_their_pages(server: Server) -> None:
    for path in ("/api/v1/sessions",):
        headers = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
        allowed = httpx.options(f"{server.url}{path}", headers=headers, timeout=60)
        assert allowed.headers["access-control-allow-origin"] == FRIEND
        refused = httpx.options(f"{server.url}{path}", headers=headers | {"Origin": "https://evil.example"}, timeout=60)
        assert "access-control-allow-origin" not in refused.headers
    assert (
        "access-control-allow-origin"
        not in httpx.get(f"{server.url}/healthz", headers={"Origin": FRIEND}, timeout=60).headers
    )


def test_many_streams_at_once_get_their_own_answers(server: Server) -> None:
    def one(number: int) -> None:
        told = httpx.post(f"{server.url}/api/v1/sessions", timeout=60).json()
        talker = Talker(server.url, told["session_id"], told["token"])
        seen = talker.stream(lambda name, *_: name == "message", act=lambda: talker.say(f"你好 {number}"))
        texts.append(seen[-1][1]["text"] == f"你好 {number}")

    texts: list[bool] = []
    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [True] * 8


def test_a_stream_is_neither_cached_nor_without_headers(talker: Talker) -> None:
    with httpx.stream("GET", f"{talker.root}/stream", headers=talker.headers, timeout=60) as source:
        assert source.headers["content-type"].startswith("text/event-stream")
        assert source.headers["cache-control"] == "no-store"
        assert "frame-ancestors" in source.headers["content-security-policy"]


class OnStore:
    """The store of sessions by itself."""

    @pytest.fixture(params=["sqlite", "postgres"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
        if request.param == "postgres":
            engine = request.getfixturevalue("postgres_engine")
        else:
            engine = open_database(f"sqlite:///{tmp_path / 'web.sqlite3'}")
            migrate(engine)
        yield Store(engine, "SZ", lambda: datetime(2026, 11, 21, tzinfo=UTC))
        engine.dispose()


class TestSessions(OnStore):
    """Secrets, tickets and ends."""

    def test_only_hashes_are_kept(self, store: Store) -> None:
        now = store.now()
        with store.work() as work:
            session, secret = work.web.open("zh", now)
            ticket = work.web.ticket(session, now)
            kept = [
                str(value) for row in work.connection.exec_driver_sql("select * from web_sessions") for value in row
            ]
            assert not any(secret in value or ticket in value for value in kept)
            assert work.web.of_secret(secret, now, session.id) == work.web.of_secret(secret, now)

    def test_a_ticket_is_good_once_and_not_for_long(self, store: Store) -> None:
        now = store.now()
        with store.work() as work:
            session, _ = work.web.open("zh", now)
            late = work.web.ticket(session, now)
            with pytest.raises(UnknownWebSession):
                work.web.redeem(session.id, late, now + TICKET_LIFE)
            first, second = work.web.ticket(session, now), work.web.ticket(session, now)
            with pytest.raises(UnknownWebSession):
                work.web.redeem(session.id, first, now)
            assert work.web.redeem(session.id, second, now).sender == session.sender
            with pytest.raises(UnknownWebSession):
                work.web.redeem(session.id, second, now)

    def test_silence_ends_a_session_and_use_prolongs_it(self, store: Store) -> None:
        now = store.now()
        with store.work() as work:
            session, secret = work.web.open("zh", now)
            work.web.used(session, now + timedelta(days=20))
            work.web.of_secret(secret, now + SILENCE)
            with pytest.raises(UnknownWebSession):
                work.web.of_secret(secret, now + timedelta(days=20) + SILENCE)
            assert work.web.sweep(now) == 0
            assert work.web.sweep(now + timedelta(days=20) + SILENCE) == 1

    def test_a_message_needs_one_writing_transaction(self, assistant: Assistant) -> None:
        begun: list[str] = []

        @event.listens_for(assistant.store.engine, "before_cursor_execute")
        def count(*told: Any) -> None:
            begun.append(told[2])

        talk = Talk(lambda: assistant)
        session, _ = talk.open("zh")
        talk.say(session, "您好")
        begun.clear()
        said = talk.say(session, "我想投诉", "m2")
        assert [message["role"] for message in said.messages][:2] == ["user", "assistant"]
        assert begun.count("BEGIN IMMEDIATE") == 1
        talk.erase(session)
        with pytest.raises(UnknownWebSession):
            talk.say(session, "您好")
        with assistant.store.read() as work:
            assert work.transcript.after(session.sender) == ()

    def test_what_others_said_since_is_read_without_what_was_said_before(self, assistant: Assistant) -> None:
        asked: list[str] = []
        talk = Talk(lambda: assistant)
        session, _ = talk.open("zh")

        def note(kind: str, words: str) -> int:
            with assistant.store.work() as work:
                return work.save(
                    work.tracker(session.sender), None, (Event(kind, 1.0, text=words),), [], session.created_at
                )

        @event.listens_for(assistant.store.engine, "before_cursor_execute")
        def count(*told: Any) -> None:
            asked.extend([told[2]] if "FROM turns" in told[2] else [])

        assert (talk.missed(session), talk.last_said(session)) == ([], 0)
        spoken = [note("user", str(place)) for place in range(3 * FEW)]
        asked.clear()
        assert (talk.missed(session), talk.last_said(session)) == ([], spoken[-1])
        assert len(asked) == 2 and all("LIMIT" in statement for statement in asked)
        said = [str(place) for place in range(2 * FEW + 1)]
        for words in said:
            note("agent", words)
        assert [message["text"] for message in talk.missed(session)] == said
        assert talk.last_said(session) == spoken[-1]

    def test_a_foreign_secret_finds_its_session_again(self, store: Store) -> None:
        now = store.now()
        with store.work() as work:
            first = work.web.adopt("page-made-secret", "en", now)
            assert work.web.adopt("page-made-secret", "zh", now) == first
            assert work.web.adopt("another-secret", "zh", now).id != first.id
            own, secret = work.web.open("zh", now)
            assert work.web.adopt(secret, "zh", now) == own


def test_late_turns_are_seen_and_none_is_seen_twice() -> None:
    seen = SeenTurns(100)
    assert seen.newest == 50
    seen.see({number: "a" for number in range(51, 101) if number != 99})
    assert seen.newest == 100 and set(seen.missing) == {99}
    seen.see({103: "b"})
    assert seen.newest == 103 and set(seen.missing) == {99, 101, 102}
    seen.see({99: "c", 102: "c"})
    assert set(seen.missing) == {101}
    for _ in range(LOOKS):
        seen.see({})
    assert not seen.missing
    seen.see({10_000: "d"})
    assert len(seen.missing) == MOST_MISSING - 1


def test_a_turn_with_the_number_of_an_erased_one_is_told(tmp_path: Path) -> None:
    """SQLite gives the numbers of the newest turns anew once these are erased."""
    engine = open_database(f"sqlite:///{tmp_path / 'feed.sqlite3'}")
    migrate(engine)
    store = Store(engine, "SZ", lambda: datetime.now(UTC))

    def write(sender: SenderId) -> int:
        with store.work() as work:
            return work.save(work.tracker(sender), None, (Event("agent", 1.0, text="x"),), [], store.now())

    async def heard() -> None:
        feed = Feed(lambda: store, 0.02)
        with store.work() as work:
            erased, _ = work.web.open("zh", store.now())
        for _ in range(3):
            newest = write(erased.sender)
        feed.start()
        with feed.listening(SenderId("web:a")) as one:
            assert one.take()
            await one.wait(SECONDS)
            assert one.take()
            with store.work() as work:
                work.web.erase(erased, store.now())
            assert write(SenderId("web:a")) < newest
            await asyncio.wait_for(one.wait(10 * SECONDS), SECONDS)
            assert one.take()
        await feed.stop()

    asyncio.run(heard())
    engine.dispose()


def test_a_turn_before_the_first_look_is_told_and_only_its_own_stream_wakes(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'feed.sqlite3'}")
    migrate(engine)
    store = Store(engine, "SZ", lambda: datetime.now(UTC))

    def write(sender: SenderId) -> None:
        with store.work() as work:
            work.save(work.tracker(sender), None, (Event("agent", 1.0, text="x"),), [], store.now())

    async def heard() -> None:
        feed = Feed(lambda: store, 0.02)
        feed.start()
        with feed.listening(SenderId("web:a")) as one, feed.listening(SenderId("web:b")) as other:
            write(SenderId("web:a"))
            assert one.take() and other.take()
            await one.wait(SECONDS)
            await other.wait(SECONDS)
            assert one.take() and other.take()
            for writer, sleeper in ((one, other), (other, one)):
                write(SenderId("web:a" if writer is one else "web:b"))
                await writer.wait(SECONDS)
                assert writer.take() and not sleeper.take()
        await feed.stop()

    asyncio.run(heard())
    engine.dispose()


def test_parts_make_up_the_text() -> None:
    for text in ("", "一句。两句！\n三行\n", "no end", "。。。a"):
        assert "".join(parts_of(text)) == text


def test_every_turn_ends_with_its_number() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    silent = Told(7, None, now, ({"event": "mode", "value": "manual"},), ())
    assert [(one.name, one.id) for one in events_of(silent)] == [("handoff", 7)]
    empty = Told(8, None, now, (), ())
    assert [one.id for one in events_of(empty)] == [8]


def test_origins() -> None:
    assert read_origins("") == ()
    assert read_origins("https://A.example, http://localhost:8000/") == ("https://a.example", "http://localhost:8000")
    for wrong in ("*", "http://www.city.example", "https://a.example/path", "a.example", "https://*.example"):
        with pytest.raises(SettingsError):
            read_origins(wrong)
    assert welcome({"host": "x"}, ())
    assert welcome({"host": "x:1", "origin": "http://x:1"}, ())
    assert not welcome({"host": "x", "origin": "https://y"}, ())
    assert not welcome({"host": "x", "origin": "null"}, ())
