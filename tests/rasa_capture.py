"""Plays a project's conversations.yml on a real Rasa and writes what it did; run by the Python that has Rasa.

    CHENGDA_RASA_ENV/bin/python tests/rasa_capture.py PROJECT OUTPUT.json [CONVERSATIONS.yml]

Imports nothing of this package (Rasa needs Python 3.10). A project's `actions/` runs in this process, through
rasa-sdk's own executor, and each call and answer is written down.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import rasa.model_training
import yaml
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

OFFSET = [0.0]
REAL_TIME = time.time
time.time = lambda: REAL_TIME() + OFFSET[0]


class Executor(EndpointConfig):
    """rasa-sdk in this process, in place of a server; remembers calls and answers."""

    def __init__(self, package: str) -> None:
        super().__init__(url="http://in.process/webhook")
        from rasa_sdk.executor import ActionExecutor

        self.executor = ActionExecutor()
        self.executor.register_package(package)
        self.calls: list[dict] = []

    async def request(self, method="post", subpath=None, content_type=None, compress=False, **kwargs):
        from rasa_sdk.interfaces import ActionExecutionRejection

        call = json.loads(json.dumps(kwargs["json"]))
        note = {
            "action": call["next_action"],
            "slots": {k: v for k, v in call["tracker"]["slots"].items() if k != "session_started_metadata"},
            "latest_action": call["tracker"]["latest_action_name"],
        }
        self.calls.append(note)
        try:
            answer = await self.executor.run(call)
        except ActionExecutionRejection as error:
            note["rejected"] = str(error)
            body = json.dumps({"error": str(error), "action_name": error.action_name})
            raise ClientResponseError(400, "", body) from error
        except Exception as error:
            note["failed"] = repr(error)
            raise ClientResponseError(500, "", "{}") from error
        note["answer"] = json.loads(json.dumps(answer))
        return json.loads(json.dumps(answer))


def channel_named(name: str) -> CollectingOutputChannel:
    """An output channel that collects, under a name."""

    class Channel(CollectingOutputChannel):
        @classmethod
        def name(cls):
            return name

    return Channel()


def plain(event: dict) -> dict:
    """An event without times, ids and what differs from run to run."""
    kept = {
        k: v
        for k, v in event.items()
        if k not in ("timestamp", "metadata", "message_id", "parse_data", "input_channel")
    }
    if (event.get("metadata") or {}).get("utter_action"):
        kept["utter_action"] = event["metadata"]["utter_action"]
    if "parse_data" in event:
        kept["intent"] = (event["parse_data"].get("intent") or {}).get("name")
        names = ("entity", "value", "role", "group")
        marks = event["parse_data"].get("entities") or []
        kept["entities"] = [{k: mark[k] for k in names if k in mark} for mark in marks]
    if event.get("event") == "action":
        kept.pop("action_text")
    return kept


def parse_of(event: dict) -> dict:
    """What the understanding said, without what it does not matter for."""
    drop = ("text_tokens", "message_id", "metadata")
    data = {k: v for k, v in event["parse_data"].items() if k not in drop}
    data["intent_ranking"] = data.get("intent_ranking", [])[:3]
    return data


def watch(agent: Agent) -> list[dict]:
    """The events of the turn that was saved last; of a finished session Rasa's store keeps not all."""
    events: list[dict] = []
    get, save = agent.processor.get_tracker, agent.processor.save_tracker

    async def got(sender):
        tracker = await get(sender)
        tracker.before = len(tracker.events)
        return tracker

    async def saved(tracker):
        events[:] = [event.as_dict() for event in tracker.events][tracker.before :]
        await save(tracker)

    agent.processor.get_tracker, agent.processor.save_tracker = got, saved
    return events


async def play(agent: Agent, conversation: dict, executor: Executor | None, new: list[dict]) -> dict:
    """One conversation, turn by turn."""
    sender, channel = conversation["name"], conversation.get("channel", "collector")
    turns: list[dict] = []
    for step in conversation["turns"]:
        if isinstance(step, dict):
            OFFSET[0] += 60 * step["wait_minutes"]
            turns.append(step)
            continue
        output = channel_named(channel)
        new.clear()
        if executor:
            executor.calls = []
        message = UserMessage(step, output, sender, input_channel="rest")
        await agent.handle_message(message)
        turn = {
            "message": step,
            "events": [plain(event) for event in new],
            "answers": [{k: v for k, v in m.items() if k != "recipient_id"} for m in output.messages],
        }
        said = next((event for event in new if event["event"] == "user" and event["text"] == step), None)
        if said is not None:
            turn["parsed"] = parse_of(said)
        if executor:
            turn["calls"] = executor.calls
        turns.append(turn)
    return {"name": sender, "channel": channel, "turns": turns}


async def main(project: Path, output: Path, conversations: Path) -> None:
    """Train, play, write."""
    os.chdir(project)
    sys.path.insert(0, str(project))
    executor = Executor("actions") if (project / "actions" / "actions.py").exists() else None
    domain = "domain.yml" if Path("domain.yml").exists() else "domain"
    with tempfile.TemporaryDirectory() as folder:
        begun = REAL_TIME()
        trained = rasa.model_training.train(domain, "config.yml", ["data"], output=folder)
        print("trained in", round(REAL_TIME() - begun, 1), "s:", trained.model, "code", trained.code)
        agent = Agent.load(trained.model, action_endpoint=executor)
        told = yaml.safe_load(conversations.read_text(encoding="utf-8"))
        new = watch(agent)
        played = [await play(agent, conversation, executor, new) for conversation in told]
    lines = [json.dumps(one, ensure_ascii=False, sort_keys=True) for one in played]
    output.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(output, sum(len(one["turns"]) for one in played), "turns")


if __name__ == "__main__":
    where = Path(sys.argv[1]).resolve()
    told_by = Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else where / "conversations.yml"
    asyncio.run(main(where, Path(sys.argv[2]).resolve(), told_by))
