"""How a person moves along a guided path: on, back, to a step by its number, to the whole list."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.aspects import aspects_of
from bot.nlu.said import LOOKUPS, SOFT, TRIM
from knowledge.normal import canonical

MOVE_FILE = LOOKUPS / "path_moves.csv"
ZH_NUMBERS = "一二三四五六七八九十"
EN_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
EN_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
STEP = re.compile(
    rf"第\s*(?P<zh>[两{ZH_NUMBERS}]|\d{{1,2}})\s*(?:步|项)"
    rf"|\bstep (?:number )?(?P<en>\d{{1,2}}|{'|'.join(EN_NUMBERS)})\b"
    rf"|\b(?:the )?(?P<nth>\d{{1,2}}(?=st|nd|rd|th)|{'|'.join(EN_ORDINALS)})\w* step\b"
)
MAX_CHARS = 40


@dataclass(frozen=True)
class Move:
    """Where to go on the path; a weak one is meant so only while a step of it is under discussion."""

    to: str
    strong: bool = True
    number: int | None = None


@lru_cache(maxsize=1)
def _moves() -> tuple[tuple[re.Pattern[str], Move], ...]:
    with MOVE_FILE.open(encoding="utf-8") as rows:
        return tuple(
            (re.compile(row["pattern"]), Move(row["move"], row["strength"] == "strong")) for row in csv.DictReader(rows)
        )


def move_of(text: str) -> Move | None:
    """The move a short message makes, None when it makes none."""
    clean = TRIM.sub("", canonical(text))
    if len(clean) > MAX_CHARS:
        return None
    if (named := STEP.search(clean)) is not None:
        return Move("step", number=_number(named["zh"] or named["en"] or named["nth"]))
    if clean.isdigit() and len(clean) <= 2:
        return Move("step", strong=False, number=int(clean))
    forms = (clean, TRIM.sub("", SOFT.sub("", clean)))
    return next((move for pattern, move in _moves() for form in forms if pattern.fullmatch(form)), None)


def aspects_at_step(text: str) -> tuple[str, ...]:
    """The details a message asks for beside naming its step ("第三步要什么材料")."""
    return aspects_of(STEP.sub(" ", TRIM.sub("", canonical(text))))


def _number(word: str) -> int:
    if word.isdigit():
        return int(word)
    for table in (ZH_NUMBERS, EN_NUMBERS, EN_ORDINALS):
        if word in table:
            return table.index(word) + 1
    return 2
