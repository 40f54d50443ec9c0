"""The place in an English answer to "where is it?": its clauses that tell one, without the talk around them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.nlu.english_places import place_words

NUMBER = (
    r"(?:\d+[a-z]?|(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    r"(?:[ \-](?:oh|one|two|three|four|five|six|seven|eight|nine))*|[a-z](?![a-z']))"
)
_FLOOR = (
    r"(?:ground|top|\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|"
    r"twelfth) floor"
)
PART = re.compile(
    rf"\b(?:block|building|unit|room|tower|gate|exit|flat|floor|phase|door|platform|shop|stall|counter|window|lift|number|"
    r"no\.?|house)"
    rf"(?: number| no\.?)? (?!i\b){NUMBER}\b|\b{_FLOOR}\b",
    re.I,
)
RELATION = re.compile(
    r"\b(?:behind|opposite|next to|in front of|beside|outside|near|across from|under|corner of|between|along|"
    r"close to)\b",
    re.I,
)
KIND = re.compile(
    rf"\b(?:{place_words()['english_end']}|{place_words()['english_part']}|dorm|lift|stall|stairs|staircase)s?\b", re.I
)
CLAUSE = re.compile(
    r"[.!?;,]+(?:\s+|$)|\s+-+\s+|\b(?:it'?s|it is|it was|its|that'?s|that is|there'?s|there is|there are|this is|i'?m|"
    r"i am|i think|i guess|i live|i stay|you know|you see|we'?re|we are|we live|they'?re|they are|the name is|"
    r"the address is|the place is|name is|is called|called|they call it|they|because|cause|so|but|where|which|who|"
    r"whose|if|when|is|are|was|ma'?am|madam|sir|please|po|dear|love|hen|actually)\b\s*",
    re.I,
)
LEAD = re.compile(
    r"^(?:(?:yes|yeah|yep|ya|no|okay|ok|oh|ah|uh|um|well|aye|right|correct|exactly|and|just|like|over|there|here|somewhere|"
    r"up|down|out|in|at|on|by|to|from|of|is|are|was|the address|the place|address|sure|also|then|for|my|our|your|this|"
    r"that|huge|big|same)\b[ ,]*)+",
    re.I,
)
CLOSE = re.compile(
    r"(?:[ ,]+(?:yes|yeah|okay|ok|right|only|please|it is|there|here|and|or|the|a|is|you know|in|at|on|near|just|"
    r"like))+$",
    re.I,
)
TALK = re.compile(
    r"\b(?:i|i'?ve|i'?d|you|he|she|we|me|him|her|them|his|don'?t|doesn'?t|didn'?t|can'?t|cannot|not|have|has|had|will|would|could|should|"
    r"do|does|did|think|know|see|say|said|tell|want|need|idea|sorry|thanks?|hello|hi|happen\w*|god|what|how|why|sure|knows?|knew|husband|wife|remember|never|maybe|"
    r"are|were|was|am|been|be|goes?|going|comes?|coming|keeps?|makes?|making)\b|'s\b (?!.*(?:road|street|shop|market))",
    re.I,
)
CORRECTS = re.compile(r"\b(?:no no|no,? wait|sorry,?|i mean|wait|correction)\b[ ,.]*", re.I)
SHORT = 5


def answer_of(text: str, known: Sequence[tuple[int, int]]) -> str | None:
    """The place told by an answer, None when no clause tells one; `known` are the spans of places found in it."""
    marks = [found.end() for found in CORRECTS.finditer(text)]
    kept: list[tuple[int, str]] = []
    for start, end in _clauses(text):
        told = _bare(text[start:end])
        sure = any(start <= first < end for first, _ in known) or bool(
            PART.search(told) or RELATION.search(told) or KIND.search(told)
        )
        named = len(told.split()) <= SHORT and (not kept or told[:1].isupper())
        bare = KIND.fullmatch(told) or not re.search(r"[a-z]{2}|\b[a-z]\d", told, re.I)
        if bare or not (sure or (named and not TALK.search(told))):
            continue
        if sure and TALK.search(told):
            told = _cut(told)
        if any(mark <= start + 1 for mark in marks):
            ends = told.lower().split()[-1:]
            if any(
                at >= max(m for m in marks if m <= start + 1) and one.lower().split()[-1:] == ends for at, one in kept
            ):
                continue
            kept = [
                (at, one)
                for at, one in kept
                if at >= max(m for m in marks if m <= start + 1) or one.lower().split()[-1:] != ends
            ]
        if told and all(told.lower() not in one.lower() for _, one in kept):
            kept.append((start, told))
    return ", ".join(one for _, one in kept) or None


def _clauses(text: str) -> list[tuple[int, int]]:
    """The clauses of an answer."""
    found, at = [], 0
    for mark in CLAUSE.finditer(text):
        found.append((at, mark.start()))
        at = mark.end()
    return [(start, end) for start, end in (*found, (at, len(text))) if text[start:end].strip()]


def _bare(told: str) -> str:
    """A clause without the words that lead into it or close it."""
    told = CORRECTS.sub("", told)
    return CLOSE.sub("", LEAD.sub("", told.strip(" ,.;-'\""))).strip(" ,.;-'\"")


def _cut(told: str) -> str:
    """The stretch of a clause from its first name, part or relation to its last."""
    found = [*PART.finditer(told), *RELATION.finditer(told), *KIND.finditer(told)]
    talk = [one.start() for one in TALK.finditer(told)]
    first = min((one.start() for one in found), default=0)
    last = next((at for at in talk if at > first), len(told))
    before = [at for at in talk if at < first]
    start = (
        next((found.end() for found in reversed(list(TALK.finditer(told))) if found.end() <= first), 0) if before else 0
    )
    return _bare(told[start:last])
