"""Numbers and hours that were read out, brought to the form of written ones."""

from __future__ import annotations

import re

from knowledge.normal import NormalText

ZH_DIGITS = {char: str(i) for i, char in enumerate("零一二三四五六七八九")} | {
    "幺": "1",
    "〇": "0",
    "洞": "0",
    "拐": "7",
    "两": "2",
}
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
EN_NUMBERS = {word: i for i, word in enumerate(WORDS, start=1)}
EN_DIGITS = {word: str(i) for word, i in EN_NUMBERS.items() if i < 10} | dict.fromkeys(
    ("zero", "oh", "o", "nought"), "0"
)
MINUTES = {"fifteen": "15", "thirty": "30", "forty-five": "45"}
TIMES_SAID = {"double": 2, "triple": 3}
_ZH, _ONE = "".join(ZH_DIGITS), "么麼妖腰邀"
# 幺 as recognisers write it: before four digits more, or between two; not in 什么 and its like, nor as a question.
HEARD_AS_ONE = (
    rf"(?:(?<![什怎这那多要了])[{_ONE}](?=[{_ZH}{_ONE}](?:[ ，,、\-—]*[{_ZH}{_ONE}]){{3}})"
    rf"|(?<=[{_ZH}{_ONE}])[{_ONE}](?=[{_ONE}]*[{_ZH}]))"
)
_ZH_RUN = re.compile(rf"(?:[{_ZH}]|{HEARD_AS_ONE})(?:[ {_ZH}]|{HEARD_AS_ONE}){{6,}}")
_EN_WORD = rf"(?:(?:double|triple) )?(?:{'|'.join(EN_DIGITS)})"
_EN_RUN = re.compile(rf"(?<![a-z0-9])(?:[a-z][ ,.\-]+[a-z][ ,.\-]+)?{_EN_WORD}(?:[ ,.\-]+{_EN_WORD}){{5,}}(?![a-z0-9])")
_ZH_NUMBER = re.compile(r"[一二两三四五六七八九十百]+")
_ZH_COUNTED = re.compile(
    r"(?<![一二两三四五六七八九十百千万第\d])[一二两三四五六七八九十百]+(?=(?:个|多)?(?:点|月|日|号|天|年|周|分|小时|星期|礼拜|钟)|(?:分|$))"
)
_HOUSE = re.compile(r"[一二两三四五六七八九十百]+(?=号|栋|座|楼|层|单元|室)")
_EN_COUNTED = re.compile(
    rf"\b(?:{'|'.join(EN_NUMBERS)})(?= (?:minutes?|hours?|days?|nights?|weeks?|months?|years?|o'?clock|am|pm))"
)
_ZH_CLOCK = re.compile(r"(\d{1,2})点(?:(半)|(一刻|1刻)|(三刻|3刻)|(\d{1,2})分?)?(?:钟|整)?")
_HOUR = "|".join((r"\d{1,2}", *EN_NUMBERS))
_EN_CLOCK = re.compile(rf"\b(?:a )?(half past|quarter past|quarter to) ({_HOUR})\b")
_EN_PAIR = re.compile(rf"\b({'|'.join(WORDS)}) ({'|'.join(MINUTES)})\b")
_LATE = re.compile(r"(下午|傍晚|晚上|今晚|昨晚|晚)(\d{1,2}):(\d{2})")
_EN_LATE = re.compile(r"\b(\d{1,2})(?::(\d{2}))? ?(am|pm|a\.m\.|p\.m\.|in the (?:morning|afternoon|evening))(?![a-z])")
_WEEK = re.compile("星期|礼拜")


def digits_for_words(normal: NormalText) -> NormalText:
    """Digits read out one by one (幺三八…, "one three eight double zero …") written as digits."""
    text = _ZH_RUN.sub(lambda run: "".join(zh_digit(c) or c for c in run.group()), normal.text)
    characters: list[str] = []
    origin: list[int] = []
    at = 0
    for run in _EN_RUN.finditer(text):
        characters += text[at : run.start()]
        origin += normal.origin[at : run.start()]
        written = _written(run.group())
        characters += written
        origin += [normal.origin[run.start()]] * (len(written) - 1) + [normal.origin[run.end() - 1]]
        at = run.end()
    characters += text[at:]
    origin += normal.origin[at:]
    return NormalText("".join(characters), tuple(origin), normal.original)


def _written(run: str) -> str:
    """The digits of a run; two letters before them stay letters."""
    found, often = "", 1
    for word in re.split(r"[ ,.\-]+", run):
        often = TIMES_SAID.get(word, often)
        if word not in TIMES_SAID:
            spelt = word if len(word) == 1 and not found[2:].isdigit() and len(found) < 2 and word != "o" else ""
            found += spelt or EN_DIGITS.get(word, "") * often
            often = 1
    return found


def zh_digit(char: str) -> str:
    """The digit that a character of a row of digits stands for, empty for none."""
    return "1" if char in _ONE else ZH_DIGITS.get(char, "")


def zh_number(text: str) -> str:
    """A Chinese number below a thousand in digits: 二十三 as 23."""
    total, digit = 0, 0
    for char in text:
        if char in "十百":
            total += (digit or 1) * (10 if char == "十" else 100)
            digit = 0
        else:
            digit = int(ZH_DIGITS[char])
    return str(total + digit)


def time_value(text: str) -> str:
    """A told time in one form: digits, hours as 15:30, 星期 as 周."""
    text = _ZH_COUNTED.sub(lambda found: zh_number(found.group()), _WEEK.sub("周", text))
    text = re.sub(r"(\d点)([一二两三四五六七八九十]+)(?=分)", lambda m: m[1] + zh_number(m[2]), text)
    text = _ZH_CLOCK.sub(_zh_clock, text)
    text = _EN_COUNTED.sub(lambda found: str(EN_NUMBERS[found.group()]), text)
    text = _EN_PAIR.sub(lambda found: f"{EN_NUMBERS[found[1]]}:{MINUTES[found[2]]}", text)
    text = _EN_CLOCK.sub(_en_clock, text)
    text = _LATE.sub(lambda found: f"{found[1]}{_afternoon(int(found[2]))}:{found[3]}", text)
    return _EN_LATE.sub(_half_day, text).strip()


def place_value(text: str) -> str:
    """A told place with its house, floor and room numbers in digits."""
    return _HOUSE.sub(lambda found: zh_number(found.group()), text)


def _zh_clock(found: re.Match[str]) -> str:
    minutes = "30" if found[2] else "15" if found[3] else "45" if found[4] else (found[5] or "0").zfill(2)
    return f"{int(found[1])}:{minutes}"


def _en_clock(found: re.Match[str]) -> str:
    hour = int(found[2]) if found[2].isdigit() else EN_NUMBERS[found[2]]
    if found[1] == "quarter to":
        return f"{(hour - 2) % 12 + 1}:45"
    return f"{hour}:{'30' if found[1] == 'half past' else '15'}"


def _half_day(found: re.Match[str]) -> str:
    hour, early = int(found[1]), found[3] in ("am", "a.m.", "in the morning")
    return f"{hour % 12 if early else _afternoon(hour)}:{found[2] or '00'}"


def _afternoon(hour: int) -> int:
    return hour + 12 if hour < 12 else hour
