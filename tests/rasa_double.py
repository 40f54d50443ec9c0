"""A Rasa as our engine meets it: its REST channel on a port, with our project's actions called at our /webhook.

The wire is that of a captured Rasa 3.6.21: texts without buttons split at blank lines, custom parts as items of their
own, nothing to say as an empty list with status 200, also after an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.messengers import Answer, Call
from tests.rasa_caller import Caller

FORM = {"demand_form": {"required_slots": ["description", "location", "occurred_at", "confirm"]}}
SLOTS = {
    "language": "zh",
    "description": None,
    "location": None,
    "occurred_at": None,
    "confirm": None,
    "requested_slot": None,
}


def items_of(recipient: str, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Utterances as the REST channel collects them."""
    items: list[dict[str, Any]] = []
    for one in said:
        if one.get("buttons"):
            items.append({"text": one["text"], "buttons": one["buttons"]})
        elif one.get("text"):
            items += [{"text": part} for part in one["text"].strip().split("\n\n")]
        if one.get("custom"):
            items.append({"custom": one["custom"]})
        if one.get("image"):
            items.append({"image": one["image"]})
    return [{"recipient_id": recipient, **item} for item in items]


class RasaDouble:
    """Our project on a Rasa: every message ends in an action of ours, a running form gets them all."""

    def __init__(self) -> None:
        self.actions: httpx.Client | None = None
        self.conversations: dict[str, Caller] = {}
        self.refused: list[int] = []
        self.after: Callable[[], Answer] | None = None

    def answer(self, call: Call) -> Answer:
        """One message to the REST channel."""
        assert call.path.split("?")[0] == "/webhooks/rest/webhook" and self.actions is not None
        sender = call.body["sender"]
        rasa = self.conversations.setdefault(sender, Caller(self.actions, sender, SLOTS, FORM))
        rasa.hears(call.body["message"], **call.body.get("metadata", {}))
        try:
            said = self._turn(rasa)
        except AssertionError:
            self.refused.append(rasa.status)
            said = []
        if self.after is not None:
            return self.after()
        return 200, items_of(sender, said)  # type: ignore[return-value]

    def _turn(self, rasa: Caller) -> list[dict[str, Any]]:
        if rasa.loop is None:
            said = rasa.calls("action_answer_service")
            return said + (rasa.calls(f"validate_{rasa.loop}") if rasa.loop else [])
        said = rasa.calls(f"validate_{rasa.loop}")
        if rasa.slots["requested_slot"] is None:
            rasa.loop = None
        return said
