"""Understanding: text to language, tokens, entities and intents."""

from bot.nlu import spacy_light as _spacy_light  # noqa: F401  before anything else loads spaCy
