"""The plainest understanding: a message is known when it is one of the examples, letter case and spaces aside."""

from __future__ import annotations

from typing import Any

from bot.rasa.domain import NLU_FALLBACK, UTTER, UTTER_ACTION
from bot.rasa.patterns import synonyms_of
from bot.rasa.training_data import Example, TrainingData


class ExactUnderstanding:
    """Knows the examples of a project and nothing else; whatever else is said is a fallback."""

    def __init__(self, data: TrainingData) -> None:
        self.known = {_key(example.text): example for example in reversed(data.examples)}
        self.values = synonyms_of(data)

    def parse(self, text: str) -> dict[str, Any]:
        """What the example says that the message is, in Rasa's parse-data shape."""
        example = self.known.get(_key(text))
        if example is None:
            intent = {"name": NLU_FALLBACK, "confidence": 1.0}
            return {"text": text, "intent": intent, "intent_ranking": [intent], "entities": []}
        intent = {"name": example.intent, "confidence": 1.0}
        said = {"text": text, "intent": intent, "intent_ranking": [intent], "entities": self._entities(example)}
        if example.response:
            answer = {"response": {"intent_response_key": example.full_intent, UTTER_ACTION: _utter(example)}}
            said["response_selector"] = {"all_retrieval_intents": [example.intent], "default": answer}
        return said

    def _entities(self, example: Example) -> list[dict[str, Any]]:
        marks = []
        for mark in example.annotations:
            text = example.text[mark.start : mark.end]
            value = self.values.get(text.lower(), mark.value)
            labels = {key: label for key, label in (("role", mark.role), ("group", mark.group)) if label}
            marks.append({"entity": mark.entity, "start": mark.start, "end": mark.end, "value": value, **labels})
        return marks


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _utter(example: Example) -> str:
    return f"{UTTER}{example.full_intent}"
