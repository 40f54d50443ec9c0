"""The form's question for the place, put as the matter needs it: a building, a shop, a stretch of road, a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from bot.cases.case import CaseDraft
from bot.messages import BotMessage
from bot.nlu.said import LOOKUPS
from bot.turn import TurnContext
from knowledge.catalogue import Text
from knowledge.normal import normalise

KIND_FILE = LOOKUPS / "asked_places.csv"
SEPARATORS = {"zh": "、", "en": ", "}
# What an item wants known that the question for the place asks for by itself.
PLACE_PART = re.compile(
    r"地点|地址|(?:道路|店铺|企业|工地|小区|学校)名称|楼栋|^(?:医院|科室|大厅|窗口|用人单位|线路|时间)$"
)


class Where(StrEnum):
    """The kind of place that a matter happens at; ANY where nothing tells."""

    HOME = "home"
    SHOP = "shop"
    SITE = "site"
    ROAD = "road"
    LINE = "line"
    PARK = "park"
    COMPANY = "company"
    INSTITUTION = "institution"
    ANY = "any"


def place_question(turn: TurnContext, drafts: tuple[CaseDraft, ...]) -> BotMessage:
    """Where it is, asked for what the unit needs of the first demand that lacks a place."""
    draft = next((one for one in drafts if one.location is None), drafts[0] if drafts else None)
    if draft is None:
        return turn.say("utter_ask_location", asked=turn.text(f"utter_where_{Where.ANY}"), hint="")
    wanted = turn.catalogue[draft.service_item].must_capture if draft.service_item else None
    asked = turn.text(f"utter_where_{where_of(draft.description, wanted)}")
    rest = SEPARATORS[turn.language].join(beside_place(wanted, turn.language)) if wanted else ""
    hint = turn.text("utter_capture_hint", capture=rest) if rest else ""
    return turn.say("utter_ask_location", asked=asked, hint=hint)


def where_of(told: str, wanted: Text | None) -> Where:
    """The kind of place by the words of a matter, else by what its item wants known."""
    words = normalise(told).text
    for kind, source, pattern in _kinds():
        if pattern.search(words if source == "told" else wanted.zh if wanted else ""):
            return kind
    return Where.ANY


def beside_place(wanted: Text, language: str) -> Iterator[str]:
    """What an item wants known beside the place, in a language; all of it where a translation has other parts."""
    zh, told = (wanted.in_language(one).split(SEPARATORS[one]) for one in ("zh", language))
    if len(told) != len(zh):
        yield from told
        return
    for part, name in zip(zh, told, strict=True):
        if not PLACE_PART.search(part):
            yield name


@lru_cache(maxsize=1)
def _kinds() -> tuple[tuple[Where, str, re.Pattern[str]], ...]:
    """The rows of the table: the first that matches counts."""
    with KIND_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple((Where(row["kind"]), row["in"], re.compile(row["pattern"])) for row in csv.DictReader(rows))
