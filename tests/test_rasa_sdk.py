"""A real rasa-sdk process called by our engine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.errors import ActionFailed, ActionRejected, ActionUnknown
from connectors.rasa.action_client import HttpActionServer
from connectors.rasa.endpoint import Endpoint
from tests.ports import free_port

pytestmark = pytest.mark.rasa
ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = Path(os.environ.get("CHENGDA_RASA_ENV", str(ROOT / ".chengda" / "rasa-env")))
ACTIONS = ROOT / "tests" / "fixtures" / "rasa" / "sdk_actions"


def call(slots: dict[str, Any], events: list[dict[str, Any]], loop: str | None = None) -> dict[str, Any]:
    tracker = {
        "sender_id": "u1",
        "slots": slots,
        "latest_message": {"text": "12", "intent": {"name": "inform"}, "entities": []},
        "events": events,
        "paused": False,
        "latest_action_name": "action_listen",
        "active_loop": {"name": loop} if loop else {},
    }
    domain = {
        "slots": {"weight": {"type": "float", "mappings": [{"type": "from_text"}]}},
        "forms": {"parcel_form": {"required_slots": ["weight"]}},
        "actions": ["action_weigh", "validate_parcel_form"],
    }
    return {"sender_id": "u1", "version": "3.6.21", "tracker": tracker, "domain": domain}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_port()
    command = [str(ENVIRONMENT / "bin" / "python"), "-m", "rasa_sdk", "--actions", "actions", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ACTIONS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                break
        except httpx.TransportError:
            assert time.monotonic() < deadline and process.poll() is None, "rasa-sdk did not start"
            time.sleep(0.2)
    yield f"http://127.0.0.1:{port}/webhook"
    process.terminate()
    process.wait(30)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("selective", [False, True])
def test_custom_actions_run_unchanged(url: str, compress: bool, selective: bool) -> None:
    server = HttpActionServer(Endpoint(url, selective=selective), compress)
    answer = server.run("action_weigh", call({"weight": 4.0}, []))
    assert [event["event"] for event in answer.events] == ["slot", "followup"]
    assert answer.events[0]["value"] == 8.0
    assert answer.responses[0]["text"] == "称得 8.0 千克" and answer.responses[0]["buttons"][0]["payload"] == "/affirm"
    assert (answer.responses[1]["response"], answer.responses[1]["weight"]) == ("utter_weighed", 8.0)
    server.close()


@pytest.mark.parametrize("selective", [False, True])
@pytest.mark.parametrize(("value", "kept"), [("12", 12.0), ("31", None)])
def test_a_form_is_validated_by_its_own_action(url: str, value: str, kept: float | None, selective: bool) -> None:
    server = HttpActionServer(Endpoint(url, selective=selective))
    candidates = [{"event": "user", "text": value}, {"event": "slot", "name": "weight", "value": value}]
    slots = {"weight": value, "requested_slot": "weight"}
    answer = server.run("validate_parcel_form", call(slots, candidates, "parcel_form"))
    assert {"event": "slot", "timestamp": None, "name": "weight", "value": kept} in answer.events
    assert bool(answer.responses) is (kept is None)
    server.close()


@pytest.mark.parametrize(
    ("name", "error", "word"),
    [
        ("action_refuse", ActionRejected, "in use"),
        ("action_none", ActionUnknown, "action_none"),
        ("action_break", ActionFailed, "500"),
    ],
)
def test_refusals_and_failures(url: str, name: str, error: type[Exception], word: str) -> None:
    server = HttpActionServer(Endpoint(url))
    with pytest.raises(error, match=word) as told:
        server.run(name, call({}, []))
    assert "13800138000" not in str(told.value)
    server.close()
