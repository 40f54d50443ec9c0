"""Reading the answer to a clarifying question: a number, a name, words that tell the choices apart, a button."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from bot.actions.life_path import CHOICE_PATH
from bot.actions.which_one import told_values
from bot.context import CHOICE_SERVICE, CHOICE_STEP
from bot.nlu.aspects import aspects_of
from bot.nlu.said import opens_with_command, short_answer
from bot.turn import TurnContext
from knowledge.normal import canonical, normalise
from knowledge.paths import PathKey
from knowledge.queries import NLU_DATA
from knowledge.words import search_terms

TITLE_MATCH = 88
MAX_ANSWER_CHARS = 40
SHORT_CHARS = 10
SHORT_WORDS_CHARS = 30
POLITE = re.compile(
    r"个|项|种|条|选|是|我|要|它|那|请|第|\b(?:the|one|option|number|no\.?|please|choice|choose|i|want)\b"
)
LEADING_PLACE = re.compile(
    r"^(?:那|那么|and |what about |how about )*"
    r"(?P<place>第[一二三四]个|前者|后者|the first|the second|first|second|former|latter)"
)
PLACE_INSIDE = re.compile(
    r"(?P<place>第[一二三四]个|前者|后者|\bthe (?:first|second|third|fourth|former|latter)(?= one\b))"
)
ASKS_ANEW = ("compare_services", "list_services")
NAMED_CHOICES = (CHOICE_SERVICE, CHOICE_STEP, CHOICE_PATH)
COMMON_TERMS = frozenset(["的", "那", "个", "是", "我", "要", "one", "办", "证"])


def picked(turn: TurnContext, choices: Sequence[str], purpose: str | None) -> str | None:
    """The choice a message names, None when it names none."""
    if turn.parse.payload is not None:
        wanted = turn.parse.payload.get("service")
        return wanted if wanted in choices else None
    text = normalise(turn.message.text).text.strip(" .,!?，。！？)）、")
    place = _ordinals().get(POLITE.sub("", text).strip())
    place = _ordinals().get(text) if place is None else place
    if place is not None:
        return choices[place] if place < len(choices) else None
    for code in choices:
        if code.lower() in text.split():
            return code
    if (led := _led_by_place(text, choices)) is not None:
        return led
    if turn.parse.intent == "neither" or short_answer(turn.message.text) is not None:
        return None
    if purpose not in NAMED_CHOICES or len(text) > MAX_ANSWER_CHARS or turn.parse.intent in ASKS_ANEW:
        return None
    if purpose == CHOICE_PATH:
        names = {code: _path_names(turn, code) for code in choices}
    else:
        parted = told_values(turn, [turn.catalogue[code] for code in choices])
        names = {code: [*_names(turn, code), *parted.get(code, ())] for code in choices}
    ratio, best = max((max(fuzz.ratio(text, name) for name in own), code) for code, own in names.items())
    if ratio >= TITLE_MATCH:
        return best
    return _told_apart(turn, names) if purpose == CHOICE_PATH else None


@lru_cache(maxsize=1)
def _ordinals() -> dict[str, int]:
    """Words for a place on a list; the last is -1."""
    with (NLU_DATA / "lookups" / "ordinals.csv").open(encoding="utf-8") as rows:
        return {row["word"]: int(row["place"]) for row in csv.DictReader(rows)}


def _led_by_place(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a question on a detail names by its place ("第一个多少钱", "the second, how much")."""
    opened = LEADING_PLACE.match(text) or PLACE_INSIDE.search(text)
    if opened is None or not aspects_of(text.replace(opened["place"], " ")):
        return None
    place = _ordinals()[opened["place"].removeprefix("the ")]
    return choices[place] if place < len(choices) else None


def _path_names(turn: TurnContext, key: str) -> list[str]:
    name = turn.paths.paths[PathKey(key)].name
    return [normalise(name.zh).text, normalise(name.en).text]


def _names(turn: TurnContext, code: str) -> list[str]:
    service = turn.catalogue[code]
    names = (service.name.zh, service.name.en, service.everyday_name.zh, service.everyday_name.en)
    return [normalise(name).text for name in names]


def _told_apart(turn: TurnContext, names: Mapping[str, Sequence[str]]) -> str | None:
    """The one choice whose names hold more of a short answer's words than the others' do."""
    text = turn.parse.canonical
    if opens_with_command(text, "file_demand"):
        return None
    if len(text) > (SHORT_WORDS_CHARS if " " in text else SHORT_CHARS):
        return None
    wanted = {term for term in search_terms(text) if "_" not in term} - COMMON_TERMS
    shared = sorted(
        (
            (len(wanted & {term for name in own for term in search_terms(canonical(name))}), code)
            for code, own in names.items()
        ),
        reverse=True,
    )
    (most, code), (second, _) = shared[0], shared[1]
    return code if most > second else None
