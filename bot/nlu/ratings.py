"""What a citizen says in rating an answer: satisfied or not, scores from 1 to 5, and what is wrong."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from bot.cases.closing import AXES
from bot.nlu.said import TRIM, says_nothing
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

DIGITS = {
    "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
}  # fmt: skip
SCORE = r"(?P<score>[1-5](?![\d.])|[一二两三四五](?=分|星|点|$|[\s,，。;；、])|\b(?:one|two|three|four|five)\b)"
UNIT = r"(?:\s*(?:分|星|颗星|/\s*5|out of (?:5|five)|points?|stars?))?"
LINK = r"\s*(?:是|为|给|打|得|有|评|=|:|：|-|was|is|gets?|a|an|of|方面|这块)?\s*(?:给|打|a)?\s*"
BARE = re.compile(rf"^(?:给|打|我?给|i give (?:it )?(?:a )?|rating:?)?\s*{SCORE}{UNIT}\s*(?:吧|啦|了)?[.!。！]?$")
MARKED = re.compile(r"(?P<score>[1-5]|[一二两三四五])\s*(?:分|星|颗星|/\s*5|out of (?:5|five)|points?\b|stars?\b)")
FOUR = re.compile(r"^\D*([1-5])[\s,，、/;；.]*([1-5])[\s,，、/;；.]*([1-5])[\s,，、/;；.]*([1-5])\D{0,3}$")
LEFT_OVER = re.compile(r"[\s,.!?;:，。！？；：、~…]+")
AROUND = re.compile(
    r"^(?:因为|但是|但|可是|不过|而且|就是|我|对|这个|结果|办理|处理|the result|because|but|and|as|since|"
    r"i am|i'm|it is|it's|with it|at all|的|了|[\s,.!?;:，。！？；：、~…])+|[\s,.!?;:，。！？；：、~…]+$"
)
SO_SO = 3
MAX_CHARS, MAX_CHARS_ENGLISH = 40, 120


@dataclass(frozen=True)
class SaidRating:
    """What was said; `sure` when the words are those of a rating and could hardly mean anything else."""

    satisfied: bool | None = None
    scores: Mapping[str, int] = field(default_factory=dict)
    reason: str | None = None
    sure: bool = False


@lru_cache(maxsize=1)
def _words() -> Mapping[str, re.Pattern[str]]:
    with (NLU_DATA / "lookups" / "rating_words.csv").open(encoding="utf-8", newline="") as rows:
        table = [(row["kind"], row["pattern"]) for row in csv.DictReader(rows)]
    kinds = {kind for kind, _ in table}
    return {kind: re.compile("|".join(f"(?:{one})" for name, one in table if name == kind), re.I) for kind in kinds}


@lru_cache(maxsize=1)
def _scored() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """The patterns of a score for each axis, and for all of them: named before the number, or after it."""
    made = {}
    for name in (*AXES, "every"):
        words = f"(?:{_words()[name].pattern})"
        after = rf"{SCORE}{UNIT}\s*(?:for|on|给)\s*(?:the\s+)?{words}"
        made[name] = (re.compile(words + LINK + SCORE + UNIT, re.I), re.compile(after, re.I))
    return made


def wants_to_rate(text: str) -> bool:
    """Whether a message says no more than that something is to be rated."""
    clean = TRIM.sub("", normalise(text).text)
    return bool(_words()["wants"].search(clean))


def read_rating(text: str) -> SaidRating | None:
    """The rating a message tells, None when it tells none."""
    clean = normalise(text).text
    left, scores, sure = _without_scores(clean)
    words = _words()
    bad, good = words["dissatisfied"].search(left), words["satisfied"].search(left)
    soft_bad, soft_good = words["soft_bad"].search(left), words["soft_good"].search(left)
    short = len(clean) <= (MAX_CHARS_ENGLISH if clean.isascii() else MAX_CHARS)
    if bad or (soft_bad and not good):
        rest = words["dissatisfied"].sub(" ", left) if bad else left
        return SaidRating(False, scores, _reason(rest, text), bool(bad) or sure)
    if good or (soft_good and short):
        return SaidRating(True, scores, None, (bool(good) and short) or sure)
    if scores:
        return SaidRating(None, scores, _reason(left, text), sure)
    return SaidRating(True, dict.fromkeys(AXES, SO_SO)) if words["so_so"].search(clean) and short else None


def _without_scores(clean: str) -> tuple[str, Mapping[str, int], bool]:
    """A text in normal form without its scores, the scores, and whether their words leave no doubt."""
    if (four := FOUR.match(clean)) is not None:
        return "", dict(zip(AXES, map(int, four.groups()), strict=True)), False
    scores: dict[str, int] = {}
    left = clean
    for axis in AXES:
        for pattern in _scored()[axis]:
            if (found := pattern.search(left)) is not None:
                scores[axis] = _number(found["score"])
                left = left[: found.start()] + " " + left[found.end() :]
                break
    if scores:
        return left, scores, True
    alone = next((m for one in _scored()["every"] if (m := one.search(clean))), None)
    sure = alone is not None
    alone = alone or BARE.match(TRIM.sub("", clean)) or MARKED.search(clean)
    if alone is None:
        return clean, {}, False
    return clean.replace(alone.group(), " "), dict.fromkeys(AXES, _number(alone["score"])), sure


def _number(said: str) -> int:
    return DIGITS.get(said.lower()) or int(said)


def _reason(rest: str, text: str) -> str | None:
    """What is wrong: the words beside the verdict, as the citizen wrote them where they stand together."""
    left = AROUND.sub("", rest)
    if says_nothing(left) or len(LEFT_OVER.sub("", left)) < 2:
        return None
    at = text.lower().find(left)
    return text[at : at + len(left)] if at >= 0 else text.strip()
