"""Numbers as they are read out, in Chinese and English."""

from __future__ import annotations

ZH_DIGITS = "零一二三四五六七八九"
EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ZH_PLACES = ("", "十", "百", "千")
_ZH_GROUPS = ("", "万", "亿", "万亿")
_EN_SMALL = (
    *EN_DIGITS, "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_EN_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_EN_GROUPS = ("", " thousand", " million", " billion", " trillion")
_EN_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
MOST_DIGITS = 12


def zh_digits(text: str, one: str = "幺") -> str:
    """Digits one by one as on the telephone, where 1 is 幺; anything else stays."""
    return "".join((one if char == "1" else ZH_DIGITS[int(char)]) if char in "0123456789" else char for char in text)


def en_digits(text: str) -> str:
    """Digits and letters one by one."""
    return " ".join(EN_DIGITS[int(char)] if char in "0123456789" else char for char in text if not char.isspace())


def zh_number(digits: str) -> str:
    """A whole number: 1200 as 一千二百; one that is too long digit by digit."""
    digits = digits.lstrip("0") or "0"
    if digits == "0" or len(digits) > MOST_DIGITS:
        return zh_digits(digits, "一")
    groups = [digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)][::-1]
    said = ""
    for place, group in enumerate(groups):
        value = int(group)
        if value == 0:
            continue
        if said and (group[0] == "0" or (groups[place - 1].endswith("0") and int(groups[place - 1]) == 0)):
            said += "零"
        said += _zh_group(group.lstrip("0")) + _ZH_GROUPS[len(groups) - 1 - place]
    return said[1:] if said.startswith("一十") else said


def _zh_group(digits: str) -> str:
    """A number below ten thousand without a leading nought."""
    said = ""
    for place, char in enumerate(digits):
        if char != "0":
            said += ZH_DIGITS[int(char)] + _ZH_PLACES[len(digits) - 1 - place]
        elif not said.endswith("零") and int(digits[place:]):
            said += "零"
    return said


def en_number(digits: str) -> str:
    """A whole number: 1200 as one thousand two hundred; one that is too long digit by digit."""
    digits = digits.lstrip("0") or "0"
    if len(digits) > MOST_DIGITS:
        return en_digits(digits)
    value, parts = int(digits), []
    for group in _EN_GROUPS:
        value, rest = divmod(value, 1000)
        if rest:
            parts.append(_en_below_thousand(rest) + group)
    return " ".join(reversed(parts)) or "zero"


def _en_below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    head = [f"{EN_DIGITS[hundreds]} hundred"] if hundreds else []
    return " ".join([*head, *([_en_below_hundred(rest)] if rest else [])])


def _en_below_hundred(value: int) -> str:
    if value < 20:
        return _EN_SMALL[value]
    tens, ones = divmod(value, 10)
    return _EN_TENS[tens] + (f"-{_EN_SMALL[ones]}" if ones else "")


def en_ordinal(value: int) -> str:
    """The place in a row: 21 as twenty-first."""
    head, dash, last = _en_below_hundred(value).rpartition("-")
    regular = last[:-1] + "ieth" if last.endswith("y") else f"{last}th"
    return head + dash + _EN_ORDINALS.get(last, regular)


def en_year(digits: str) -> str:
    """A year: 2026 as twenty twenty-six, 2008 as two thousand eight."""
    value = int(digits)
    century, rest = divmod(value, 100)
    if 2000 <= value < 2010 or (rest == 0 and value % 1000 == 0):
        return en_number(digits)
    tail = "hundred" if rest == 0 else f"oh {EN_DIGITS[rest]}" if rest < 10 else _en_below_hundred(rest)
    return f"{_en_below_hundred(century)} {tail}"


def zh_decimal(text: str) -> str:
    """A number with commas and a decimal point as it may be."""
    whole, _, rest = text.replace(",", "").partition(".")
    return zh_number(whole) + (f"点{zh_digits(rest, '一')}" if rest else "")


def en_decimal(text: str) -> str:
    """A number with commas and a decimal point as it may be."""
    whole, _, rest = text.replace(",", "").partition(".")
    return en_number(whole) + (f" point {en_digits(rest)}" if rest else "")
