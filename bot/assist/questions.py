"""What the agent asks: the field that a short answer fills, and whether something is read back."""

from __future__ import annotations

import csv
import re
from enum import StrEnum
from functools import lru_cache

from bot.nlu.aspects import sounds_of
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

QUESTION_FILE = NLU_DATA / "lookups" / "agent_questions.csv"
AGREES = re.compile(
    r"^(?:嗯|啊|哦|诶|呃|[\s,，])*(?:对(?!了|面|不起|门)|是的|是啊|是呀|是(?=[,，。\s]|$)|没错|系啊|係啊|啱|冇错|就是这|"
    r"(?:yes|yeah|yep|yup|right|correct|exactly|that's (?:right|correct|it))\b)"
)
READ_BACK = re.compile(
    r"(?:是不是|可以吗|係咪|系咪|吗|吧)[\s?？。.]*$|对吗|对吧|是吗|是吧|对不对|没错吧|啱唔啱|复述|核实|核对|重复一遍|念一遍|"
    r"\b(?:right|correct|is that (?:right|correct|it)|do i have that right|yes)\s*\??$|"
    r"^(?:so|you mean|do you mean|is it|are you)\b|"
    r"跟您(?:核对|确认)|您(?:是说|说的是|是想|是要|的意思是)|\b(?:let me confirm|to confirm|read (?:that|it) back)\b"
)


class Asked(StrEnum):
    """What a question of an agent is after."""

    NAME = "name"
    CONTACT = "contact"
    ANONYMOUS = "anonymous"
    LOCATION = "location"
    OCCURRED_AT = "occurred_at"
    CASE_NUMBER = "case_number"
    MORE = "more"
    DESCRIPTION = "description"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[Asked, re.Pattern[str]], ...]:
    """Words that ask for a field; the last in the text counts."""
    with QUESTION_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple((Asked(row["slot"]), re.compile(row["pattern"])) for row in csv.DictReader(rows) if row["pattern"])


@lru_cache(maxsize=1)
def _sounds() -> tuple[tuple[Asked, tuple[str, ...]], ...]:
    """The sounds of words that ask for a field, for what was heard with the wrong characters."""
    with QUESTION_FILE.open(encoding="utf-8", newline="") as rows:
        table = [(Asked(row["slot"]), row["sounds"].split()) for row in csv.DictReader(rows)]
    return tuple((slot, tuple(map(sounds_of, words))) for slot, words in table if words)


def asked(text: str) -> Asked | None:
    """The field an agent asks for, the last one named; by sound where no word is right; None when nothing is asked."""
    clean = normalise(text).text
    ends = {slot: max((match.end() for match in pattern.finditer(clean)), default=-1) for slot, pattern in _patterns()}
    last = max(ends.values())
    if last >= 0:
        return next(slot for slot, end in ends.items() if end == last)
    told = sounds_of(clean)
    heard = {slot: max(told.rfind(word) for word in words) for slot, words in _sounds()}
    best = max(heard, key=lambda slot: heard[slot])
    return best if heard[best] >= 0 else None


def reads_back(text: str) -> bool:
    """Whether an agent repeats something for the caller to confirm."""
    return bool(READ_BACK.search(normalise(text).text))


def agrees(text: str) -> bool:
    """Whether a caller's words open by agreeing to what was read back."""
    return bool(AGREES.match(normalise(text).text))
