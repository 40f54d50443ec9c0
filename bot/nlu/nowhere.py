"""Places that no city's matter lies in, other planets and those of tales: whether a message asks about one of them."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from knowledge.normal import LOOKUPS, normalise

PLACE_FILE = LOOKUPS / "nowhere.csv"
BEFORE = r"(?:^|[\s,，。]|在|去|到|喺|问|查|那|和)"
# Names of firms, shops, buildings and streets that begin with that of a planet are places of the city.
NAMES = r"公司|集团|工厂|厂|店|小区|花园|公寓|大厦|广场|酒店|路|街|巷|学校|幼儿园|影院|餐厅|酒吧|网吧"
AFTER = (
    r"(?=上(?!城|海)|里(?!弄|巷|小区)|那|怎|如何|哪|有(?!限)|能(?!源)|可(?!乐)|办(?!公|事处)|，|,|\?|？|$"
    rf"|的(?!.{{0,4}}(?:{NAMES})))(?!.{{0,3}}(?:{NAMES}))"
)
BEFORE_ENGLISH = r"\b(?:in|on|at|to|of|around|near|from|for) "
# A noun after an English name makes it the name of a firm, a street or a bay ("Mars cafe").
AFTER_ENGLISH = (
    r"(?='s\b|[ ]*[,.;:!?]|[ ]*$|[ ](?:and|or|please|then|now|today|if|when|with|without|as|for|is|are|how|what|where|"
    r"who|do|does|can|could|should|i|we|you|to)\b)"
)


def nowhere(text: str) -> str | None:
    """The place of nowhere where the matter of a text in normal form lies, None where it names none."""
    found = _pattern().search(text)
    return found.group("zh") or found.group("en") if found else None


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    with PLACE_FILE.open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    zh, en = ("|".join(re.escape(normalise(row[name]).text) for row in table) for name in ("zh", "en"))
    return re.compile(rf"{BEFORE}(?P<zh>{zh}){AFTER}|{BEFORE_ENGLISH}(?P<en>{en}){AFTER_ENGLISH}")
