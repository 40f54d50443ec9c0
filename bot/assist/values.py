"""The values a caller's segment gives the form: place, time, number to call back, and whether to stay unnamed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.assist.english_answer import PART, answer_of
from bot.assist.numbers import mobile_in
from bot.assist.place import Level, Piece, level_of
from bot.assist.questions import Asked
from bot.assist.reading import Kind, Reading
from bot.assist.stretch import first_stretch, stretch
from bot.nlu.english_places import place_words
from bot.nlu.entities import Entity
from bot.nlu.said import without_lead_ins
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA


class Aspect(StrEnum):
    """What of a time is told."""

    DATE = "date"
    SPAN = "span"
    HOURS = "hours"
    HABIT = "habit"


CALL_WORDS_FILE = NLU_DATA / "lookups" / "call_words.csv"
OPENS = re.compile(r"(?:从|自从|自|打|差不|第)$|\b(?:since|from|for)\s+$", re.I)
CLOSES = re.compile(
    r"(?:份|开始|左右|以后|之后|以来|钟|多)+| after noon\b|"
    r" (?:to|till|until|through) (?:january|february|march|april|may|june|july|august|september|october|november|"
    r"december)\b",
    re.I,
)
JOINS = re.compile(r"(?:[到至和与、的都是~\-—从嘛]|and|to|till|until|\s)*")
AWAY = re.compile(r"(?:去|回|开到|寄到|送到|搬到|拉到|飞|往)$|\b(?:going|go|went|get|getting|drive|back) to (?:the )?$")
DATED = re.compile(
    r"从|自|昨|今天|今早|今晚|今年|去年|前年|前天|前晚|琴日|寻日|上个?(?:周|星期|礼拜|月)|这个?(?:周|星期|礼拜)[一二三四五六日天]|"
    r"周末|[月号年]|国庆|春节|中秋|五一|暑假|寒假|开学|"
    r"\b(?:since|from|yesterday|today|this morning|last|monday|tuesday|wednesday|thursday|friday|saturday|sunday|ago|"
    r"january|february|march|april|may|june|july|august|september|october|november|december)\b",
    re.I,
)
HABIT = re.compile(
    r"(?:每|天天|晚晚|日日|夜夜|every|each).*(?:点|\d|o'?clock|morning|night|evening|weekend|[ap]m)", re.I
)
LASTING = re.compile(r"[天日周月年]|小时|钟头|星期|礼拜|\b(?:hours?|days?|weeks?|months?|years?)\b", re.I)
VAGUE = re.compile(
    r"^(?:每天|天天|成日|一直|经常|常常|总是|老是|长期|最近|近来|现在|目前|而家|依家|刚才|刚刚|刚|整天|一天到晚|日日|持续|连续|"
    r"好久|很久|早就|now|today|lately|recently|always|every day|every night|all day|at night|just now|right now)$",
    re.I,
)
ASPECTS = (
    (Aspect.DATE, DATED),
    (
        Aspect.HABIT,
        re.compile(
            r"每|天天|晚晚|日日|夜夜|周末|工作日|\b(?:every|each|daily|weekends?|weekdays?|(?:mon|tues|wednes|thurs|fri|satur|sun)days|times?)\b"
        ),
    ),
    (Aspect.SPAN, LASTING),
    (
        Aspect.HOURS,
        re.compile(
            r"点|\d:\d\d|凌晨|早上|上午|中午|下午|傍晚|晚上|半夜|夜里|深夜|饭点|高峰|\b(?:o'?clock|[ap]\.?m|noon|midnight|"
            r"morning|afternoon|evening|night|lunch|rush hour|half past|quarter)\b"
        ),
    ),
)
GREETING = re.compile(r"\bgood $", re.I)
PRONOUN = re.compile(r"(?:they|we|i|it|there|that|he|she|you|who|what)\b", re.I)
PRONOUN_AS_NUMBER = re.compile(r"^[a-z.]+ i$", re.I)
KIND = re.compile(rf"\b(?:{place_words()['english_end']}|{place_words()['english_part']})\b", re.I)
ENGLISH_LEAD = re.compile(
    r"^(?:(?:it's|its|it is|we're|i'm|i am|that's|in|at|on|near|the address is|the place is)\s+)+", re.I
)
TIMELIKE = re.compile(
    r"[\d天周月年晚早夜久]|\b(?:since|ago|start|end|after|before|when|week|month|day|night|morning|evening|year|"
    r"january|february|march|april|june|july|august|september|october|november|december)",
    re.I,
)
SENTENCE = re.compile(r"[.!?。！？]")
FULLER = 1.5
SURE, NAMED, WHOLE, ASIDE, VAGUELY = 0.95, 0.9, 0.55, 0.75, 0.5
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


def places_told(reading: Reading, asked: Asked | None, waiting: bool = True) -> tuple[Piece, ...]:
    """The pieces of the place, in order; a short answer to the question for it is one whatever it says."""
    wanted = asked is Asked.LOCATION
    found = tuple(_found(reading, wanted))
    if not (wanted and waiting):
        return found
    if reading.heard.text.isascii():
        return _english_answer(reading, found)
    whole = _whole_place(reading)
    return (whole,) if whole is not None and len(whole.text) > FULLER * sum(len(one.text) for one in found) else found


def _english_answer(reading: Reading, found: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The place in an English answer as one piece beside its districts."""
    assert reading.parse is not None
    if not found and (reading.parse.asks() or reading.kind is Kind.CHATTER or NO_PLACE.search(reading.heard.text)):
        return found
    known = [(one.start, one.end) for one in reading.kept if one.label == "location"]
    told = answer_of(reading.heard.text, known)
    areas = tuple(piece for piece in found if piece.level is Level.AREA)
    if told is None or (all(normalise(told).text in normalise(piece.text).text for piece in areas) and areas):
        return found
    level = Level.PART if PART.fullmatch(told) else Level.NAMED
    whole = Piece(told, level, reading.segment.text, reading.at, True, bool(found))
    return (*areas, whole)


def _found(reading: Reading, wanted: bool) -> Iterator[Piece]:
    """The places known in a segment, each as far as its words go on."""
    text, done = reading.heard.text, 0
    for entity in reading.kept:
        away = not wanted and AWAY.search(text[: entity.start].lower())
        if entity.label != "location" or entity.start < done or away or _no_name(entity, reading.kept):
            continue
        level = level_of(entity, reading.kept)
        far = wanted or level is Level.AREA
        done = stretch(text, entity.start, entity.end) if far and not text.isascii() else entity.end
        level = Level.NAMED if level is Level.AREA and done > entity.end + 1 else level
        told = TAIL.sub("", text[entity.start : done])
        if told:
            yield Piece(told, level, reading.heard.words(entity.start, done), reading.at, wanted, True)


def _no_name(entity: Entity, entities: Sequence[Entity]) -> bool:
    """Whether English words only look like a place: a pronoun, or a capital without a known name or a kind of place."""
    if not entity.text.isascii():
        return False
    if PRONOUN_AS_NUMBER.search(entity.text):
        return True
    known = any(one is not entity and entity.start <= one.start < entity.end for one in entities)
    return bool(PRONOUN.match(entity.text)) or not (known or KIND.search(entity.text) or " " in entity.text)


def _whole_place(reading: Reading) -> Piece | None:
    """A short answer to the question for the place, all of it."""
    if reading.parse is None or not whole_answer(reading) or reading.parse.all("phone", "email"):
        return None
    text = without_lead_ins(reading.heard.text)
    english = text.isascii()
    found = first_stretch(text) if not english else None
    told = TAIL.sub("", ENGLISH_LEAD.sub("", text) if english else text[slice(*found)] if found else text)
    if len(told) < 2 or (not english and reading.parse.all("location")):
        return None
    level = Level.PART if normalise(told).text[:1].isdigit() else Level.NAMED
    return Piece(told, level, reading.segment.text, reading.at, True, found is not None)


def time_told(reading: Reading, asked: Asked | None, waiting: bool = True) -> Told | None:
    """When it happened: the stretches told, without vague words where exact ones are told too."""
    wanted = asked is Asked.OCCURRED_AT
    text = reading.heard.text
    own = [one for one in reading.kept if one.label == "time" and not GREETING.search(text[: one.start])]
    times = _stretches(text, own)
    if wanted and times:
        first = next((end for start, end in times if exactness(reading.heard.text[start:end])), times[0][1])
        stop = SENTENCE.search(reading.heard.text, first)
        times = [(start, end) for start, end in times if stop is None or start < stop.start()]
    if times:
        texts = list(dict.fromkeys(reading.heard.text[start:end].strip() for start, end in times))
        best = max(map(exactness, texts))
        value = ("，" if not texts[0].isascii() else ", ").join(_telling(texts, best))
        words = reading.heard.words(times[0][0], times[-1][1])
        sure = VAGUELY if best == 0 else NAMED if wanted else ASIDE
        return Told(value, sure, words, reading.at)
    if wanted and waiting and whole_answer(reading) and TIMELIKE.search(reading.heard.text):
        return Told(TAIL.sub("", without_lead_ins(reading.heard.text)), WHOLE, reading.segment.text, reading.at)
    return None


def _telling(texts: list[str], best: int) -> list[str]:
    """The most exact of some told times, and those that say something else of the same: the hours beside the day."""
    kept = [text for text in texts if exactness(text) == best]
    for text in texts if best else ():
        known = frozenset[Aspect]().union(*map(aspects_of_time, kept))
        own = aspects_of_time(text)
        if text not in kept and own and not own & known and Aspect.SPAN not in own and exactness(text) > 0:
            kept.append(text)
    return sorted(kept, key=texts.index)


def exactness(time: str) -> int:
    """How well a told time says when: 3 a date or a habit with its hours, 2 how long, 1 an hour, 0 hardly anything."""
    if VAGUE.match(time):
        return 0
    if DATED.search(time) or HABIT.search(time):
        return 3
    return 2 if LASTING.search(time) else 1


def aspects_of_time(time: str) -> frozenset[Aspect]:
    """Whether a told time says the day, how long, at which hours, how regularly."""
    clean = normalise(time).text
    found = {aspect for aspect, pattern in ASPECTS if pattern.search(clean)}
    return frozenset(found - {Aspect.SPAN} if Aspect.DATE in found else found)


def _stretches(text: str, times: Sequence[Entity]) -> list[tuple[int, int]]:
    """The spans of told times, those a few characters apart as one, with the words that open and close them."""
    spans: list[tuple[int, int]] = []
    for entity in times:
        start, end = entity.start, entity.end
        if (before := OPENS.search(text[:start])) is not None:
            start = before.start()
        if (after := CLOSES.match(text, end)) is not None:
            end = after.end()
        if spans and JOINS.fullmatch(text[spans[-1][1] : start]):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def contact_told(reading: Reading, asked: Asked | None) -> Told | None:
    """A phone number or address to write to; unasked, digits are one only where no others are told beside them."""
    found = next((entity for entity in reading.kept if entity.label in ("phone", "email")), None)
    if found is not None:
        return Told(found.value, SURE, words_of(reading, found), reading.at)
    text, alone = reading.heard.text, asked is not Asked.CONTACT
    for entity in reading.kept if alone else ():
        text = text.replace(entity.text, " ")
    number = mobile_in(text, alone)
    return Told(number, SURE, reading.segment.text, reading.at) if number else None


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
