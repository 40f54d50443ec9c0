"""A mobile number read out on the phone: in pieces, with counted zeros, misheard."""

from __future__ import annotations

import re

from bot.nlu.spoken import EN_DIGITS, TIMES_SAID, ZH_DIGITS
from knowledge.normal import normalise

LENGTH = 11
FEWEST, BESIDE = 3, 2
CHINESE = re.compile(r"[零一二三四五六七八九幺〇洞拐两个]|[^\u3400-\u9fff]")
MOBILE = re.compile(r"1[3-9]\d{9}")
ALONE = re.compile(r"(?:86)?(1[3-9]\d{9})")
BEGINNING = re.compile(r"1[3-9]\d{1,6}")
MISHEARD_ONE = re.compile(r"(?:[要妖腰邀]|(?<![什怎这那多])么)(?=[零一二三四五六七八九幺〇洞拐两\d])")
MISHEARD = {"ate": "8", "won": "1", "fore": "4", "tree": "3", "free": "3", "nein": "9", "sicks": "6", "nought": "0"}
TENS = {"thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16", "eighteen": "18", "nineteen": "19"}
_NUMBER = "two|three|four|five|six|seven|eight|ate|nine|[2-9]"
_ZEROS = r"(?:zero|nought|oh|o)(?:e?s|'s)?"
COUNTED = re.compile(
    r"(?P<zh>[二两三四五六七八九\d])个(?P<digit>[零〇洞一二三四五六七八九\d])"
    rf"|\b(?P<before>{_NUMBER})[ ,\-]+(?:times?[ ,]+{_ZEROS}|(?:more[ ,]+)?(?:zero|nought|oh|o)(?:e?s|'s))(?![a-z])"
    rf"|(?<=\band )(?P<led>{_NUMBER})[ ,\-]+{_ZEROS}(?![a-z])(?![ ,]+(?:zero|oh|o|nought|one|two|three)\b)"
    rf"|\b{_ZEROS}[ ,.]+(?P<after>{_NUMBER})(?:[ ,]+(?:times?|of them)\b)"
)
ALL_ZEROS = re.compile(r"后面(?:都|全)(?:是)?零|全(?:是|部)?零|\ball (?:the rest )?(?:zero|nought)(?:e?s|'s)?\b")
_PIECE = re.compile(r"[a-z]+|\d|[零一二三四五六七八九幺〇洞拐两]")


def digits_told(text: str) -> str:
    """The digits read out in a text, whatever stands between them; zeros told by their number are written out."""
    clean = MISHEARD_ONE.sub("幺", normalise(text).text)
    found, often = "", 1
    for word in _PIECE.findall(COUNTED.sub(_repeated, clean)):
        often = TIMES_SAID.get(word, often)
        if word not in TIMES_SAID:
            digit = word if word.isdigit() else ZH_DIGITS.get(word) or TENS.get(word) or _english(word)
            found, often = found + digit * often, 1
    if ALL_ZEROS.search(clean) and (start := BEGINNING.search(found)) is not None:
        found = start.group().ljust(LENGTH, "0")
    return found


def reads_out(text: str) -> bool:
    """Whether a text is a piece of a mobile number read out and hardly anything else."""
    clean = MISHEARD_ONE.sub("幺", normalise(text).text)
    words = _PIECE.findall(clean)
    beside = [word for word in words if word not in TIMES_SAID and word not in TENS and not _digit(word)]
    chinese = len(CHINESE.sub("", clean))
    return FEWEST <= len(digits_told(text)) <= LENGTH and len(beside) <= BESIDE and chinese <= BESIDE


def mobile_in(text: str, alone: bool = False) -> str | None:
    """The mobile number in a text, None where there is none; `alone` where no other digits may be told beside it."""
    told = digits_told(text)
    found = ALONE.fullmatch(told) if alone else MOBILE.search(told)
    return found[found.lastindex or 0] if found else None


def _digit(word: str) -> str:
    return word if word.isdigit() else ZH_DIGITS.get(word) or _english(word)


def _english(word: str) -> str:
    return EN_DIGITS.get(word) or MISHEARD.get(word, "")


def _repeated(found: re.Match[str]) -> str:
    """Digits told by their number: 八个零, "eight zeros", "zeros, eight of them"."""
    if found["zh"]:
        count = found["zh"] if found["zh"].isdigit() else ZH_DIGITS[found["zh"]]
        return found["digit"] * int(count)
    told = found["before"] or found["led"] or found["after"]
    return "0" * int(told if told.isdigit() else _english(told))
