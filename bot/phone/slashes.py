"""Two numbers with a slash between them, read out: a fraction, a day of the year, or one or the other."""

from __future__ import annotations

import re

from bot.phone.numerals import en_number, en_ordinal, en_year, zh_digits, zh_number

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SLASHED = re.compile(r"(?<![\d./／])(?:(?P<whole>\d{1,3}) )?(?P<a>\d{1,4})\s?[/／]\s?(?P<b>\d{1,4})(?![\d/／]|\.\d)")
# Words beside it after which it is a choice: lines, floors, numbers of houses.
_CHOICE_ZH = re.compile(r"(?:号线|[号楼层栋座室届期班路线页栏岁档级]|单元|年级|人间|[年月](?!底))")
_CHOICE_BEFORE = re.compile(
    r"(?:第|选项|方案|附件|表|窗口|\b(?:lines?|floors?|options?|buildings?|blocks?|gates?|steps?|numbers?|no\.?|units?|"
    r"rooms?|exits?|phases?|forms?|types?|class(?:es)?|levels?|grades?|routes?|buses|bus|pages?|windows?|counters?))\s*$",
    re.I,
)
_DAY_BEFORE = re.compile(
    r"(?:日期|截至|截止|自|从|至|到|于|在|生效|(?:周|星期|礼拜)[一二三四五六日天][，(（]?|"
    r"\b(?:on|by|before|after|from|until|till|since|dated?|of|due|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)"
    r"(?:day)?[.,(]{0,2}))[:： ]*$",
    re.I,
)
_DAY_AFTER = re.compile(
    r"\s?(?:日|前|起|止|之前|上午|下午|消费者|[^\s\d,，。;；的在是和到]{0,6}(?:节(?![约目点省能])|纪念日|假期)|a\.?m|p\.?m)"
)
YEARS, LATE_MONTHS = range(1900, 2100), (10, 11, 12)
# Up to here a denominator has a name of its own in English; the others are said "over" it.
MOST_NAMED = 100
ROUND = frozenset({15, 16, 20, 24, 25, 30, 32, 40, 50, 60, 64, 100, 200, 500, 1000})
ALWAYS = (24, 7)


def zh_slashed(found: re.Match[str]) -> str:
    """In Chinese."""
    a, b, whole = int(found["a"]), int(found["b"]), found["whole"]
    before = f"{zh_number(whole)} " if whole else ""
    if (a, b) == ALWAYS:
        return f"{before}全天候"
    if _is_month(found):
        return f"{before}{zh_digits(found['a'], '一')}年{zh_number(found['b'])}" + (
            "" if _followed(found, "月") else "月"
        )
    if _is_day(found):
        return f"{before}{zh_number(found['a'])}月{zh_number(found['b'])}" + ("" if _followed(found, "日") else "日")
    if not _is_fraction(found):
        return f"{before}{zh_number(found['a'])}或{zh_number(found['b'])}"
    said = f"{zh_number(found['b'])}分之{zh_number(found['a'])}"
    return f"{zh_number(whole)}又{said}" if whole else said


def en_slashed(found: re.Match[str]) -> str:
    """In English."""
    a, b, whole = int(found["a"]), int(found["b"]), found["whole"]
    before = f"{en_number(whole)} " if whole else ""
    if (a, b) == ALWAYS:
        return f"{before}twenty-four seven"
    if _is_month(found):
        return f"{before}{MONTHS[b - 1]} {en_year(found['a'])}"
    if _is_day(found):
        return f"{before}the {en_ordinal(b)} of {MONTHS[a - 1]}"
    if not _is_fraction(found):
        return f"{before}{en_number(found['a'])} or {en_number(found['b'])}"
    if b > MOST_NAMED and b != 1000:
        said = f"{en_number(found['a'])} over {en_number(found['b'])}"
        return f"{en_number(whole)} and {said}" if whole else said
    named = {2: "half", 4: "quarter", 100: "hundredth", 1000: "thousandth"}.get(b) or en_ordinal(b)
    many = "halves" if named == "half" else f"{named}s"
    said = f"{'a' if whole and a == 1 else en_number(found['a'])} {named if a == 1 else many}"
    return f"{en_number(whole)} and {said}" if whole else said


def _followed(found: re.Match[str], words: str) -> bool:
    return found.string.startswith(words, found.end())


def _is_month(found: re.Match[str]) -> bool:
    """A year and a month of it."""
    return int(found["a"]) in YEARS and 1 <= int(found["b"]) <= 12 and len(found["b"]) <= 2


def _is_day(found: re.Match[str]) -> bool:
    """A month and a day: where the words beside it say so, or the second number is no usual denominator."""
    a, b = int(found["a"]), int(found["b"])
    if not (1 <= a <= 12 and 1 <= b <= 31) or len(found["a"]) > 2 or len(found["b"]) > 2:
        return False
    told = _DAY_BEFORE.search(found.string[: found.start()]) or _DAY_AFTER.match(found.string, found.end())
    # "of 1/3" and "到1/3" are shares; a denominator above twelve is a day where a day is told of.
    return bool(told and (b > 12 or a >= b or len(found["b"]) == 2 or _followed(found, "日"))) or (
        b > 12 and a > 1 and (b not in ROUND or a in LATE_MONTHS)
    )


def _is_fraction(found: re.Match[str]) -> bool:
    a, b = int(found["a"]), int(found["b"])
    if found["whole"] and not 0 < a < b:
        return False
    choice = _CHOICE_BEFORE.search(found.string[: found.start()]) or _CHOICE_ZH.match(found.string, found.end())
    plain = not found["a"].startswith("0") and not found["b"].startswith("0")
    return 0 < a < b and plain and not choice and (b <= 12 or b in ROUND or a == 1)
