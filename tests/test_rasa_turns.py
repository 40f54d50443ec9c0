"""Turns of Rasa projects that meet trouble, such as an action server that lacks or breaks: they go on as Rasa's."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.errors import ConversationBusy
from bot.rasa.action_call import ActionAnswer, read_answer
from bot.rasa.assembly import check, prepare
from bot.rasa.event_reader import UnknownEvent, event_of
from bot.rasa.events import (
    ActionExecuted,
    BotUttered,
    EntitiesAdded,
    LoopInterrupted,
    ReminderCancelled,
    ReminderScheduled,
    UserUttered,
)
from bot.rasa.processor import Processor
from bot.rasa.project import read_project
from bot.rasa.reminders import Reminders
from bot.rasa.responses import fill
from connectors.rasa.project_api import project_app
from tests.rasa_exact import ExactUnderstanding

CONFIG = "language: en\npolicies:\n- name: RulePolicy\n"
DOMAIN = """\
intents: [greet, count]
slots:
  name: {type: text, influence_conversation: false, mappings: [{type: from_text}]}
responses:
  utter_greet: [{text: "Hello {name}."}]
  utter_count: [{text: "You have {count} open."}]
actions: [action_count]
"""
NLU = "nlu:\n- intent: greet\n  examples: |\n    - hello\n- intent: count\n  examples: |\n    - how many\n"
RULES = """\
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: count
  steps: [{intent: count}, {action: action_count}]
"""
COUNT_AND_GREET = "{action: action_count}, {action: utter_greet}"


@dataclass
class Wire:
    """An action server by what it puts on the wire: a status and a body for each action, 404 for any other."""

    answers: dict[str, tuple[int, Any] | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[], object] = bool

    def run(self, name: str, call: Mapping[str, Any]) -> ActionAnswer:
        """The answer as any is read."""
        self.before()
        self.asked.append(name)
        answer = self.answers.get(name, (404, {"error": "no such action", "action_name": name}))
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return read_answer(name, status, json.dumps(body).encode())


def small(folder: Path, wire: Wire, clock: Callable[[], float] | None = None, **files: str) -> Processor:
    """A small project with some files in place of its own."""
    told = {"config.yml": CONFIG, "domain.yml": DOMAIN, "data/nlu.yml": NLU, "data/rules.yml": RULES}
    told |= {name.replace("__", "/") + ".yml": text for name, text in files.items()}
    for name, text in told.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    read = read_project(folder)
    return prepare(read, check(read), ExactUnderstanding(read.training), wire, clock or time.time)


def response(name: str | None = None, **fields: Any) -> dict[str, Any]:
    """A response as rasa-sdk puts it on the wire, empty fields and all."""
    empty: dict[str, Any] = {
        "text": None,
        "buttons": [],
        "elements": [],
        "custom": {},
        "image": None,
        "attachment": None,
    }
    return {**empty, "template": name, "response": name, **fields}


def texts(messages: list[dict[str, Any]]) -> list[str]:
    """What was said."""
    return [message.get("text", "") for message in messages]


def test_slots_are_filled_also_where_the_server_lacks_their_actions(tmp_path: Path) -> None:
    own = "  mood: {type: text, influence_conversation: false, mappings: [{type: custom, action: action_mood}]}\n"
    domain = DOMAIN.replace("responses:", own + "responses:").replace(
        "[action_count]", "[action_validate_slot_mappings]"
    )
    rules = RULES.replace("action_count", "utter_count")
    wire = Wire()
    processor = small(tmp_path, wire, domain=domain, data__rules=rules)
    assert texts(processor.handle("hello")) == ["Hello hello."]
    assert wire.asked == ["action_mood", "action_validate_slot_mappings"]


@pytest.mark.parametrize(("count", "word"), [(3, "3"), (0, "0"), (False, "False"), ("", ""), (None, "None")])
def test_a_placeholder_is_filled_with_nothing_too(tmp_path: Path, count: object, word: str) -> None:
    wire = Wire({"action_count": (200, {"events": [], "responses": [response("utter_count", count=count)]})})
    processor = small(tmp_path, wire)
    assert processor.handle("how many") == [{"recipient_id": "default", "text": f"You have {word} open."}]
    (said,) = [event for event in processor.tracker("default").events if isinstance(event, BotUttered)]
    assert said.data["buttons"] is None and said.metadata.get("count") == (count or None)


SAID: dict[str, Any] = {"event": "bot", "text": "hi"}
MARK = {"entity": "city", "value": "Bern"}


@pytest.mark.parametrize(
    "event",
    [
        {**SAID, "data": "hi"},
        {**SAID, "text": 5},
        {**SAID, "metadata": "x"},
        {"event": "slot", "name": ["a"], "value": 1},
        {"event": "slot", "name": "name"},
        {"event": "followup", "name": ["utter_greet"]},
        {"event": "active_loop", "name": {}},
        {"event": "user", "text": "hi", "parse_data": None},
        {"event": "user", "text": "hi", "parse_data": {"intent": "greet"}},
        {"event": "user", "text": "hi", "parse_data": {"entities": [{"entity": "city"}]}},
        {"event": "entities", "entities": None},
        {"event": "entities", "entities": ["city"]},
        {"event": "entities"},
        {"event": "action"},
        {"event": "dance"},
    ],
    ids=str,
)
def test_an_event_of_another_form_is_none(event: dict[str, Any]) -> None:
    with pytest.raises(UnknownEvent):
        event_of(event)


def test_what_is_left_empty_is_nothing() -> None:
    assert event_of({**SAID, "data": None, "timestamp": None, "metadata": None}) == BotUttered("hi", {})
    assert event_of({"event": "entities", "entities": [MARK]}) == EntitiesAdded((MARK,))
    parsed = {"intent": {"name": "greet"}, "entities": [MARK]}
    assert event_of({"event": "user", "text": None, "parse_data": parsed}) == UserUttered(None, parsed)


def test_words_without_more_are_said_and_a_wrong_event_loses_only_its_action(tmp_path: Path) -> None:
    wire = Wire({"action_count": (200, {"events": [{**SAID, "data": None}]})})
    processor = small(tmp_path, wire)
    assert texts(processor.handle("how many")) == ["hi"]
    wire.answers["action_count"] = (200, {"events": [SAID, {"event": "slot", "name": ["a"], "value": 1}]})
    assert texts(processor.handle("how many")) == []
    assert texts(processor.handle("hello")) == ["Hello hello."]


def test_an_action_that_breaks_in_an_unforeseen_way_loses_its_events_only(tmp_path: Path) -> None:
    wire = Wire({"action_count": RuntimeError("13800138000")})
    processor = small(tmp_path, wire, data__rules=RULES.replace("{action: action_count}", COUNT_AND_GREET))
    with TestClient(project_app(processor, "small")) as client:
        answer = client.post("/webhooks/rest/webhook", json={"sender": "u", "message": "how many"})
    assert (answer.status_code, texts(answer.json())) == (200, ["Hello how many."])
    assert processor.tracker("u").latest_action == "action_listen"


def test_a_message_that_breaks_is_answered_with_what_was_said(tmp_path: Path) -> None:
    broken = response(text="half of it", elements=["no mapping"])
    wire = Wire({"action_count": (200, {"responses": [response(text="one"), broken]})})
    processor = small(tmp_path, wire)
    with TestClient(project_app(processor, "small")) as client:
        answer = client.post("/webhooks/rest/webhook", json={"sender": "u", "message": "how many"})
        assert (answer.status_code, texts(answer.json())) == (200, ["one", "half of it"])
        assert texts(client.post("/webhooks/rest/webhook", json={"sender": "u", "message": "hello"}).json())


FILLED = {
    "You have {num} open.": "You have 5 open.",
    '{{"n":{num}}}': '{"n":5}',
    "{{num}}": "{num}",
    "{{{num}}}": "{5}",
    "}}{{": "}{",
    '/inform{{"name":"{name}"}}': '/inform{"name":"An{n}a"}',
    '/inform{"name":"{name}"}': '/inform{"name":"{name}"}',
    '{"a": {num}}': '{"a": {num}}',
    "{num} of {other}": "{num} of {other}",
    "{num\n}": "{num\n}",
    "no braces": "no braces",
}


@pytest.mark.parametrize("text", FILLED)
def test_a_wording_is_filled_as_rasa_fills_it(text: str) -> None:
    """Checked against Rasa's `interpolate_text`."""
    assert fill(text, {"num": 5, "name": "An{n}a"}) == FILLED[text]


def test_the_knowledge_base_action_keeps_its_slots(tmp_path: Path) -> None:
    listed = {"event": "slot", "name": "knowledge_base_listed_objects", "value": ["a", "b"]}
    domain, rules = (text.replace("action_count", "action_query_knowledge_base") for text in (DOMAIN, RULES))
    wire = Wire({"action_query_knowledge_base": (200, {"events": [listed]})})
    processor = small(tmp_path, wire, domain=domain, data__rules=rules)
    processor.handle("how many")
    slots = processor.tracker("default").current_state()["slots"]
    assert slots["knowledge_base_listed_objects"] == ["a", "b"] and slots["knowledge_base_last_object"] is None
    assert "knowledge_base_last_object" not in small(tmp_path / "plain", Wire()).domain.slots


def reminder(at: float, **more: Any) -> dict[str, Any]:
    """A reminder of the intent greet, as rasa-sdk tells it."""
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    return {"event": "reminder", "intent": "greet", "date_time": moment, "entities": None, "name": "r", **more}


KEPT = {"kill_on_user_msg": False}


@pytest.mark.parametrize(
    ("events", "said", "fired"),
    [
        ([reminder(1060)], [], True),
        ([reminder(1060)], ["hello"], False),
        ([reminder(1060, **KEPT)], ["hello"], True),
        ([reminder(1060, **KEPT)], ["/restart"], False),
        ([reminder(900)], [], False),
        ([reminder(1060), {"event": "cancel_reminder"}], [], False),
        ([reminder(1060), {"event": "cancel_reminder", "name": "r"}], [], False),
        ([reminder(1060), {"event": "cancel_reminder", "name": "q"}], [], True),
        ([reminder(1060), {"event": "cancel_reminder", "intent": "greet", "entities": [MARK]}], [], True),
        ([reminder(9000), reminder(1060)], [], True),
        ([reminder(1060), reminder(9000)], [], False),
    ],
)
def test_a_reminder_fires_as_rasas_does(
    tmp_path: Path, events: list[dict[str, Any]], said: list[str], fired: bool
) -> None:
    now = 1000.0
    processor = small(tmp_path, Wire({"action_count": (200, {"events": events})}), lambda: now)
    ended = threading.Event()

    def fire(sender: str, due: ReminderScheduled) -> None:
        ended.set() if due.name == "last" else processor.remind(sender, due)

    processor.reminders = Reminders(fire, lambda: now)
    for text in ("how many", *said):
        processor.handle(text, "anna", input_channel="rest")
    now += 61
    after = ReminderScheduled(intent="count", date_time=datetime.fromtimestamp(now, UTC).isoformat(), name="last")
    processor.reminders.note("bob", [after])
    assert ended.wait(60)
    processor.reminders.stop()
    heard = [e.text for e in processor.tracker("anna").events if isinstance(e, UserUttered)]
    assert ("EXTERNAL: greet" in heard) is fired


def test_a_reminder_at_no_moment_is_none() -> None:
    for moment in ("soon", "", None, "0001-01-01T00:00"):
        with pytest.raises(UnknownEvent, match=f"no moment: {moment}"):
            event_of({"event": "reminder", "intent": "greet", "date_time": moment})
    one, other = (event_of(reminder(1060, name=None)) for _ in range(2))
    assert isinstance(one, ReminderScheduled) and one.name and one != other


def due(name: str, at: float) -> ReminderScheduled:
    """A reminder of that name."""
    return ReminderScheduled(intent="greet", date_time=datetime.fromtimestamp(at, UTC).isoformat(), name=name)


def test_a_reminder_that_hangs_holds_up_no_other_sender() -> None:
    go_on, other, after = threading.Event(), threading.Event(), threading.Event()

    def fire(sender: str, reminder: ReminderScheduled) -> None:
        if sender == "bob":
            other.set()
        elif reminder.name == "hangs":
            assert go_on.wait(60)
        else:
            assert go_on.is_set(), "of a sender one after the other"
            after.set()

    reminders = Reminders(fire, lambda: 1000.0)
    reminders.note("anna", [due("hangs", 1000), due("after", 1000)])
    reminders.note("bob", [due("hangs", 1000)])
    assert other.wait(60)
    go_on.set()
    assert after.wait(60)
    reminders.stop()


def test_a_reminder_that_meets_a_turn_under_way_comes_again_unless_that_turn_cancels_it() -> None:
    now, fired, met, last = 1000.0, list[str](), threading.Event(), threading.Event()

    def fire(sender: str, reminder: ReminderScheduled) -> None:
        fired.append(reminder.name or "")
        if reminder.name == "last":
            last.set()
        elif fired.count(reminder.name or "") == 1:
            if reminder.name == "cancelled":
                reminders.note(sender, [ReminderCancelled(name=reminder.name)])
                met.set()
            raise ConversationBusy("a message is under way")

    reminders = Reminders(fire, lambda: now)
    reminders.note("anna", [due("kept", 1000), due("cancelled", 1001), due("last", 1020)])
    now = 1001.0
    reminders.note("bob", [due("nudge", 1001)])
    assert met.wait(60)
    now = 1030.0
    reminders.note("bob", [due("nudge", 1030)])
    assert last.wait(60)
    reminders.stop()
    assert [fired.count(name) for name in ("kept", "cancelled", "last")] == [2, 1, 1]


def test_what_rasa_takes_in_an_event_is_taken() -> None:
    """A boolean may be a number or nothing, and so may what a message says be nothing."""
    kept = event_of(reminder(1060, kill_on_user_msg=0))
    assert isinstance(kept, ReminderScheduled) and kept.kill_on_user_msg is False
    assert event_of({"event": "loop_interrupted", "is_interrupted": 1}) == LoopInterrupted(is_interrupted=True)
    assert event_of({"event": "action", "name": "a", "hide_rule_turn": None}) == ActionExecuted("a")
    said = event_of({"event": "user", "text": "x", "parse_data": {"intent": None, "entities": None}})
    assert isinstance(said, UserUttered) and (said.intent, said.entities) == (None, [])
    with pytest.raises(UnknownEvent, match="kill_on_user_msg"):
        event_of(reminder(1060, kill_on_user_msg="no"))
