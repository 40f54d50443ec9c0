"""What a Rasa sends to an action server: a tracker of one conversation, kept as Rasa keeps it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

BODY = json.loads((Path(__file__).parent / "fixtures" / "rasa" / "action_call.json").read_text(encoding="utf-8"))


class Caller:
    """One conversation of a Rasa whose actions are ours."""

    def __init__(
        self, client: httpx.Client, sender: str, slots: Mapping[str, Any], forms: Mapping[str, Any] = {}
    ) -> None:
        self.client, self.sender = client, sender
        self.slots = dict(slots)
        self.domain = {**BODY["domain"], "forms": dict(forms), "slots": {name: {"type": "any"} for name in slots}}
        self.events: list[dict[str, Any]] = []
        self.latest: dict[str, Any] = {}
        self.loop: str | None = None
        self.status = 0

    def hears(self, text: str | None, intent: str = "ask_service", **metadata: str) -> None:
        """The citizen writes."""
        message_id = uuid.uuid4().hex
        self.latest = {
            "intent": {"name": intent, "confidence": 0.9},
            "entities": [],
            "text": text,
            "message_id": message_id,
            "metadata": metadata,
        }
        self.events.append({"event": "user", "text": text, "parse_data": self.latest, "message_id": message_id})

    def body(self, action: str) -> dict[str, Any]:
        """The call of an action."""
        tracker = {
            **BODY["tracker"],
            "sender_id": self.sender,
            "slots": self.slots,
            "latest_message": self.latest,
            "events": self.events,
            "active_loop": {"name": self.loop} if self.loop else {},
        }
        return {**BODY, "next_action": action, "sender_id": self.sender, "tracker": tracker, "domain": self.domain}

    def calls(self, action: str) -> list[dict[str, Any]]:
        """The responses to a call, whose events and words go into the tracker."""
        answer = self.client.post("/webhook", json=self.body(action))
        self.status = answer.status_code
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        self.events.append({"event": "action", "name": action})
        for event in told["events"]:
            self.events.append(event)
            if event["event"] == "slot":
                assert event["name"] in self.slots, event
                self.slots[event["name"]] = event["value"]
            elif event["event"] == "active_loop":
                self.loop = event["name"]
        for response in told["responses"]:
            self.events.append(
                {"event": "bot", "text": response.get("text"), "data": {"custom": response.get("custom")}}
            )
        responses: list[dict[str, Any]] = told["responses"]
        return responses
