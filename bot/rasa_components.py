"""Components of a Rasa 3.6 pipeline: which language a message is in, and understanding by Chengda's own NLU.

The only file that imports rasa. It runs inside Rasa's process on Python 3.10 and uses nothing of ours but bot.language.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import requests
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.language import detect

SPOKEN = ("zh", "en")
# Where Chengda listens, instead of the `url` of the configuration.
URL_VARIABLE = "CHENGDA_URL"
logger = logging.getLogger(__name__)


def _add_entities(message: Message, entities: list[dict[str, Any]]) -> None:
    message.set(ENTITIES, [*message.get(ENTITIES, []), *entities], add_to_output=True)


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=False)
class LanguageIdentifier(GraphComponent):
    """Marks a message with the entity `language`, which fills the slot that the responses' conditions read.

    A message that tells no language (a number, a third language) gets no entity: the slot keeps its value.
    """

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LanguageIdentifier:
        """A component; it has no options and learns nothing."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """The messages with their language."""
        for message in messages:
            text = message.get(TEXT) or ""
            language = detect(text).language
            if language in SPOKEN:
                found = {"entity": "language", "value": language, "start": 0, "end": len(text)}
                _add_entities(message, [{**found, "extractor": "LanguageIdentifier"}])
        return messages


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR],
    is_trainable=False,
)
class ChengdaUnderstanding(GraphComponent):
    """Intent and entities as Chengda's `/model/parse` tells them; `nlu_fallback` where it does not answer.

    Options: `url` of the server, `timeout` in seconds.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The options and their defaults."""
        return {"url": "http://127.0.0.1:8311", "timeout": 5.0}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ChengdaUnderstanding:
        """A component of the given options; the environment's address goes before the configured one."""
        return cls(os.environ.get(URL_VARIABLE) or config["url"], float(config["timeout"]))

    def __init__(self, url: str, timeout: float) -> None:
        """A component that asks the server at `url` and waits for `timeout` seconds."""
        self._url = f"{url.rstrip('/')}/model/parse"
        self._timeout = timeout
        self._session = requests.Session()

    def process(self, messages: list[Message]) -> list[Message]:
        """The messages with their intent, its ranking and their entities."""
        for message in messages:
            found = self._parsed(message.get(TEXT) or "")
            message.set(INTENT, found["intent"], add_to_output=True)
            message.set(INTENT_RANKING_KEY, found["intent_ranking"], add_to_output=True)
            _add_entities(message, found["entities"])
        return messages

    def _parsed(self, text: str) -> dict[str, Any]:
        """What the server tells of a text, or the fallback."""
        try:
            answer = self._session.post(self._url, json={"text": text}, timeout=self._timeout)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return {key: found[key] for key in ("intent", "intent_ranking", "entities")}
        except (requests.RequestException, KeyError, ValueError) as fault:
            logger.error("Chengda gave no parse at %s within %s s: %s", self._url, self._timeout, type(fault).__name__)
        fallback = {"name": DEFAULT_NLU_FALLBACK_INTENT_NAME, "confidence": 1.0}
        return {"intent": fallback, "intent_ranking": [fallback], "entities": []}
