"""The values a caller's segment gives the form: place, time, number to call back, and whether to stay unnamed."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache

from bot.assist.place import Level, Piece, level_of
from bot.assist.questions import Asked
from bot.assist.reading import Kind, Reading
from bot.nlu.entities import Entity, likeliest_place
from bot.nlu.said import without_lead_ins
from bot.nlu.spoken import EN_DIGITS, TIMES_SAID, ZH_DIGITS
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

CALL_WORDS_FILE = NLU_DATA / "lookups" / "call_words.csv"
MOBILE = re.compile(r"1[3-9]\d{9}")
MISHEARD_ONE = re.compile(r"[要妖腰邀](?=[零一二三四五六七八九幺〇洞拐两\d])")
SURE, NAMED, WHOLE, ASIDE = 0.95, 0.9, 0.55, 0.75
MOST_WORDS, MOST_CHARS = 14, 26
TAIL = re.compile(r"(?:[,，。.!！?？、\s]|那边|那里|那儿|这边|这里|这儿|附近吧|的|呢|啊|吧|咯|呀|哦|嘛|啦|喔)+$")
NO_PLACE = re.compile(
    r"不知道|不清楚|不记得|忘了|没有|唔知|记不(?:清|得)|\b(?:don't know|not sure|no idea|can't remember)\b"
)


@dataclass(frozen=True)
class Told:
    """A value with how sure it is, the words it came from and the segment they stand in."""

    value: str
    confidence: float
    words: str
    at: int


@lru_cache(maxsize=8)
def _pattern(rule: str) -> re.Pattern[str]:
    with CALL_WORDS_FILE.open(encoding="utf-8", newline="") as rows:
        return re.compile("|".join(f"(?:{row['pattern']})" for row in csv.DictReader(rows) if row["rule"] == rule))


def says(rule: str, text: str) -> bool:
    """Whether a text holds words of a rule of `call_words.csv`."""
    return bool(_pattern(rule).search(normalise(text).text))


def words_of(reading: Reading, entity: Entity) -> str:
    """The words of the segment that an entity came from."""
    return reading.heard.words(entity.start, entity.end)


def place_told(reading: Reading, asked: Asked | None) -> Piece | None:
    """A piece of the place; a short answer to the question for it is one whatever it says."""
    wanted = asked is Asked.LOCATION
    entity = likeliest_place(reading.kept)
    if entity is not None:
        level = level_of(entity, reading.kept)
        text = TAIL.sub("", entity.text)
        return Piece(text, level, words_of(reading, entity), reading.at, wanted, True) if text else None
    if not wanted or not whole_answer(reading) or reading.parse is None or reading.parse.all("phone", "email"):
        return None
    text = TAIL.sub("", without_lead_ins(reading.heard.text))
    level = Level.PART if normalise(text).text[:1].isdigit() else Level.NAMED
    return Piece(text, level, reading.segment.text, reading.at, wanted, False) if len(text) > 1 else None


def time_told(reading: Reading, asked: Asked | None) -> Told | None:
    """When it happened."""
    times = [entity for entity in reading.kept if entity.label == "time"]
    if times:
        value = ("，" if not times[0].text.isascii() else ", ").join(dict.fromkeys(one.text for one in times))
        words = reading.heard.words(times[0].start, times[-1].end)
        return Told(value, NAMED if asked is Asked.OCCURRED_AT else ASIDE, words, reading.at)
    if asked is Asked.OCCURRED_AT and whole_answer(reading):
        return Told(TAIL.sub("", without_lead_ins(reading.heard.text)), WHOLE, reading.segment.text, reading.at)
    return None


def contact_told(reading: Reading) -> Told | None:
    """A phone number or address to write to."""
    found = next((entity for entity in reading.kept if entity.label in ("phone", "email")), None)
    return Told(found.value, SURE, words_of(reading, found), reading.at) if found else None


def digits_told(text: str) -> str:
    """The digits read out in a text, whatever stands between them."""
    clean = MISHEARD_ONE.sub("幺", normalise(text).text)
    found, often = "", 1
    for word in re.findall(r"[a-z]+|\d|[零一二三四五六七八九幺〇洞拐两]", clean):
        often = TIMES_SAID.get(word, often)
        if word not in TIMES_SAID:
            digit = word if word.isdigit() else ZH_DIGITS.get(word) or EN_DIGITS.get(word, "")
            found, often = found + digit * often, 1
    return found


def mobile_in(digits: str) -> str | None:
    """The mobile number in digits that were read out in pieces, perhaps repeated."""
    found = MOBILE.search(digits)
    return found.group() if found else None


def unnamed_told(reading: Reading, asked: Asked | None, question: str) -> Told | None:
    """Whether the caller wants to stay unnamed, None when nothing is said of it."""
    text = reading.heard.text
    if says("hidden", text) and not (asked is Asked.ANONYMOUS and says("not_hidden", text)):
        return Told("true", SURE, reading.segment.text, reading.at)
    if asked is not Asked.ANONYMOUS:
        return None
    openly = says("open_identity", question)
    agreed = reading.act == "affirm" or (reading.act is None and not says("not_hidden", text))
    if says("not_hidden", text) and reading.act != "affirm":
        return Told("false", NAMED, reading.segment.text, reading.at)
    if reading.act is None and reading.kind is not Kind.CHATTER:
        return None
    return Told("true" if agreed != openly else "false", NAMED, reading.segment.text, reading.at)


def whole_answer(reading: Reading) -> bool:
    """Whether a segment is short enough, and no question, to be an answer as it stands."""
    parse, text = reading.parse, reading.heard.text
    if (
        parse is None
        or reading.act is not None
        or parse.asks()
        or NO_PLACE.search(text)
        or reading.kind is Kind.CHATTER
    ):
        return False
    return len(text.split()) <= MOST_WORDS if text.isascii() else len(text) <= MOST_CHARS
