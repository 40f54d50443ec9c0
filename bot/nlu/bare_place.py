"""A text that tells a place and nothing else: "民治大道和民康路口", "near Coco Park exit B"."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import lru_cache

from bot.nlu.english_places import place_words
from bot.nlu.entities import Entity
from bot.nlu.said import opens_with_command, without_commands
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

WORD_FILE = NLU_DATA / "lookups" / "bare_place_words.csv"
PLACES = frozenset({"location", "district", "subdistrict", "road", "landmark"})
BESIDE = frozenset({"time", "phone", "email"})
ENDS = {"zh": ("end",), "en": ("english_end",)}
PARTS = {"zh": ("near", "unit", "common"), "en": ("english_part",)}
COMMAND = "file_demand"
_LEFT = re.compile(r"[^\W_]")
# A letter or number alone numbers a part of a place.
_NUMBERS = re.compile(r"(?<![a-z0-9])(?:[a-z]?\d+[a-z]?|[a-z])(?![a-z0-9])")


def is_bare_place(text: str, language: str, entities: Sequence[Entity]) -> bool:
    """Whether a text tells a place, perhaps with a time, a contact or the wish to report, and no matter.

    `entities` were found in it.
    """
    rest, places = _without(text, entities, PLACES | BESIDE), any(one.label in PLACES for one in entities)
    rest = without_commands(normalise(rest).text, COMMAND)
    ends, words = _words(language)
    if not places and not ends.search(rest):
        return False
    return not _LEFT.search(_NUMBERS.sub(" ", words.sub(" ", rest)))


def place_alone(text: str, entities: Sequence[Entity]) -> str:
    """The text without the times and contacts told in it, and from its first place on where it opens with a wish."""
    first = min((one.start for one in entities if one.label in PLACES), default=0)
    alone = _without(text, entities, BESIDE)
    return re.sub(r"\s+", " ", alone[first:] if opens_with_command(text, COMMAND) else alone)


def _without(text: str, entities: Sequence[Entity], labels: frozenset[str]) -> str:
    chars = list(text)
    for one in entities:
        if one.label in labels:
            chars[one.start : one.end] = " " * (one.end - one.start)
    return "".join(chars)


@lru_cache(maxsize=2)
def _words(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What ends the name of a place, and every word that a bare place may hold, longest first."""
    with WORD_FILE.open(encoding="utf-8", newline="") as rows:
        glue = [re.escape(row["word"]) for row in csv.DictReader(rows) if row["language"] == language]
    ends = [word for kind in ENDS[language] for word in place_words()[kind].split("|")]
    parts = [word for kind in PARTS[language] for word in place_words()[kind].split("|")]
    bounds = r"(?<![a-z0-9])(?:{})(?![a-z0-9])" if language == "en" else "{}"
    return tuple(  # type: ignore[return-value]
        re.compile(bounds.format("|".join(sorted(words, key=len, reverse=True))))
        for words in (ends, ends + parts + glue)
    )
