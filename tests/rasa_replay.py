"""Plays what a real Rasa did (tests/rasa_capture.py) on our engine, with its understanding and its actions' answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import ActionFailed, ActionRejected
from bot.rasa.action_call import ActionAnswer, ActionServer
from bot.rasa.assembly import check, prepare
from bot.rasa.domain import Domain
from bot.rasa.events import Event
from bot.rasa.processor import Processor
from bot.rasa.project import read_project

FOLDER = Path(__file__).with_name("fixtures") / "rasa"
PROJECTS = ("library", "permits", "travel", "hotline", "signals")
BEGIN = 1_800_000_000.0


@dataclass
class Recorded:
    """Rasa's understanding, its action server and its clock, as they were."""

    parsed: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    now: float = BEGIN

    def parse(self, text: str) -> dict[str, Any]:
        """What Rasa understood."""
        return self.parsed[text]

    def run(self, name: str, call: Mapping[str, Any]) -> ActionAnswer:
        """What Rasa's action server answered to this call, in its turn."""
        tracker = call["tracker"]
        slots = {k: v for k, v in tracker["slots"].items() if k != "session_started_metadata"}
        self.calls.append({"action": name, "slots": slots, "latest_action": tracker["latest_action_name"]})
        if not self.waiting:
            raise ActionFailed(f"Rasa did not call {name} here")
        then = self.waiting.pop(0)
        if then["action"] != name:
            raise ActionFailed(f"Rasa called {then['action']} here, not {name}")
        if "rejected" in then:
            raise ActionRejected(then["rejected"])
        if "failed" in then:
            raise ActionFailed(then["failed"])
        return ActionAnswer(tuple(then["answer"]["events"]), tuple(then["answer"]["responses"]))

    def clock(self) -> float:
        """The time, which stands still within a turn."""
        return self.now


@dataclass(frozen=True)
class Turn:
    """One message on both engines."""

    conversation: str
    message: str
    theirs: dict[str, Any]
    ours: dict[str, Any]

    @property
    def same(self) -> bool:
        """Whether both did and said the same."""
        return self.theirs == self.ours


def replay(folder: Path, captured: Path, server: ActionServer | None = None) -> list[Turn]:
    """Every captured turn beside ours; with an action server of its own, its calls are not compared."""
    project = read_project(folder)
    turns: list[Turn] = []
    for conversation in json.loads(captured.read_text(encoding="utf-8")):
        recorded = Recorded()
        processor = prepare(project, check(project), recorded, server or recorded, recorded.clock)
        turns += _conversation(conversation, processor, recorded, server is None)
    return turns


def _conversation(told: dict[str, Any], processor: Processor, recorded: Recorded, with_calls: bool) -> list[Turn]:
    sender, seen, turns = told["name"], 0, []
    for step in told["turns"]:
        if "wait_minutes" in step:
            recorded.now += 60 * step["wait_minutes"]
            continue
        recorded.now += 1
        if "parsed" in step:
            recorded.parsed[step["message"]] = step["parsed"]
        recorded.waiting, recorded.calls = list(step.get("calls", ())), []
        said = processor.handle(step["message"], sender, channel=told["channel"])
        events = processor.conversations.events[sender]
        ours = {
            "events": [plain(event) for event in events[seen:]],
            "answers": [{k: v for k, v in m.items() if k != "recipient_id"} for m in said],
            "calls": recorded.calls,
        }
        seen = len(events)
        calls = [{k: call[k] for k in ("action", "slots", "latest_action")} for call in step.get("calls", ())]
        theirs = {"events": step["events"], "answers": step["answers"], "calls": calls if with_calls else []}
        by_chance = _by_chance(processor.domain)
        turns.append(Turn(sender, step["message"], without(theirs, by_chance), without(ours, by_chance)))
    return turns


def _by_chance(domain: Domain) -> set[str]:
    """Responses of which Rasa takes one of several wordings by chance."""
    names = set()
    for name, variations in domain.responses.items():
        keys = [(v.channel, str(v.conditions)) for v in variations]
        if len(set(keys)) < len(keys):
            names.add(name)
    return names


def without(turn: dict[str, Any], by_chance: set[str]) -> dict[str, Any]:
    """The turn without words that are taken by chance."""
    if not any(event.get("utter_action") in by_chance for event in turn["events"]):
        return turn
    events = [{**e, "text": "…"} if e.get("utter_action") in by_chance else e for e in turn["events"]]
    return {**turn, "events": events, "answers": len(turn["answers"])}


def plain(event: Event) -> dict[str, Any]:
    """An event as the capture has it: without times, ids and what differs from run to run."""
    body = json.loads(json.dumps(event.as_dict()))
    drop = ("timestamp", "metadata", "message_id", "parse_data", "input_channel", "action_text")
    kept = {key: value for key, value in body.items() if key not in drop}
    if utter := body["metadata"].get("utter_action"):
        kept["utter_action"] = utter
    if "parse_data" in body:
        kept["intent"] = (body["parse_data"].get("intent") or {}).get("name")
        names = ("entity", "value", "role", "group")
        kept["entities"] = [{k: m[k] for k in names if k in m} for m in body["parse_data"].get("entities") or []]
    return kept
