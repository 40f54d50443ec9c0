"""Our doors met by Rasa's own code: its console client, and the check it makes of an action server's answer."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.build import assistant_of
from bot.settings import Settings
from bot.training import Models
from connectors.app import create_app
from connectors.rasa.environment import ROOT, rasa_of
from tests.rasa_caller import Caller
from tests.served import Served

pytestmark = pytest.mark.rasa
FORM = {"demand_form": {"required_slots": ["description", "location", "occurred_at", "confirm"]}}
SLOTS = dict.fromkeys(("language", "description", "location", "occurred_at", "confirm", "requested_slot"))
CONSOLE = """
import asyncio, json, sys
from rasa.core.channels import console

async def talk(url, texts):
    for text in texts:
        block = await console.send_message_receive_block(url, "", "console", text)
        lines = [one async for one in console._send_message_receive_stream(url, "", "stream", text)]
        print(json.dumps([block, lines]))

asyncio.run(talk(sys.argv[1], json.loads(sys.argv[2])))
"""
CHECK = """
import json, sys
from jsonschema import validate
from rasa.core.actions.action import RemoteAction, create_bot_utterance
from rasa.shared.core.events import deserialise_events
for answer in json.load(sys.stdin):
    validate(answer, RemoteAction.action_response_format_spec())
    events = deserialise_events(answer["events"])
    assert len(events) == len(answer["events"]), answer["events"]
    for response in answer["responses"]:
        text = response.get("text")
        assert create_bot_utterance(response).text == text
print("checked")
"""


@pytest.fixture(scope="module")
def python() -> str:
    folder = Path(os.environ.get("CHENGDA_RASA_ENV") or ROOT / ".chengda" / "rasa-env")
    if not rasa_of(folder).exists():
        pytest.skip("no Rasa: `chengda rasa environment` makes it, or CHENGDA_RASA_ENV names one")
    return str(rasa_of(folder).with_name("python"))


@pytest.fixture(scope="module")
def url(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("outside")
    settings = Settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'outside.sqlite3'}",
        sweep_seconds=0,
        rate_limit=0,
        _env_file=None,  # type: ignore[call-arg]
    )
    served = Served(create_app(settings, assistant_of(models, settings)))
    yield served.url
    served.stop()


def test_rasas_console_talks_to_us(python: str, url: str) -> None:
    texts = ["你好", "驾照快到期了怎么办", "My driving licence is about to expire"]
    done = subprocess.run([python, "-c", CONSOLE, url, json.dumps(texts)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(told) == len(texts)
    for block, lines in told:
        assert [one["text"] for one in block] == [one["text"] for one in lines]
        assert lines[-1]["custom"]["turn"]["outcome"] in ("smalltalk", "answered")


def test_rasa_takes_what_our_actions_answer(python: str, url: str) -> None:
    answers = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for sender, texts in (
            ("zh", ("民治大道的路灯坏了三天了，没人修", "确认")),
            ("en", ("passport?", "a person please")),
        ):
            rasa = Caller(client, sender, SLOTS, FORM)
            for text in texts:
                rasa.hears(text)
                name = f"validate_{rasa.loop}" if rasa.loop else "action_answer_service"
                answers.append(client.post("/webhook", json=rasa.body(name)).json())
                rasa.calls(name)
    done = subprocess.run([python, "-c", CHECK], input=json.dumps(answers), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "checked" in done.stdout, done.stderr[-2000:]
