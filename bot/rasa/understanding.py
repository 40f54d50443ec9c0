"""The understanding of a Rasa project's messages: the components of its pipeline, each done in our own way, in turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bot.rasa.config import Part
from bot.rasa.domain import NLU_FALLBACK
from bot.rasa.intent_head import MOST_RANKED, IntentHead, dense_rows, plain
from bot.rasa.patterns import FINDER, MAPPER, Pattern, find_patterns, map_synonyms
from bot.rasa.selectors import DEFAULT, Selector
from bot.rasa.tagger import EntityTagger
from bot.rasa.tokens import tokenize
from bot.rasa.training_data import TrainingData
from knowledge.encoder import Encoder, Vectors

# Components that learn intents, and those that learn entities; ours stands under the name of the first one.
CLASSIFIERS = ("DIETClassifier", "LogisticRegressionClassifier", "SklearnIntentClassifier", "MitieIntentClassifier")
TAGGERS = ("DIETClassifier", "CRFEntityExtractor")
KEYWORDS, FALLBACK, SELECTOR = "KeywordIntentClassifier", "FallbackClassifier", "ResponseSelector"
THRESHOLD, AMBIGUITY = 0.3, 0.1
NOTHING = {"name": None, "confidence": 0.0}


@dataclass(frozen=True)
class Keyword:
    """A training sentence that the keyword classifier looks for."""

    text: str
    intent: str

    def stands_in(self, text: str, flags: int) -> bool:
        """Whether it stands in a text as whole words; like Rasa's it is read as a regular expression."""
        try:
            return re.search(rf"\b{self.text}\b", text, flags) is not None
        except re.error:
            return re.search(rf"\b{re.escape(self.text)}\b", text, flags) is not None


@dataclass
class Reading:
    """A message on its way through the pipeline."""

    text: str
    vector: Vectors
    parsed: dict[str, Any]


@dataclass(frozen=True)
class ProjectNlu:
    """The trained understanding of one project; `patterns` are what the RegexFeaturizer sees."""

    pipeline: tuple[Part, ...]
    tokenizer: str
    encoder: Encoder
    patterns: tuple[Pattern, ...] = ()
    intents: IntentHead | None = None
    tagger: EntityTagger | None = None
    finders: Mapping[int, tuple[Pattern, ...]] = field(default_factory=dict)
    keywords: tuple[Keyword, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    selectors: Mapping[int, Selector] = field(default_factory=dict)
    retrieval_intents: tuple[str, ...] = ()
    responses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The segmenter reads its dictionary at the first word, which the first message should not wait for.
        tokenize("", self.tokenizer)

    def parse(self, text: str) -> dict[str, Any]:
        """Intent, ranking, entities and chosen responses of a message in Rasa's parse-data shape."""
        empty = not plain(text)
        vector = dense_rows([text], self.encoder, self.patterns)[0]
        parsed: dict[str, Any] = {
            "text": text,
            "intent": dict(NOTHING),
            "entities": [],
            "text_tokens": [[token.start, token.end] for token in tokenize(text, self.tokenizer)] if text else [],
            "intent_ranking": [],
        }
        reading = Reading(text, vector, parsed)
        for place, step in self._steps.items():
            if not empty or step == ProjectNlu._fall_back:
                step(self, reading, place)
        return parsed

    @cached_property
    def _steps(self) -> dict[int, Callable[[ProjectNlu, Reading, int], None]]:
        """What is done for each component that does something, in the order of the pipeline."""
        done: dict[str, Callable[[ProjectNlu, Reading, int], None]] = {
            **dict.fromkeys(CLASSIFIERS, ProjectNlu._classify),
            "CRFEntityExtractor": ProjectNlu._tag,
            "DIETClassifier": ProjectNlu._classify_and_tag,
            KEYWORDS: ProjectNlu._match_keywords,
            FALLBACK: ProjectNlu._fall_back,
            FINDER: ProjectNlu._find,
            MAPPER: ProjectNlu._map,
            SELECTOR: ProjectNlu._select,
        }
        return {place: done[part.name] for place, part in enumerate(self.pipeline) if part.name in done}

    @cached_property
    def _tagging(self) -> int | None:
        """The place of the component that finds what was annotated: one of them only, or it would all come twice."""
        return next((place for place, part in enumerate(self.pipeline) if learns_entities(part)), None)

    def _classify(self, reading: Reading, place: int) -> None:
        if self.intents is None or not learns_intents(self.pipeline[place]):
            return
        ranking = self.intents.ranking(reading.text, reading.vector)
        rows = [{"name": name, "confidence": share} for name, share in ranking]
        reading.parsed.update({"intent": dict(rows[0]), "intent_ranking": rows})

    def _tag(self, reading: Reading, place: int) -> None:
        if self.tagger is not None and place == self._tagging:
            name = self.pipeline[place].name
            found = self.tagger.find(reading.text)
            reading.parsed["entities"] += [{**entity, "extractor": name} for entity in found]

    def _classify_and_tag(self, reading: Reading, place: int) -> None:
        self._classify(reading, place)
        self._tag(reading, place)

    def _match_keywords(self, reading: Reading, place: int) -> None:
        flags = 0 if self.pipeline[place].options.get("case_sensitive", True) else re.IGNORECASE
        found = next((word.intent for word in self.keywords if word.stands_in(reading.text, flags)), None)
        if found is not None:
            reading.parsed["intent"] = {"name": found, "confidence": 1.0}

    def _fall_back(self, reading: Reading, place: int) -> None:
        """A message too unlike everything, or too like two things, falls back with the threshold as its confidence."""
        options = self.pipeline[place].options
        threshold = float(options.get("threshold", THRESHOLD))
        ranking = reading.parsed["intent_ranking"]
        unsure = reading.parsed["intent"]["confidence"] < threshold
        lead = ranking[0]["confidence"] - ranking[1]["confidence"] if len(ranking) > 1 else 1.0
        if unsure or lead < float(options.get("ambiguity_threshold", AMBIGUITY)):
            fallback = {"name": NLU_FALLBACK, "confidence": threshold}
            ranked = [dict(fallback), *ranking][:MOST_RANKED]
            reading.parsed.update({"intent": fallback, "intent_ranking": ranked})

    def _find(self, reading: Reading, place: int) -> None:
        reading.parsed["entities"] += find_patterns(reading.text, self.finders.get(place, ()))

    def _map(self, reading: Reading, place: int) -> None:
        reading.parsed["entities"] = map_synonyms(reading.parsed["entities"], self.synonyms)

    def _select(self, reading: Reading, place: int) -> None:
        if selector := self.selectors.get(place):
            chosen = reading.parsed.setdefault(
                "response_selector", {"all_retrieval_intents": list(self.retrieval_intents)}
            )
            chosen[selector.name] = selector.select(reading.text, reading.vector, self.responses)


def learns_intents(part: Part) -> bool:
    """Whether a component learns intents."""
    return part.name in CLASSIFIERS and bool(part.options.get("intent_classification", True))


def learns_entities(part: Part) -> bool:
    """Whether a component learns entities from annotations."""
    return part.name in TAGGERS and bool(part.options.get("entity_recognition", True))


def selector_name(part: Part) -> str:
    """The retrieval intent that a ResponseSelector is for, or `default`."""
    return str(part.options.get("retrieval_intent") or DEFAULT)


def too_little(data: TrainingData) -> str | None:
    """Why nothing can be learnt of a project's examples; None where it can."""
    if not data.examples:
        return "there is nothing to learn from: no intent under `nlu:` has an example 没有可学的例句"
    return None


def one_intent(data: TrainingData, pipeline: Iterable[Part]) -> str | None:
    """The intent that stands alone, so that none is told apart by what is learnt (as Rasa warns of)."""
    found = {example.intent for example in data.examples}
    return found.pop() if len(found) == 1 and any(map(learns_intents, pipeline)) else None
