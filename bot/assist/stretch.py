"""How far the words for a place go on in speech that was written down without punctuation."""

from __future__ import annotations

import re

from bot.nlu.english_places import place_words

LONGEST = 26
BREAK = re.compile(
    r"[，。,.!！?？;；、…]|嘛|那个|这个|就是|就在|我|你|他|她|它|咱|每天|天天|一直|晚上|早上|昨|今天|电话|手机|有(?!限)|没|不|"
    r"都|在|的(?:老板|那|人|时候|话)|老是|经常|然后|因为|所以|把|被|很|太|吧|啊|呢|哦|呀|了|啦|嘅|喺|系|姓|叫|是|得|来|去|要|"
    r"门牌|具体|大概"
)
_ENDS = re.compile(f"(?:{place_words()['end']}|{place_words()['unit']}|{place_words()['near']})")


def stretch(text: str, start: int, end: int) -> int:
    """Where a place from `start` to `end` at least really ends: with the last place word before a break."""
    limit = min(len(text), start + LONGEST)
    broken = BREAK.search(text, end, limit)
    tail = text[start : broken.start() if broken else limit]
    last = max((found.end() for found in _ENDS.finditer(tail)), default=0)
    return max(end, start + last)


def first_stretch(text: str) -> tuple[int, int] | None:
    """The first words of a text that end in a place word; None when there are none."""
    at = 0
    while at < len(text):
        broken = BREAK.search(text, at)
        stop = broken.start() if broken else len(text)
        last = max((found.end() for found in _ENDS.finditer(text[at:stop])), default=0)
        if last > 2:
            return at, at + last
        at = broken.end() if broken else len(text)
    return None
