"""A Rasa behind our doors: what citizens, the desk and cases see is what they see with our own engine."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.elsewhere import run_of
from bot.errors import ActionRejected, SettingsError
from bot.messages import MessageId, SenderId, UserMessage, behind
from bot.said import Said
from bot.settings import Settings
from bot.store import Work
from bot.tracker import Event, Mode
from bot.training import Models
from connectors.app import create_app
from connectors.cli import app
from connectors.rasa.action_server import handled
from connectors.rasa.engine import engine_of
from connectors.rasa.environment import ROOT
from connectors.rasa.seal import Seal
from tests.messengers import Answer, Api, api_of, until
from tests.rasa_double import RasaDouble
from tests.served import Served

ERROR = {"outcome": "error", "language": "zh", "intent": {"name": "none", "confidence": 0}}
LAMP = "民治大道的路灯坏了三天了，没人修"


@dataclass
class City:
    """Our service in front of a Rasa."""

    rasa: RasaDouble
    api: Api
    http: httpx.Client
    assistant: Assistant

    def say(self, text: str, sender: str, message_id: str | None = None, language: str | None = None) -> Any:
        """The bubbles a citizen gets."""
        metadata = {"message_id": message_id, "language": language}
        body = {"sender": sender, "message": text, "metadata": metadata}
        answer = self.http.post("/webhooks/rest/webhook", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def turn(self, text: str, sender: str, message_id: str | None = None, language: str | None = None) -> Any:
        """`custom.turn` of the answer."""
        return self.say(text, sender, message_id, language)[-1]["custom"]["turn"]

    def plain(self, *items: dict[str, Any]) -> None:
        """The next answer of the Rasa, as one that knows nothing of us gives it."""
        self.api.told.append((200, [{"recipient_id": "x", **item} for item in items]))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def city(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    rasa = RasaDouble()
    with api_of(rasa.answer) as api:
        settings = _settings(folder, rasa_url=api.url)
        assistant = assistant_of(models, settings)
        served = Served(create_app(settings, assistant))
        rasa.actions = httpx.Client(base_url=served.url, timeout=60)
        with httpx.Client(base_url=served.url, timeout=60) as http:
            yield City(rasa, api, http, assistant)
        rasa.actions.close()
        served.stop()


@pytest.fixture(autouse=True)
def quiet(city: City) -> Iterator[None]:
    yield
    city.rasa.after = None
    city.api.hold.set()
    city.api.told.clear()


def _settings(folder: Path, **changes: Any) -> Settings:
    settings = Settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'city.sqlite3'}",
        sweep_seconds=0,
        rate_limit=0,
        engine="rasa",
        _env_file=None,  # type: ignore[call-arg]
        **changes,
    )
    # Beyond what may be set: no slow machine makes this Rasa too slow.
    return settings.model_copy(update={"rasa_seconds": 60.0})


@pytest.mark.parametrize(
    ("text", "language"), [("驾照快到期了怎么办", "zh"), ("My driving licence is about to expire", "en")]
)
def test_the_answer_is_the_one_of_our_own_engine(city: City, text: str, language: str) -> None:
    answer = city.say(text, f"same-{language}", language=language)
    native = city.assistant.handle(_message(text, f"native-{language}"))
    turn = answer[-1]["custom"]["turn"]
    assert [bubble.get("text") for bubble in answer] == [bubble.get("text") for bubble in native]
    assert turn == native[-1]["custom"]["turn"] and turn["language"] == language
    assert {bubble["recipient_id"] for bubble in answer} == {f"same-{language}"}


def test_a_case_filed_behind_belongs_to_the_citizen(city: City) -> None:
    assert city.turn(LAMP, "li")["outcome"] == "form_question"
    turn = city.turn("确认", "li")
    assert turn["outcome"] == "case_filed"
    number = turn["case"]["case_id"]
    with city.assistant.store.work() as work:
        assert [str(one.number) for one in work.cases.of_sender(SenderId("li"))] == [number]
        assert _said(work, "li") == [LAMP, "确认"]
    told = city.turn("我的工单办得怎么样了", "li")
    assert (told["outcome"], told["case"]["case_id"]) == ("case_status", number)
    assert number not in json.dumps(city.say("我的工单办得怎么样了", "wu"))


def test_a_retry_is_neither_asked_nor_answered_twice(city: City) -> None:
    first = city.say("在哪里办护照", "retry", "r-1")
    before = len(city.api.calls)
    assert city.say("在哪里办护照", "retry", "r-1") == first and len(city.api.calls) == before
    city.api.hold.clear()
    answers: list[Any] = []
    both = [threading.Thread(target=lambda: answers.append(city.say("几天能拿到", "retry", "r-2"))) for _ in range(2)]
    for thread in both:
        thread.start()
    city.api.wait(before + 1)
    city.api.hold.set()
    for thread in both:
        thread.join()
    assert answers[0] == answers[1] and len(city.api.calls) == before + 1


@pytest.mark.parametrize(
    "broken",
    [
        (503, {}),
        (200, {"a": 1}),
        (200, []),
        (200, [1]),
        (200, [{"recipient_id": "x", "text": "  ", "buttons": 5}]),
        (200, [{"recipient_id": "x", "text": "好的", "custom": {"x": float("inf")}}]),
        (200, [{"recipient_id": "x", "text": "抱歉", "custom": {"turn": ERROR}}]),
    ],
    ids=range(7),
)
@pytest.mark.parametrize(
    ("text", "language", "word"),
    [("驾照快到期了怎么办", "zh", "人工"), ("My driving licence is about to expire", "en", "person")],
)
def test_a_rasa_that_breaks_costs_no_message(city: City, broken: Answer, text: str, language: str, word: str) -> None:
    sender = f"broken {language} {uuid.uuid4().hex}"
    city.api.told.append(broken)
    answer = city.say(text, sender, "b-1", language)
    turn = answer[-1]["custom"]["turn"]
    assert (turn["outcome"], turn["language"]) == ("handoff", language) and word in answer[0]["text"]
    with city.assistant.store.work() as work:
        assert work.talks.open_of(SenderId(sender)) is not None
        assert _said(work, sender) == [text]
    assert city.say(text, sender, "b-1", language) == answer
    assert city.turn(text, sender, "b-2", language)["outcome"] == "answered", "it is asked again for the next message"


def test_danger_and_a_person_need_no_rasa(city: City) -> None:
    for status, items in ((503, []), (200, [{"recipient_id": "x", "text": "好的"}])):
        city.api.told.append((status, items))  # type: ignore[arg-type]
        assert city.turn("着火了，家里全是烟", f"fire {status}")["outcome"] == "emergency"
        city.api.told.append((status, items))  # type: ignore[arg-type]
        assert city.turn("I want to talk to a human agent", f"person {status}")["outcome"] == "handoff"


@pytest.mark.parametrize(
    ("text", "item", "outcome"),
    [
        ("在哪里办护照", {"text": "去出入境大厅。"}, "answered"),
        ("在哪里办护照", {"text": "您住在哪个区？"}, "clarify"),
        ("在哪里办护照", {"text": "请选择", "buttons": [{"title": "首次", "payload": "/first"}]}, "clarify"),
        ("你好", {"text": "您好"}, "smalltalk"),
    ],
)
def test_plain_words_of_a_foreign_rasa(city: City, text: str, item: dict[str, Any], outcome: str) -> None:
    city.plain({"text": "好的。"}, item, {"image": "https://city.example/a.png"})
    answer = city.say(text, f"plain {item['text']}")
    assert [one.get("text") for one in answer] == ["好的。", item["text"], None]
    assert answer[1].get("buttons") == item.get("buttons") and answer[2]["image"].endswith("a.png")
    turn = answer[-1]["custom"]["turn"]
    assert turn["outcome"] == outcome
    assert turn["services"] == [] and turn["case"] is None


def test_a_turn_told_by_another_is_checked(city: City) -> None:
    odd = {"turn": {"outcome": "won the lottery", "language": "zh", "intent": {"name": "x", "confidence": 1}}}
    city.plain({"text": "好的。"}, {"custom": odd})
    assert city.turn("在哪里办护照", "odd")["outcome"] == "answered"
    good = {"turn": {**odd["turn"], "outcome": "no_service", "rights": "all"}}
    city.plain({"text": "没有这项。"}, {"custom": good})
    turn = city.turn("在哪里办护照", "odd")
    assert turn["outcome"] == "no_service" and "rights" not in turn and turn["services"] == []


def test_an_action_done_before_the_rasa_broke_is_told(city: City) -> None:
    city.turn(LAMP, "chen")
    city.rasa.after = lambda: (500, {})
    turn = city.turn("确认", "chen", "c-1")
    assert turn["outcome"] == "case_filed"
    assert city.turn("确认", "chen", "c-1") == turn
    with city.assistant.store.work() as work:
        assert len(work.cases.of_sender(SenderId("chen"))) == 1


def test_a_case_filed_by_our_action_is_told_whatever_the_rasa_says_after_it(city: City) -> None:
    city.turn(LAMP, "zhou")
    city.rasa.after = lambda: (200, [{"recipient_id": "x", "text": "还有别的事吗？"}])  # type: ignore[assignment]
    answer = city.say("确认", "zhou", "z-1")
    turn = answer[-1]["custom"]["turn"]
    assert turn["outcome"] == "case_filed" and turn["case"]["query_code"]
    assert turn["case"]["case_id"] in answer[0]["text"] and answer[-1]["text"] == "还有别的事吗？"


def test_danger_does_not_wait_for_the_rasa(city: City) -> None:
    before = len(city.api.calls)
    city.plain({"text": "好的。"}, {"custom": {"turn": {**ERROR, "outcome": "smalltalk"}}})
    assert city.turn("着火了，家里全是烟", "smoke")["outcome"] == "emergency"
    assert city.say("没事了，火灭了", "smoke")[0]["text"]
    assert len(city.api.calls) == before
    city.api.told.clear()
    assert city.turn(LAMP, "zhao")["outcome"] == "form_question"
    assert city.turn("家里着火了，快来人", "zhao")["outcome"] == "emergency"
    assert len(city.api.calls) == before + 1, "nor while a form of ours runs behind"


def test_more_messages_than_may_wait_are_passed_on_at_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    assert city.assistant.stand_in is not None
    engine = city.assistant.stand_in.__self__  # type: ignore[attr-defined]
    monkeypatch.setattr(engine, "_room", threading.BoundedSemaphore(1))
    city.api.hold.clear()
    before, answers = len(city.api.calls), []
    first = threading.Thread(target=lambda: answers.append(city.turn("在哪里办护照", "full-1", "f-1")))
    first.start()
    city.api.wait(before + 1)
    assert city.turn("在哪里办护照", "full-2")["outcome"] == "handoff"
    assert city.turn("在哪里办护照", "full-1", "f-1")["outcome"] == "error", "its answer is still to come"
    city.api.hold.set()
    first.join()
    assert answers[0]["outcome"] == "answered" == city.turn("在哪里办护照", "full-1", "f-1")["outcome"]
    assert len(city.api.calls) == before + 1


def test_a_message_is_asked_once_until_its_turn_is_stored(city: City) -> None:
    assert city.assistant.stand_in is not None
    before, answers = len(city.api.calls), []
    inside, on = threading.Event(), threading.Event()
    message = UserMessage(SenderId("stored"), "在哪里办护照", MessageId("o-1"))

    def wait(work: Work, answer: Any) -> None:
        inside.set()
        on.wait(60)

    def ask(and_then: Any = None) -> None:
        assert city.assistant.stand_in is not None
        answers.append(city.assistant.stand_in(city.assistant, message, and_then))

    both = [threading.Thread(target=ask, args=(wait,)), threading.Thread(target=ask)]
    both[0].start()
    assert inside.wait(60)
    engine = city.assistant.stand_in.__self__  # type: ignore[attr-defined]
    assert engine._asked, "the answer is shared until the turn is stored"
    both[1].start()
    on.set()
    for thread in both:
        thread.join()
    assert answers[0] == answers[1] and len(city.api.calls) == before + 1 and not engine._asked


def test_while_a_person_holds_the_talk_nobody_is_asked(city: City) -> None:
    city.turn("转人工", "held")
    with city.assistant.store.work() as work:
        talk = work.talks.open_of(SenderId("held"))
        assert talk is not None, "our own action called the person for the citizen's own talk"
        now = city.assistant.clock()
        work.talks.claim(talk.number, "anna", now)
        tracker = work.tracker(SenderId("held")).apply(Event("mode", now.timestamp(), value=Mode.MANUAL))
        work.save(tracker, MessageId("claim"), (), [{"recipient_id": "held"}], now)
    before = len(city.api.calls)
    answer = city.say("路灯坏了", "held", "h-1")
    assert len(city.api.calls) == before and "text" not in answer[0]
    with city.assistant.store.work() as work:
        assert _said(work, "held")[-1] == "路灯坏了"


def test_who_erases_a_conversation_erases_the_one_behind(city: City) -> None:
    opened = city.http.post("/api/v1/sessions", json={"language": "zh"}).json()
    path, headers = f"/api/v1/sessions/{opened['session_id']}", {"Authorization": f"Bearer {opened['token']}"}
    said = city.http.post(f"{path}/messages", json={"client_msg_id": "w-1", "text": LAMP}, headers=headers)
    assert said.status_code in (200, 201), said.text
    sender = SenderId(f"web:{opened['session_id']}")
    with city.assistant.store.work() as work:
        assert work.transcript.after(behind(sender))
    assert city.http.delete(path, headers=headers).status_code in (200, 204)
    with city.assistant.store.work() as work:
        assert not work.transcript.after(behind(sender)) and not work.transcript.after(sender)


def test_a_slow_rasa_does_nothing_behind_the_citizens_back(models: Models, tmp_path: Path) -> None:
    rasa = RasaDouble()
    with api_of(rasa.answer) as api:
        settings = _settings(tmp_path, rasa_url=api.url)
        assistant = assistant_of(models, settings)
        served = Served(create_app(settings, assistant))
        with httpx.Client(base_url=served.url, timeout=60) as http:
            rasa.actions = http
            city = City(rasa, api, http, assistant)
            assert city.turn(LAMP, "slow")["outcome"] == "form_question"
            assert assistant.stand_in is not None
            assistant.stand_in.__self__.client.seconds = 0.2  # type: ignore[attr-defined]
            api.hold.clear()
            assert city.turn("确认", "slow", "s-1")["outcome"] == "handoff"
            api.hold.set()
            until(lambda: rasa.refused == [400])
            with assistant.store.work() as work:
                assert not work.cases.of_sender(SenderId("slow"))
                assert len(work.transcript.after(SenderId("slow"))) == 2
        served.stop()


def test_a_rasa_that_is_not_there_and_one_without_an_address(models: Models, tmp_path: Path) -> None:
    settings = _settings(tmp_path, rasa_url="http://127.0.0.1:9")
    assistant = assistant_of(models, settings)
    served = Served(create_app(settings, assistant))
    with httpx.Client(base_url=served.url, timeout=60) as http:
        assert City(RasaDouble(), Api(lambda _: (200, {})), http, assistant).turn("你好", "x")["outcome"] == "handoff"
    served.stop()
    with pytest.raises(SettingsError, match="CHENGDA_RASA_URL"):
        engine_of(_settings(tmp_path), Seal("key"))
    with pytest.raises(SettingsError, match="CHENGDA_RASA_TOKEN"):
        engine_of(_settings(tmp_path, rasa_url="http://rasa.city.example:5005"), Seal("key"))


def test_a_turn_and_an_action_of_one_message_do_not_block_each_other(models: Models, postgres_url: str) -> None:
    """On PostgreSQL: the turn holds the citizen and wants the conversation behind, while the action goes on."""
    settings = Settings(database_url=postgres_url, sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]
    assistant = assistant_of(models, settings)
    anna, first = SenderId("anna"), MessageId("l-1")
    done: list[str] = []

    def waits() -> bool:
        with assistant.store.engine.connect() as connection:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return bool(connection.exec_driver_sql(query).scalar_one())

    def act() -> None:
        message = UserMessage(anna, "你好", first, conversation=behind(anna))
        try:
            handled(assistant, message)
        except ActionRejected:
            done.append("the turn was first")

    other = threading.Thread(target=act)

    def acted(work: Work) -> None:
        other.start()
        until(waits)
        work.hold(behind(anna))

    answer = assistant.handle(UserMessage(anna, "你好", first), run=run_of(Said(), acted, assistant.run))
    other.join()
    assert answer[-1]["custom"]["turn"]["outcome"] == "handoff" and done == ["the turn was first"]
    assistant.store.engine.dispose()


def test_the_terminal_says_who_answers(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"DATA_DIR": str(ROOT / ".chengda"), "DATABASE_URL": "sqlite://", "ENGINE": "rasa"}
    for name, value in settings.items():
        monkeypatch.setenv(f"CHENGDA_{name}", value)
    ran = CliRunner().invoke(app, ["chat"], input="")
    assert ran.exit_code == 0 and "own engine" in ran.output, ran.output


def _message(text: str, sender: str) -> UserMessage:
    return UserMessage(SenderId(sender), text)


def _said(work: Work, sender: str) -> list[str]:
    """What a citizen said, as the desk reads it."""
    events = [event for told in work.transcript.after(SenderId(sender)) for event in told.events]
    return [event["text"] for event in events if event["event"] == "user"]
