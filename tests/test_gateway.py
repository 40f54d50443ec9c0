"""The seam of messengers, with Telegram and WhatsApp as channels: joined, promised, killed, refused, in order, once."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, event, func, select, text

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.channels.capability import Capabilities
from bot.channels.outbox import BACK_OFF, LEASE
from bot.channels.parcel import Kind, State
from bot.channels.plain import chosen, pieces_of
from bot.channels.tables import inbox, outbox
from bot.database import open_database
from bot.messages import SenderId
from bot.settings import Settings
from bot.store import Store
from bot.tables import turns
from bot.training import Models
from connectors.channels.channel import Arrival, Channel
from connectors.channels.gateway import Gateway
from connectors.channels.postman import Postman
from connectors.telegram.channel import Telegram, TelegramSettings
from connectors.whatsapp.channel import WhatsApp, WhatsAppSettings
from tests.messengers import Answer, Api, Call, api_of, until
from tests.office import MONDAY
from tests.servers import Server
from tests.waiting import PATIENCE

SECRET = "a-long-random-word"
SAID = [{"text": "one"}]


def taken(call: Call) -> Answer:
    """What either API answers to a message it takes."""
    return 200, {"ok": True, "result": {"message_id": 1}, "messages": [{"id": "wamid.1"}]}


@dataclass
class Post:
    """A gateway and its postman, not started: a test makes the rounds and moves the clock."""

    assistant: Assistant
    gateway: Gateway
    postman: Postman
    api: Api
    moments: list[datetime]

    @property
    def telegram(self) -> Channel:
        return self.postman.channels["telegram"]

    def say(self, words: str, user: str = "7", key: str = "m1", channel: str = "telegram") -> None:
        arrival = Arrival(user, words, key, self.moments[-1], "zh")
        self.gateway.keep_all(self.postman.channels[channel], [arrival])

    def later(self, wait: timedelta) -> None:
        self.moments.append(self.moments[-1] + wait)

    def rounds(self) -> None:
        while self.postman.round():
            pass

    def states(self) -> list[str]:
        return [row.state for row in self.rows(outbox)]

    def rows(self, table: Any) -> list[Any]:
        with self.assistant.store.work() as work:
            return list(work.connection.execute(select(table).order_by(table.c.id)).all())

    def texts(self) -> list[str]:
        return [str(call.body.get("text")) for call in self.api.calls]


@pytest.fixture
def post(models: Models, both_engines: Engine, tmp_path: Path) -> Iterator[Post]:
    settings = Settings(data_dir=tmp_path, database_url="sqlite://", sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]
    assistant, moments = assistant_of(models, settings), [MONDAY]
    assistant.clock = lambda: moments[-1]
    assistant.store = Store(both_engines, "SZ", assistant.clock)
    with api_of(taken) as api:
        gateway = Gateway(lambda: assistant)
        bot = TelegramSettings(token=SecretStr("1:x"), secret=SecretStr(SECRET), url=api.url)
        number = WhatsAppSettings(
            phone_id="1",
            token=SecretStr("t"),
            app_secret=SecretStr(SECRET),
            verify_token=SecretStr(SECRET),
            url=api.url,
        )
        channels = (
            Telegram("telegram", bot, gateway),
            Telegram("other", bot, gateway),
            WhatsApp("wa", number, gateway),
        )
        postman = Postman(lambda: assistant.store, channels)
        postman.gateway = gateway
        yield Post(assistant, gateway, postman, api, moments)
        api.hold.set()
        postman.stop()
        gateway.close()
        for channel in channels:
            channel.close()


def test_parallel_deliveries_join_into_one_turn(post: Post) -> None:
    arrival = Arrival("7", "驾照快到期了怎么办", "m1", MONDAY, "zh")
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: post.gateway.ask(post.telegram, arrival, PATIENCE), range(6)))
    assert answers[0] and all(answer == answers[0] for answer in answers)
    assert len(post.rows(turns)) == 1
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: post.say("你好", "8"), range(6)))
    post.rounds()
    assert len(post.rows(turns)) == 2 and len(post.api.calls) == 1


def test_a_late_answer_is_promised_once_and_sent_once(post: Post) -> None:
    held = Event()
    post.assistant.watchers.append(lambda *_: held.wait(PATIENCE) and None)
    arrival = Arrival("7", "你好", "m1", MONDAY, "zh")
    with ThreadPoolExecutor(4) as threads:
        promised = list(threads.map(lambda _: post.gateway.ask(post.telegram, arrival, 0.3), range(4)))
    assert promised == [None] * 4 and len(post.rows(inbox)) == 1
    held.set()
    until(lambda: len(post.rows(outbox)) == 1)
    post.rounds()
    assert (len(post.api.calls), post.states(), post.rows(inbox)) == (1, [State.SENT], [])
    # The messenger tries once more: the answer has gone another way.
    assert post.gateway.ask(post.telegram, arrival, PATIENCE) is None
    post.rounds()
    assert len(post.api.calls) == 1 and len(post.rows(turns)) == 1


def test_an_answer_promised_by_who_died_is_given_when_the_lease_ends(post: Post) -> None:
    arrival = Arrival("7", "你好", "m1", MONDAY, "zh")
    with post.assistant.store.work() as work:
        until_then = MONDAY + timedelta(seconds=15)
        work.contacts.wrote(SenderId("telegram:7"), "telegram", "zh", MONDAY, None)
        work.inbox.keep("telegram", SenderId("telegram:7"), "m1", arrival.as_json(), MONDAY, until_then)
    post.rounds()
    assert not post.api.calls
    post.later(timedelta(seconds=16))
    post.rounds()
    assert len(post.api.calls) == 1 and post.rows(inbox) == []


def test_backs_off_and_gives_up_told_as_failed(post: Post) -> None:
    post.api.usual = lambda call: (500, {})
    post.say("你好")
    post.rounds()
    for place, wait in enumerate(BACK_OFF, 1):
        assert (post.states(), len(post.api.calls)) == ([State.WAITING], place)
        post.later(wait - timedelta(milliseconds=10))
        post.rounds()
        assert len(post.api.calls) == place
        post.later(timedelta(milliseconds=20))
        post.rounds()
    assert post.states() == [State.FAILED] and len(post.api.calls) == len(BACK_OFF) + 1


def test_order_of_one_citizen_while_another_goes_on(post: Post) -> None:
    post.api.told.append((500, {}))
    post.say("你好", "7", "m1")
    post.rounds()
    post.say("谢谢", "7", "m2")
    post.say("再见", "8", "m1")
    post.rounds()
    assert [call.body["chat_id"] for call in post.api.calls] == [7, 8]
    post.later(BACK_OFF[0])
    post.rounds()
    assert [call.body["chat_id"] for call in post.api.calls] == [7, 8, 7, 7]
    first, _, again, second = post.texts()
    assert first == again != second and "不客气" in second


def test_a_notice_that_waits_holds_up_no_answer(post: Post) -> None:
    post.say("你好")
    post.rounds()
    with post.assistant.store.work() as work:
        sender, now = SenderId("telegram:7"), post.assistant.store.now()
        work.outbox.post("n1", sender, "telegram", Kind.NOTICE, "zh", [{"text": "通知"}], now + timedelta(hours=1))
    before = len(post.api.calls)
    post.say("谢谢", "7", "m2")
    post.rounds()
    assert len(post.api.calls) == before + 1 and "不客气" in post.texts()[-1]


def test_a_channel_that_hangs_holds_up_no_other(post: Post) -> None:
    post.postman.start()
    post.api.hold.clear()
    for user in range(6):
        post.say("你好", str(100 + user), "m1")
    post.postman.ring()
    until(lambda: len(post.api.calls) == 4)
    post.api.hold = Event()
    post.api.hold.set()
    post.say("你好", "200", "m1", "other")
    post.postman.ring()
    until(lambda: any(call.body["chat_id"] == 200 for call in post.api.calls))


def test_held_until_the_citizen_writes_then_in_order(post: Post) -> None:
    post.say("你好", "86138", "m1", "wa")
    post.rounds()
    store, sender = post.assistant.store, SenderId("wa:86138")
    with store.work() as work:
        work.outbox.post("k1", sender, "wa", Kind.AGENT, "zh", [{"text": "第一"}], store.now())
        work.outbox.post("k2", sender, "wa", Kind.AGENT, "zh", [{"text": "第二"}], store.now())
    post.api.told.append((400, {"error": {"code": 131047}}))
    post.rounds()
    assert post.states() == [State.SENT, State.HELD, State.HELD]
    post.later(timedelta(hours=30))
    post.rounds()
    before = len(post.api.calls)
    post.say("谢谢", "86138", "m2", "wa")
    post.rounds()
    sent = [call.body["text"]["body"] for call in post.api.calls[before:]]
    assert sent[:2] == ["第一", "第二"] and "不客气" in sent[2] and len(sent) == 3


def test_who_only_looks_does_not_write(post: Post) -> None:
    """The boxes are looked into every second; what another holds and what is due later is not to be done either."""
    store, began = post.assistant.store, list[Connection]()

    @event.listens_for(store.engine, "begin")
    def count(connection: Connection) -> None:
        began.extend([] if connection.get_execution_options().get("chengda_reading") else [connection])

    def looks() -> int:
        began.clear()
        assert sum(post.postman.round() for _ in range(5)) == 0
        return len(began)

    assert looks() == 0
    with store.work() as work:
        held, later, asks, now = (*(SenderId(f"telegram:{user}") for user in (7, 8, 9)), store.now())
        for sender in (held, later, asks):
            work.contacts.wrote(sender, "telegram", "zh", now, None)
        for key in ("held", "behind"):
            work.outbox.post(key, held, "telegram", Kind.AGENT, "zh", SAID, now)
        assert work.outbox.claim(["telegram"], now)
        work.outbox.post("later", later, "telegram", Kind.AGENT, "zh", SAID, now + LEASE)
        arrival = Arrival("9", "你好", "m1", now, "zh")
        work.inbox.keep("telegram", asks, "m1", arrival.as_json(), now, now + LEASE)
    assert looks() == 0
    post.later(LEASE + timedelta(seconds=1))
    post.rounds()
    assert post.states() == [State.SENT] * 4 and post.rows(inbox) == []
    assert looks() == 0


def test_two_that_look_at_once_send_it_once(post: Post) -> None:
    store = post.assistant.store
    users = [str(100 + number) for number in range(12)]
    with store.work() as work:
        for user in users:
            work.contacts.wrote(SenderId(f"telegram:{user}"), "telegram", "zh", MONDAY, None)
            work.outbox.post(user, SenderId(f"telegram:{user}"), "telegram", Kind.AGENT, "zh", SAID, MONDAY)
    other = Postman(lambda: Store(store.engine, "SZ", post.assistant.clock), list(post.postman.channels.values()))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda postman: [postman.round() for _ in range(6)], (post.postman, other)))
    other.stop()
    assert Counter(call.body["chat_id"] for call in post.api.calls) == {int(user): 1 for user in users}
    assert post.states() == [State.SENT] * len(users)


def test_pieces_that_are_through_are_not_sent_again(post: Post) -> None:
    store = post.assistant.store
    with store.work() as work:
        work.contacts.wrote(SenderId("telegram:7"), "telegram", "zh", MONDAY, None)
        work.outbox.post(
            "k", SenderId("telegram:7"), "telegram", Kind.AGENT, "zh", [{"text": n} for n in "abc"], MONDAY
        )
    post.api.told.extend([taken(None), (500, {})])  # type: ignore[arg-type]
    post.rounds()
    post.later(BACK_OFF[0])
    post.rounds()
    assert post.texts() == ["a", "b", "b", "c"] and post.states() == [State.SENT]


def test_who_is_slower_than_the_lease_changes_nothing(post: Post) -> None:
    store, sender = post.assistant.store, SenderId("telegram:7")
    with store.work() as work:
        work.contacts.wrote(sender, "telegram", "zh", MONDAY, None)
        work.outbox.post("k", sender, "telegram", Kind.AGENT, "zh", SAID, MONDAY)
        (slow,) = work.outbox.claim(["telegram"], store.now())
    post.rounds()
    assert not post.api.calls
    post.later(LEASE + timedelta(seconds=1))
    post.rounds()
    assert post.states() == [State.SENT]
    with store.work() as work:
        work.outbox.again(slow, store.now(), "slow")
    assert post.states() == [State.SENT]


def test_a_failed_turn_is_told_with_a_reference(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("invented")

    post.assistant.watchers.append(broken)
    post.say("你好")
    post.rounds()
    # The turn was stored before the watcher broke: its answer is sent, and nothing else.
    assert len(post.api.calls) == 1 and len(post.rows(outbox)) == 1


def test_a_long_sender_keeps_answers_apart(post: Post) -> None:
    user = "9" * 15
    for place in range(2):
        post.say("你好" if place else "谢谢", user, f"{place}".rjust(190, "x"))
    post.rounds()
    assert len(post.api.calls) == 2


def test_the_language_of_the_conversation_is_that_of_notices(post: Post) -> None:
    post.say("My street light is broken, how do I report it?")
    post.rounds()
    with post.assistant.store.work() as work:
        contact = work.contacts.of(SenderId("telegram:7"))
        assert contact is not None and contact.told_in == "en"
        work.contacts.prefer(contact.sender, language="zh")
        contact = work.contacts.of(contact.sender)
        assert contact is not None and (contact.language, contact.told_in) == ("en", "zh")


def test_numbers_of_lines_are_those_that_are_understood() -> None:
    few = [{"title": "a", "payload": "/a"}]
    bubbles = [{"text": "x", "buttons": few}, {"text": "y", "buttons": [*few, {"title": "b", "payload": "/b"}]}]
    pieces = pieces_of(bubbles, Capabilities(2000, buttons=1))
    assert pieces[1].text == "y\n2. a\n3. b"
    assert chosen(bubbles, "3") == "/b"


@pytest.mark.faults
def test_killed_between_acknowledgement_and_answer(postgres_url: str, tmp_path: Path) -> None:
    """A server killed while turns wait loses nothing; then two processes on one database send everything once."""
    with api_of(taken) as api:
        channels = {"telegram": {"token": "1:x", "secret": SECRET, "url": api.url}}
        settings = {"CHENGDA_DATABASE_URL": postgres_url, "CHENGDA_CHANNELS": json.dumps(channels)}
        server = Server(tmp_path, settings)
        server.start()
        engine = open_database(postgres_url)
        try:
            with engine.connect() as connection, httpx.Client(timeout=60) as client:
                lock = "SELECT pg_advisory_lock(hashtextextended('telegram:' || :user, 0))"
                for user in range(1, 11):
                    connection.execute(text(lock), {"user": str(user)})
                for user in range(1, 11):
                    deliver(client, server.url, user)
                server.stop(signal.SIGKILL)
                assert not api.calls
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
            second = Server(tmp_path, settings, workers=2)
            second.start()
            try:
                api.wait(10)
                with httpx.Client(timeout=60) as client:
                    for user in range(11, 51):
                        deliver(client, second.url, user)
                api.wait(50)
                until(lambda: count(engine, outbox, outbox.c.state == State.SENT) == 50)
            finally:
                second.stop()
            assert Counter(call.body["chat_id"] for call in api.calls) == dict.fromkeys(range(1, 51), 1)
            assert count(engine, turns) == 50 and count(engine, inbox) == 0
        finally:
            engine.dispose()


def deliver(client: httpx.Client, url: str, user: int) -> None:
    """One message of a user's, acknowledged."""
    chat = {"id": user, "type": "private"}
    at = int(datetime.now(UTC).timestamp())
    message = {"message_id": 1, "date": at, "chat": chat, "from": {"id": user, "language_code": "zh"}, "text": "你好"}
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    answer = client.post(
        f"{url}/webhooks/telegram/webhook", json={"update_id": user, "message": message}, headers=headers
    )
    assert answer.status_code == 200


def count(engine: Engine, table: Any, *where: Any) -> int:
    """How many rows there are."""
    with engine.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())
