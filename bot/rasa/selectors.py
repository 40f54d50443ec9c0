"""Which response key of a retrieval intent a message asks for, in the shape of Rasa's response selector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.rasa.domain import UTTER, UTTER_ACTION
from bot.rasa.intent_head import IntentHead
from knowledge.encoder import Vectors

DEFAULT = "default"


@dataclass(frozen=True)
class Selector:
    """One ResponseSelector: the retrieval intent it is for (`default` for all), and its head, none of one key only."""

    name: str
    keys: tuple[str, ...]
    head: IntentHead | None

    def select(self, text: str, vector: Vectors, responses: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The chosen response and the ranking."""
        ranking = self.head.ranking(text, vector) if self.head else [(self.keys[0], 1.0)]
        key, confidence = ranking[0]
        texts = responses.get(key) or (key,)
        return {
            "response": {
                "responses": [{"text": one} for one in texts],
                "confidence": confidence,
                "intent_response_key": key,
                UTTER_ACTION: f"{UTTER}{key}",
            },
            "ranking": [{"confidence": share, "intent_response_key": name} for name, share in ranking],
        }
