"""Places that no city's matter lies in, other planets and those of tales: whether a message asks about one of them."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from knowledge.normal import LOOKUPS, normalise

PLACE_FILE = LOOKUPS / "nowhere.csv"
BEFORE = r"(?:^|[\s,，。]|在|去|到|喺|问|查|那|和)"
AFTER = r"(?=上|里|的|那|怎|如何|哪|有|能|可|办|，|,|\?|？|$)"
BEFORE_ENGLISH = r"\b(?:in|on|at|to|of|around|near|from|for) "


def nowhere(text: str) -> str | None:
    """The place of nowhere where the matter of a text in normal form lies, None where it names none."""
    found = _pattern().search(text)
    return found.group("zh") or found.group("en") if found else None


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    with PLACE_FILE.open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    zh, en = ("|".join(re.escape(normalise(row[name]).text) for row in table) for name in ("zh", "en"))
    return re.compile(rf"{BEFORE}(?P<zh>{zh}){AFTER}|{BEFORE_ENGLISH}(?P<en>{en})\b")
