"""One message understood: language, intents, entities, aspects, and the vector search will use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.language import Detected, detect
from bot.nlu.aspects import aspects_of
from bot.nlu.denial import asserted
from bot.nlu.entities import Entity, find_entities
from bot.nlu.persons import persons_of
from bot.nlu.safety import PREFIXES, Danger, danger_of
from bot.nlu.topic import topic_of
from bot.nlu.wants_person import person_wish
from knowledge.city import City
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical

DANGER, DANGER_MID_FORM = 0.3, 0.6
MAX_RECENT = 64
HAND_OFF = "hand_off"
QUESTION = re.compile(
    r"怎么|怎样|如何|哪里|哪儿|哪个|什么时候|多少|多久|归谁|找谁|谁管|能不能|可不可以|有没有|请问|吗|([^不好行对成差])不\1|"
    r"咋|啥|往哪|去哪|哪些|哪天|几点|几天|几号|几年|几个|几岁|好多(?:钱|天|岁|久)|好久能|(?:[^是对错]不|冇|么|咩|有没)(?:啊|呀|哦|嘛)?[?？]?$|"
    r"^(?:how|where|what|which|who|when|can|could|do|does|is|are|should|may)\b|\b(?:how (?:do|can|to)|where (?:do|can|to)|who (?:do|can|to))\b"
)
PAYLOAD = re.compile(r"^/(?P<intent>\w+)(?P<values>\{.*\})?$", re.S)


@dataclass(frozen=True)
class Parse:
    """What a message says; `intents` is ranked, best first, and sums to one.

    `asserted` is the canonical text without what it takes back; topic, aspects, vectors and intents are read off it.
    """

    text: str
    canonical: str
    asserted: str
    detected: Detected
    intents: tuple[tuple[str, float], ...]
    entities: tuple[Entity, ...]
    aspects: tuple[str, ...]
    topic: str
    vector: NDArray[np.float32]
    encode: Callable[[str], NDArray[np.float32]] = field(repr=False)
    danger: Danger
    payload: Mapping[str, Any] | None = None
    denied: frozenset[str] = frozenset()
    persons: tuple[str, ...] = ()

    @property
    def topic_vector(self) -> NDArray[np.float32]:
        """The encoder's vector of the topic, made when asked for."""
        return self.encode(self.topic)

    @property
    def intent(self) -> str:
        """The name of the best intent."""
        return self.intents[0][0]

    @property
    def confidence(self) -> float:
        """The probability of the best intent."""
        return self.intents[0][1]

    def probability(self, *names: str) -> float:
        """The summed probability of intents."""
        return sum(share for name, share in self.intents if name in names)

    def in_danger(self, bar: float = DANGER) -> bool:
        """Whether the message tells of danger; one that only asks for a detail does not."""
        return self.danger.share >= bar and bool(self.topic or not self.aspects)

    def asks(self) -> bool:
        """Whether the message is put as a question."""
        return bool(QUESTION.search(self.asserted)) or self.text.rstrip().endswith(("?", "？"))

    def first(self, *labels: str) -> Entity | None:
        """The first entity of the labels."""
        return next((entity for entity in self.entities if entity.label in labels), None)

    def all(self, *labels: str) -> tuple[Entity, ...]:
        """All entities of the labels, in reading order."""
        return tuple(entity for entity in self.entities if entity.label in labels)

    def ordinary(self) -> Parse:
        """The same message read as no danger."""
        best, share = next((name, share) for name, share in self.intents if not name.startswith(PREFIXES))
        return self.with_intent(best, share)

    def with_intent(self, name: str, confidence: float) -> Parse:
        """The same message read with another best intent."""
        rest = tuple((other, share) for other, share in self.intents if other != name)
        return replace(self, intents=((name, confidence), *rest))


class Understanding:
    """The trained NLU: gives the Parse of a text."""

    def __init__(self, encoder: Encoder, head: LinearHead, safety: LinearHead, city: City | None = None) -> None:
        self._city = city
        self._encoder = encoder
        self._head = head
        self._safety = safety
        self._parsed = lru_cache(MAX_RECENT)(self._parse)

    @property
    def encoder(self) -> Encoder:
        """The encoder it reads with."""
        return self._encoder

    def parse(self, text: str, hint: str | None = None) -> Parse:
        """Understand one text of any length; `hint` is the language when the text does not tell."""
        return self._parsed(text, hint)

    def read(self, text: str, vector: NDArray[np.float32]) -> Parse:
        """Understand several messages as one by the mean of their vectors; their entities were found before."""
        return self._parse(text, None, vector)

    def _vector(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self._encoder.encode_query([text])[0]
        return row

    def _parse(self, text: str, hint: str | None, vector: NDArray[np.float32] | None = None) -> Parse:
        payload = _payload(text)
        detected = detect(text)
        clean = canonical(text, detected.cantonese)
        language = detected.language if detected.language in ("zh", "en") else (hint or "zh")
        entities = find_entities(text, language, self._city) if vector is None else ()
        told = asserted(clean)
        topic = topic_of(told.text, entities)
        left = told.text or clean
        vector = self._vector(left) if vector is None else vector
        denied = told.denied_intents | ({HAND_OFF} if person_wish(clean) is False else set())
        ranking = self._ranking(left, vector, denied)
        parse = Parse(
            text,
            clean,
            left,
            detected,
            ranking,
            entities,
            aspects_of(told.text),
            topic,
            vector,
            self._vector,
            danger_of(self._safety, left, vector, ranking),
            payload["values"] if payload else None,
            denied,
            persons_of(told.text),
        )
        if payload:
            return parse.with_intent(payload["intent"], 1.0)
        if parse.in_danger():
            return parse.with_intent(parse.danger.kind, parse.danger.share)
        return parse.ordinary()

    def _ranking(
        self, clean: str, vector: NDArray[np.float32], denied: frozenset[str]
    ) -> tuple[tuple[str, float], ...]:
        """The intents with their shares, best first; what a denied one had, asking gets."""
        shares = self._head.probabilities(clean, vector)
        for name in denied:
            place, asking = self._head.labels.index(name), self._head.labels.index("ask_service")
            shares[asking] += shares[place]
            shares[place] = 0
        return tuple((self._head.labels[place], float(shares[place])) for place in np.argsort(-shares))


def _payload(text: str) -> dict[str, Any] | None:
    """A button's payload in Rasa's form `/intent{"slot": "value"}`."""
    match = PAYLOAD.match(text.strip())
    if match is None:
        return None
    try:
        values = json.loads(match["values"] or "{}")
    except json.JSONDecodeError:
        return None
    return {"intent": match["intent"], "values": values} if isinstance(values, dict) else None
