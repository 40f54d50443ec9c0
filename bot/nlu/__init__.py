"""Understanding: text to language, tokens, entities and intents."""
