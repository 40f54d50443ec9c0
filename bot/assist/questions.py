"""What the agent asks: the field that a short answer fills, and whether something is read back."""

from __future__ import annotations

import csv
import re
from enum import StrEnum
from functools import lru_cache

from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

QUESTION_FILE = NLU_DATA / "lookups" / "agent_questions.csv"
READ_BACK = re.compile(
    r"(?:对吗|对吧|是吗|是吧|是不是|对不对|没错吧|可以吗|啱唔啱|係咪|系咪|吗|吧)[\s?？。.]*$|"
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
    with QUESTION_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple((Asked(row["slot"]), re.compile(row["pattern"])) for row in csv.DictReader(rows))


def asked(text: str) -> Asked | None:
    """The field an agent asks for, the last one named; None when nothing is asked."""
    clean = normalise(text).text
    ends = {slot: max((match.end() for match in pattern.finditer(clean)), default=-1) for slot, pattern in _patterns()}
    last = max(ends.values())
    return next((slot for slot, end in ends.items() if end == last), None) if last >= 0 else None


def reads_back(text: str) -> bool:
    """Whether an agent repeats something for the caller to confirm."""
    return bool(READ_BACK.search(normalise(text).text))
