"""Digits that were read out, written as digits: telephone numbers, case numbers, codes."""

from __future__ import annotations

import re

from bot.nlu.spoken import EN_DIGITS, HEARD_AS_ONE, TIMES_SAID, ZH_DIGITS, zh_digit

LEAST = 5
_ZH_WORD = f"(?:[{''.join(ZH_DIGITS)}]|{HEARD_AS_ONE})"
_ZH_BETWEEN = r"[ \u3000，,、\-—]*(?:杠|横杠|横线)?[ \u3000，,、\-—]*"
_EN_WORD = rf"(?:(?:{'|'.join(TIMES_SAID)})[ ,]+)?(?:{'|'.join(sorted(EN_DIGITS, key=len, reverse=True))})"
_EN_BETWEEN = r"[ ,.\-]+(?:(?:dash|hyphen)[ ,.]+)?"
_ZH_RUN = re.compile(
    rf"(?:(?<![A-Za-z])(?P<zh_head>[A-Za-z] ?[A-Za-z]){_ZH_BETWEEN})?{_ZH_WORD}(?:{_ZH_BETWEEN}{_ZH_WORD}){{{LEAST - 1},}}"
)
_EN_RUN = re.compile(
    rf"(?<![a-z0-9])(?:(?P<en_head>(?-i:[A-Z]{{2}})|[a-z][ ,.\-]+[a-z]){_EN_BETWEEN})?{_EN_WORD}(?:{_EN_BETWEEN}{_EN_WORD}){{{LEAST - 1},}}(?![a-z0-9])",
    re.I,
)
# A number told in tens and hundreds is no row of digits.
_COUNTING = re.compile("[十百千万亿]")


def written(text: str) -> str:
    """The text with rows of five digits or more as digits; whatever else was said stays as it is."""
    return _EN_RUN.sub(_en, _ZH_RUN.sub(_zh, text))


def _zh(found: re.Match[str]) -> str:
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    if _COUNTING.match(before) or _COUNTING.match(after):
        return found.group()
    head = (found["zh_head"] or "").replace(" ", "").upper()
    body = found.group()[len(found["zh_head"] or "") :]
    return head + "".join(map(zh_digit, body))


def _en(found: re.Match[str]) -> str:
    head = re.sub(r"[^a-z]", "", (found["en_head"] or "").lower()).upper()
    digits, often = "", 1
    for word in re.findall(r"[a-z]+", found.group()[len(found["en_head"] or "") :].lower()):
        often = TIMES_SAID.get(word, often)
        if word in EN_DIGITS:
            digits, often = digits + EN_DIGITS[word] * often, 1
    return head + digits
