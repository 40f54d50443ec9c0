"""What a message is about once the words for details, places, people and politeness are taken out."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import lru_cache

import rjieba

from bot.nlu.aspects import without_aspects
from bot.nlu.entities import Entity
from bot.nlu.persons import without_persons
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA
from knowledge.words import STOP

GENERIC_FILE = NLU_DATA / "lookups" / "generic.csv"
PLACES = ("location", "district", "subdistrict", "landmark", "road")


@lru_cache(maxsize=1)
def _generic() -> tuple[re.Pattern[str], frozenset[str], frozenset[str]]:
    """Chinese phrases that name nothing, single characters that name nothing by themselves, English words."""
    with GENERIC_FILE.open(encoding="utf-8") as rows:
        table = list(csv.DictReader(rows))
    chinese = sorted((row["word"] for row in table if row["language"] == "zh"), key=len, reverse=True)
    english = frozenset(row["word"] for row in table if row["language"] == "en") | STOP
    phrases = [word for word in chinese if len(word) > 1]
    return re.compile("|".join(map(re.escape, phrases))), frozenset(w for w in chinese if len(w) == 1), english


def topic_of(text: str, entities: Sequence[Entity]) -> str:
    """The words of a canonical text that can name a service; empty when it only asks for a detail."""
    for entity in entities:
        if entity.label in PLACES:
            text = text.replace(normalise(entity.text).text, " ")
    phrases, _, english = _generic()
    rest = phrases.sub(" ", without_aspects(without_persons(text)))
    words = re.findall(r"[a-z0-9'\-]+|[\u3400-\u9fff]+", rest)
    kept = [(word if word not in english else "") if word.isascii() else _naming(word) for word in words]
    return " ".join(word for word in kept if word)


def _naming(run: str) -> str:
    """A Chinese run without the words made of characters that name nothing; empty when one character is left."""
    _, characters, _ = _generic()
    kept = "".join(word for word in rjieba.cut(run, False) if not characters.issuperset(word))
    return kept if len(kept) > 1 else ""
