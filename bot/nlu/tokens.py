"""The two spaCy pipelines: words of Chinese (with a maintained segmenter) and English, and named places and units."""

from __future__ import annotations

import re
from functools import lru_cache

import rjieba
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from bot.nlu.gazetteer import names
from knowledge.city import City

NAME_FREQUENCY = 200_000
UNIT = re.compile(r"[a-z0-9][a-z0-9'.\-]*|\s+|[!-/:-@\[-`{-~]+|[^a-z0-9\s!-/:-@\[-`{-~]+")


class Segmenter:
    """Chinese words by jieba-rs with our place names known to it; Latin words and numbers stay whole."""

    def __init__(self, vocab: Vocab, city: City) -> None:
        self.vocab = vocab
        self._jieba = rjieba.Jieba()
        for name in names(city):
            if not name.form.isascii():
                self._jieba.add_word(name.form, NAME_FREQUENCY, "ns")

    def words(self, text: str) -> list[tuple[str, str]]:
        """Words with their parts of speech (jieba's tags), in order; joined they give the text back."""
        found: list[tuple[str, str]] = []
        for unit in UNIT.findall(text):
            if unit[0].isascii():
                found.append((unit, "x"))
            else:
                found.extend(self._jieba.tag(unit, hmm=False))
        return found

    def __call__(self, text: str) -> Doc:
        words: list[str] = []
        tags: list[str] = []
        spaces: list[bool] = []
        for word, tag in self.words(text):
            if word.isspace() and words and not spaces[-1]:
                spaces[-1] = True
            elif not word.isspace():
                words.append(word)
                tags.append(tag)
                spaces.append(False)
        return Doc(self.vocab, words=words, spaces=spaces, tags=tags)


@lru_cache(maxsize=4)
def pipeline(language: str, city: City) -> Language:
    """The spaCy pipeline of `zh` or `en` with the names of a city.

    It takes text in normal form and sets named entities.
    Chinese sentences carry English names and the other way round, so both know all names.
    """
    nlp = spacy.blank(language)
    if language == "zh":
        nlp.tokenizer = Segmenter(nlp.vocab, city)
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": name.label, "pattern": name.form} for name in names(city)])  # type: ignore[attr-defined]
    return nlp
