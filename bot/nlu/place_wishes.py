"""Where citizens wish to get notices, said in their words: here, in WeChat, on the web alone. All of it must say it."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.nlu.notice_wishes import forms_of
from bot.nlu.said import LOOKUPS

NAMES_FILE, SAYINGS_FILE = LOOKUPS / "notice_place_names.csv", LOOKUPS / "notice_place_sayings.csv"
HERE, WHERE = "here", "where"


class PlaceKind(StrEnum):
    """Kinds of messengers that notices can be sent by; the names of the kinds of channels."""

    WEB = "web"
    WECHAT = "wechat"
    WECOM = "wecom"
    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"


# What people call WeChat is either of the two.
ALSO = {PlaceKind.WECHAT: PlaceKind.WECOM}


# Words for notices: without any, "only here" answers a question for a place as well.
NOTICES = re.compile(
    r"通知|提醒|消息|推送|进展|进度|更新|\b(?:updates?|notif(?:y|ications?)|notices?|alert(?:s| me))\b"
)


@dataclass(frozen=True)
class PlaceWish:
    """A wish: to one of some `kinds`, or here where they are None, and `only` there; `asks` where notices go now."""

    kinds: tuple[PlaceKind, ...] | None = None
    only: bool = False
    asks: bool = False


@lru_cache(maxsize=1)
def _sayings() -> tuple[tuple[str, bool, re.Pattern[str]], ...]:
    with NAMES_FILE.open(encoding="utf-8", newline="") as rows:
        names = [(row["place"], row["pattern"]) for row in csv.DictReader(rows)]
    with SAYINGS_FILE.open(encoding="utf-8", newline="") as rows:
        sayings = [(row["kind"], row["pattern"]) for row in csv.DictReader(rows)]
    asks = [(WHERE, False, re.compile(pattern)) for kind, pattern in sayings if kind == WHERE]
    wishes = [
        (place, kind == "only", re.compile(pattern.replace("{place}", f"(?:{name})")))
        for kind, pattern in sayings
        if kind != WHERE
        for place, name in names
    ]
    return tuple(asks + wishes)


def place_wish_of(text: str, place_asked: bool = False) -> PlaceWish | None:
    """The wish that a message is, None where it says anything else; it names notices where a place was asked for."""
    forms = forms_of(text)
    if place_asked and not any(map(NOTICES.search, forms)):
        return None
    for place, only, pattern in _sayings():
        if any(pattern.fullmatch(form) for form in forms):
            if place == WHERE:
                return PlaceWish(asks=True)
            if place == HERE:
                return PlaceWish(None, only)
            kind = PlaceKind(place)
            return PlaceWish((kind, ALSO[kind]) if kind in ALSO else (kind,), only)
    return None
