"""A running matter dropped in so many words, and what the same message wants beside that."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.said import LEAD, LOOKUPS, TRIM, goes_on, says_nothing, says_submit, short_answer, wants_anonymity
from knowledge.normal import normalise

WORD_FILE, WISH_FILE = LOOKUPS / "drop_words.csv", LOOKUPS / "second_wishes.csv"
CLAUSES = re.compile(r"[^,，.。!！;；~…?？]+[,，.。!！;；~…?？]*\s*")
# The matter itself is told to be dropped ("the complaint"), not only what is done about it.
NAMED = "named"
OBJECT = "object"
ACT = "cancel"
COURTESY = re.compile(
    r"谢谢(?:你|您)?|多谢|唔该|麻烦(?:你|您)?了|不好意思|对不起|再见|"
    r"\b(?:thank(?:s| you)(?: (?:very|so) much)?|many thanks|sorry|bye|goodbye)\b"
)
TAKES_BACK = re.compile(r"取消|撤|放弃|\b(?:cancel|withdraw|drop|forget)")


@dataclass(frozen=True)
class Dropped:
    """Whether a message drops what is running, whether it names that, and its words without those that do."""

    drops: bool
    rest: str
    named: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether the rest says to file or to go on after all ("算了，提交吧")."""
        return self.drops and (goes_on(self.rest) or (says_submit(self.rest) and not TAKES_BACK.search(self.rest)))

    @property
    def wishes(self) -> bool:
        """Whether the rest orders or asks something."""
        clean = TRIM.sub("", normalise(self.rest).text)
        return any(pattern.match(form) for pattern in _wishes() for form in (clean, LEAD.sub("", clean)))


def dropped(text: str) -> Dropped:
    """A message without the dropping clauses at both its ends ("算了，我想…", "forget the report, how do I …")."""
    clauses = CLAUSES.findall(text)
    first = next((at for at, clause in enumerate(clauses) if _drops(clause) is None), len(clauses))
    last = next((at for at, clause in enumerate(reversed(clauses[first:])) if _drops(clause) is None), 0)
    kept: Sequence[str] = clauses[first : len(clauses) - last]
    gone = (*clauses[:first], *clauses[len(clauses) - last :])
    named = any(_drops(clause) == NAMED for clause in gone)
    return Dropped(len(kept) < len(clauses), "".join(kept).strip(), named)


def drops_form(text: str, values: Collection[str], telling: bool) -> bool:
    """Whether a message drops the running form in so many words, and not a value, a field or somebody else's doing.

    `values` are the places, times and ways of contact in it. While what happened is being told (`telling`), nothing
    but a wish may stand beside the words that drop.
    """
    said = dropped(text)
    if not said.drops or said.goes_on or wants_anonymity(text):
        return False
    if says_nothing(COURTESY.sub("", normalise(said.rest).text)) or said.wishes:
        return True
    return said.named and not telling and not any(value in said.rest for value in values)


def _drops(clause: str) -> str | None:
    """How a clause drops something, None where it does not."""
    clean = TRIM.sub("", normalise(clause).text)
    forms = (clean, LEAD.sub("", clean))
    found = next((kind for kind, pattern in _patterns() if any(map(pattern.fullmatch, forms))), None)
    return found or (ACT if short_answer(clause) == ACT else None)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    with WORD_FILE.open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    objects = {row["language"]: row["pattern"] for row in table if row["kind"] == OBJECT}
    return tuple(
        (row["kind"], re.compile(row["pattern"].replace("{object}", objects[row["language"]])))
        for row in table
        if row["kind"] != OBJECT
    )


@lru_cache(maxsize=1)
def _wishes() -> tuple[re.Pattern[str], ...]:
    with WISH_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple(re.compile(row["pattern"]) for row in csv.DictReader(rows))
