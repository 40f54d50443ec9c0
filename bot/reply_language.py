"""In which language a message is answered."""

from __future__ import annotations

from bot.nlu.parse import Parse
from bot.tracker import Tracker


def reply_language(parse: Parse, tracker: Tracker, hint: str | None) -> str:
    """The language of the reply: asked for, else the message's own, else the conversation's, else the hint."""
    before = tracker.slot("language") or (hint if hint in ("zh", "en") else None)
    if parse.intent == "switch_language" and parse.confidence > 0.5:
        return _asked_language(parse.canonical, before)
    detected = parse.detected.language
    if parse.payload is not None or detected not in ("zh", "en"):
        return str(before or "zh")
    if before and detected != before and _weak(parse):
        return str(before)
    return detected


def _asked_language(text: str, before: str | None) -> str:
    if any(word in text for word in ("english", "英文", "英语", "eng")):
        return "en"
    if any(
        word in text
        for word in ("chinese", "中文", "普通话", "国语", "汉语", "mandarin", "cantonese", "粤语", "广东话")
    ):
        return "zh"
    return "zh" if before == "en" else "en"


def _weak(parse: Parse) -> bool:
    """Whether a text says too little to change the language of a conversation: a name, a yes, a number."""
    if parse.detected.language == "en":
        words = parse.canonical.split()
        told = {word for entity in parse.entities for word in entity.text.lower().split()}
        return len([word for word in words if word not in told]) <= 1
    places = parse.all("location", "district", "subdistrict", "road", "landmark")
    named = {position for entity in places for position in range(entity.start, entity.end)}
    return sum(char.isalpha() for position, char in enumerate(parse.text) if position not in named) <= 1
