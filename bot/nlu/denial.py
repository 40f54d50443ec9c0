"""What a message takes back: an act it does not want ("not a complaint"), a matter it did not mean ("not X but Y")."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache

from knowledge.queries import NLU_DATA

ACT_WORDS_FILE = NLU_DATA / "lookups" / "act_words.csv"
ZH_DENIES = (
    r"(?:我们?|这|这个|呢个)?(?:并?不是|不是说|没想|不想|不要|不用|不需要|不打算|不必|无意|别给我|别|唔系|唔想|唔使|唔好)"
    r"(?:说|要|想|来|去|再|真的|为了|给我|帮我)*"
)
EN_DENIES = r"(?:\b(?:i|we|this|that|it)(?:'m| am|'s| is| was)?\s+)?\b(?:not|no|never|without|don't|do not|doesn't|didn't|isn't|is not|ain't|won't)\b(?:\s+(?!but\b|just\b)[a-z']+){0,4}?\s+"
CLAUSE_END = r"[^,，。.;；!！?？]*[,，。.;；!！?？\s]*"
LINK = re.compile(r"^(?:而是|只是|就是|我是|但是?|但|only|just|but|i just|instead)[\s,，]*")
NOT_THIS_BUT_THAT = (
    re.compile(
        r"^(?:不对|错了|no|sorry)?[\s,，.。]*(?:我(?:说|问|要|指|讲|想问|要办)的?)?(?:并?不是|唔系)(?:问|说|要|办)?(?P<denied>[^,，。;；?？]{2,16})"
        r"[,，。;；\s]*(?:而)?(?:我(?:想|要|问|说|指|讲)*的?)?(?:是|系|要办|想办|问)(?:问|说|要|办)?(?P<meant>.{2,})$"
    ),
    re.compile(
        r"^(?:我(?:说|问|要|指|讲|想问|要办)的?是|是)?(?P<meant>[^,，。;；]{2,}?)[,，。;；\s]*(?:而)?(?:不是|唔系)(?:问|说|要|办)?(?P<denied>[^,，。;；吗呢?？]{2,16})$"
    ),
    re.compile(
        r"^(?:no,?\s+|sorry,?\s+)?(?:i (?:said|meant|mean|asked|need|want)\s+)?not (?:about )?(?:the |a |an |my )?(?P<denied>[^,.;?]{2,40}?)"
        r"(?:[,;]\s+(?:but |rather |it's |i mean |i meant |i need |i want |i asked about )?|\s+but\s+)(?P<meant>.{2,})$"
    ),
    re.compile(
        r"^(?:no,?\s+|sorry,?\s+)?(?:i (?:said|meant|mean|asked about|need|want)\s+)(?P<meant>[^,.;?]{2,}?),?\s+not (?:the |a |an |my )?(?P<denied>[^,.;?]{2,40})$"
    ),
)


@dataclass(frozen=True)
class Asserted:
    """What is left of a canonical text, and the intents and the matter it takes back."""

    text: str
    denied_intents: frozenset[str] = frozenset()
    denied_matter: str | None = None


@lru_cache(maxsize=1)
def _denied_acts() -> tuple[tuple[re.Pattern[str], str], ...]:
    with ACT_WORDS_FILE.open(encoding="utf-8") as rows:
        table = [(row["word"], row["language"], row["intent"]) for row in csv.DictReader(rows)]
    return tuple(
        (
            re.compile(
                (ZH_DENIES + re.escape(word) if language == "zh" else EN_DENIES + re.escape(word) + r"\b") + CLAUSE_END
            ),
            intent,
        )
        for word, language, intent in sorted(table, key=lambda row: -len(row[0]))
    )


@lru_cache(maxsize=512)
def asserted(text: str) -> Asserted:
    """The canonical text without what it denies, perhaps empty; all of it when nothing is denied."""
    for pattern in NOT_THIS_BUT_THAT:
        if (found := pattern.match(text)) is not None:
            return Asserted(found["meant"].strip(), denied_matter=found["denied"].strip())
    rest, denied = text, set()
    for pattern, intent in _denied_acts():
        shorter = pattern.sub(" ", rest)
        if shorter != rest:
            rest = shorter
            denied.add(intent)
    if not denied:
        return Asserted(text)
    rest = LINK.sub("", " ".join(rest.split()))
    return Asserted(rest, frozenset(denied))
