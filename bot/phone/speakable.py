"""A text as it can be read out: numbers in words, no Markdown, no link. Pure; what replaces a link is an argument."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.phone.numerals import (
    en_decimal,
    en_digits,
    en_number,
    en_ordinal,
    en_year,
    zh_decimal,
    zh_digits,
    zh_number,
)
from bot.phone.slashes import MONTHS, SLASHED, en_slashed, zh_slashed
from knowledge.queries import NLU_DATA

SIGNS_FILE = NLU_DATA / "lookups" / "spoken_signs.csv"
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if name[3:] else name for name in MONTHS)
_UNITS_ZH = "个|天|份|张|次|名|位|种|项|条|小时|周|年|人|户|家|件|间|层|月|分钟|元|块|米|平方米|公里|岁|折|成|级|页|寸|万(?!一)|亿|多|余|公斤|号线|秒|字|平米|千米|公分|厘米|毫米|分贝|度|斤|升|毫升|吨|辆|台"
_COUNTED_ZH = "个|天|份|张|次|名|位|种|项|条|小时|周|年|人|户|家|件|间|层|分钟|元|块|米|平方米|公里|页|寸|万|亿"
_UNITS_EN = (
    r"(?:working |calendar |business |square |cubic )?(?:days?|hours?|minutes?|weeks?|months?|years?|people|persons?|yuan|"
    r"copies|photos?|metres?|meters?|kilomet\w+|km|m|times?|percent|degrees?|items?|places?|cases?|dollars?|kuai|RMB|CNY|"
    r"seconds?|pages?|words?|decibels?|dB|cm|mm|kg|kilograms?|grams?|litres?|liters?|cars?)\b"
)
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_HOST = r"(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+(?:com|cn|net|org|gov|edu|info|io|hk)"
_MARKDOWN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\(([^)\s]+)[^)]*\)"), r"\1"),
    (re.compile(r"^\s*```\w*\s*$", re.M), ""),
    (re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,}|[|:\-\s]{4,})\s*$", re.M), ""),
    (re.compile(r"^\s{0,3}#{1,6}\s+", re.M), ""),
    (re.compile(r"^\s*>\s?", re.M), ""),
    (re.compile(r"^\s*[-*+•]\s+", re.M), ""),
    (re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"<br\s*/?>", re.I), "\n"),
    (re.compile(r"</?[a-z][^<>]{0,200}>", re.I), ""),
)
_PICTOGRAM = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200b-\u200f\u2060-\u206f\ufeff]")
_BRACKETED = re.compile(r"\s*[(（]([^()（）]*)[)）]")
_LEFT = re.compile(r"[()（）]")


@dataclass(frozen=True)
class Links:
    """What is said in place of an address: of a government's site, and of any other."""

    government: str
    other: str


Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def speakable(text: str, language: str, links: Links) -> str:
    """The text as it is read out in a language."""
    for pattern, kept in _MARKDOWN:
        text = pattern.sub(kept, text)
    text = _PICTOGRAM.sub("", text)
    for pattern, said in (*_links(links), *RULES[language]):
        text = pattern.sub(said, text)
    return _tidy(_signs(text, language), language)


def _links(links: Links) -> tuple[Rule, ...]:
    def named(found: re.Match[str]) -> str:
        return links.government if re.search(r"gov\.cn|\.gov\b", found.group(), re.I) else links.other

    return (
        (re.compile(r"\b(?:https?|wss?|ftp)://[^\s，。；、）)】》“”\"']+", re.I), named),
        (re.compile(r"\b(?:mailto|tel):", re.I), lambda found: ""),
        (re.compile(rf"(?<=[\u3400-\u9fff]) (?:www\.)?{_HOST}(?![\w@./])", re.I), lambda found: ""),
        (re.compile(rf"(?<![@\w.])(?:www\.)?{_HOST}(?:/[\w./?=&%#\-]*)?(?![\w@])", re.I), named),
    )


@lru_cache(maxsize=1)
def _sign_table() -> tuple[dict[str, str], ...]:
    with SIGNS_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple(sorted(csv.DictReader(rows), key=lambda row: -len(row["sign"])))


def _signs(text: str, language: str) -> str:
    for row in _sign_table():
        text = text.replace(row["sign"], row[language])
    return text


def _tidy(text: str, language: str) -> str:
    """Lines joined as sentences, brackets as pauses."""
    comma, stop, ends = ("，", "。", "。！？!?；;：:，,、") if language == "zh" else (", ", ". ", ".!?;:,。！？；：，")
    text = _BRACKETED.sub(lambda found: f"{comma}{found[1].strip()}{comma}" if found[1].strip() else "", text)
    text = _LEFT.sub(comma, text)
    lines = [re.sub(r"\s+", " ", line).strip(" ,，、") for line in text.splitlines()]
    text = ""
    for line in filter(None, lines):
        text += (
            ("" if not text or text[-1] in ends else stop.strip()) + (" " if text and language == "en" else "") + line
        )
    if language == "zh":
        text = re.sub(r"，(?=[，。！？；：、])|(?<=[。！？；：、，])[，、]+", "", text)
        text = re.sub(r"(?<=[\u3400-\u9fff，。；：]) (?=[\u3400-\u9fff，。；：])", "", text)
        return text.strip("，、；： ")
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r",(?:\s*,)+", ",", text)
    text = re.sub(r",\s*([.;:!?])|([.;:!?]),", r"\1\2", text)
    return re.sub(r"\s{2,}", " ", text).strip(" ,;:")


def _zh_code(code: str) -> str:
    parts = [
        zh_digits(part) if part.isdigit() else " ".join(part.upper()) for part in re.findall(r"[A-Za-z]+|\d+", code)
    ]
    return " ".join(parts)


def _zh_case(found: re.Match[str]) -> str:
    return f"{' '.join(found[1].upper())}，{zh_digits(found[2])}，{zh_digits(found[3])}，{zh_digits(found[4])}"


def _en_case(found: re.Match[str]) -> str:
    return ", ".join([" ".join(found[1].upper()), *(en_digits(found[part]) for part in (2, 3, 4))])


def _phone(found: re.Match[str]) -> tuple[str, ...]:
    """The digits of a telephone number in groups."""
    digits = re.sub(r"\D", "", found.group())
    if digits.startswith("86") and len(digits) == 13:
        digits = digits[2:]
    if len(digits) == 11 and digits[0] == "1":
        return digits[:3], digits[3:7], digits[7:]
    told = [part for part in re.split(r"\D+", found.group()) if part]
    short = re.fullmatch(r"(0\d{2,3}?)(12345|9[56]\d{3,4})", digits)
    if short and len(told) == 1:
        return short[1], short[2]
    return tuple(told) if len(told) > 1 else tuple(digits[at : at + 4] for at in range(0, len(digits), 4))


def _zh_date(found: re.Match[str]) -> str:
    day = f"{zh_number(found[3])}日" if found[3] else ""
    return f"{zh_digits(found[1], '一')}年{zh_number(found[2])}月{day}"


def _en_date(year: str | None, month: int, day: str | None) -> str:
    said = f"the {en_ordinal(int(day))} of {MONTHS[month - 1]}" if day else MONTHS[month - 1]
    return f"{said} {en_year(year)}" if year else said


def _en_named(found: re.Match[str]) -> str:
    """A date with the month's name, whichever way around."""
    name = (found["m1"] or found["m2"])[:3].lower()
    month = next(place for place, month in enumerate(MONTHS, 1) if month[:3].lower() == name)
    return _en_date(found["y1"] or found["y2"], month, found["d1"] or found["d2"])


def _zh_time(found: re.Match[str]) -> str:
    hour, minute = zh_number(found[1]), found[2]
    hour = "两" if hour == "二" else hour
    return f"{hour}点" if minute == "00" else f"{hour}点{'零' if minute[0] == '0' else ''}{zh_number(minute)}分"


def _en_time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), found[2]
    told = en_number(str(hour % 12 or 12))
    minutes = "" if minute == "00" else f" oh {en_number(minute)}" if minute[0] == "0" else f" {en_number(minute)}"
    return f"{told}{minutes} {'a.m.' if hour < 12 else 'p.m.'}"


def _zh_money(found: re.Match[str]) -> str:
    whole, _, rest = found["n"].replace(",", "").partition(".")
    many = found.groupdict().get("many") or ""
    if rest.strip("0") and not many:
        jiao, fen = rest[0], f"{rest}0"[1]
        parts = [
            f"{zh_number(jiao)}角" if jiao != "0" else "零" if fen != "0" else "",
            f"{zh_number(fen)}分" if fen != "0" else "",
        ]
        return f"{zh_number(whole)}元{''.join(parts)}"
    return (zh_decimal(found["n"]) if many else zh_number(whole)) + many + "元"


def _en_money(found: re.Match[str]) -> str:
    whole, _, rest = found["n"].replace(",", "").partition(".")
    many = f" {found['many']}" if found.groupdict().get("many") else ""
    if rest.strip("0") and not many:
        return f"{en_number(whole)} yuan {en_number(f'{rest}0'[:2])} fen"
    return f"{en_decimal(found['n']) if many else en_number(whole)}{many} yuan"


def _zh_counted(found: re.Match[str]) -> str:
    return "两" if found.group() == "2" else zh_decimal(found.group())


_DAY = r"(0?[1-9]|[12]\d|3[01])"
_CASE = re.compile(r"(?<![A-Za-z\d])([A-Za-z]{2})(\d{6})-?(\d{6})-?(\d)(?!\d)")
_CODE = re.compile(r"(?<![A-Za-z\d])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Z\d]{4,}(?![A-Za-z\d])")
_SHORT = r"(?:1[0-2]\d|12\d{3}|9[56]\d{3})"
_AREA = r"(?:0\d{2,3}(?:[- ]|[)）][- ]?)|86[- ]\d{2,3}[- ])"
_PHONE = re.compile(
    rf"(?<![\d.])(?:\+?86[- ]?)?(?:{_AREA}(?:\d{{7,8}}|{_SHORT}\d?)(?:-\d{{1,5}})?(?!\d)|0\d{{2,3}}(?:12345|9[56]\d{{3,4}})(?!\d)|"
    r"\d{3}[- ]\d{7,8}|[48]00[- ]\d{3}[- ]\d{4}|\d{3}[- ]\d{4}[- ]\d{4}|\d{7,})(?![\d%元万亿个块]|\.\d| ?yuan)"
)
# Amounts told in a row (110-120元, "between 110 and 120 yuan"): the unit after the last and the sign before the first
# hold for all, and none of them is a number to call.
_JOIN_ZH, _JOIN_EN = r"\s?[到至或和、]\s?", r",? (?:up to|to|and|or) "
_SIGN = r"(?:[¥￥]|RMB|CNY)\s?"
_APART = r"(?<![\d.,¥￥打拨])(?<!RMB)(?<!CNY)(?<!RMB )(?<!CNY )(?<!致电)(?<!热线)(?<!call )(?<!dial )(?<!phone )"
_ROW_ZH, _ROW_EN = (
    re.compile(rf"{_APART}{_SHORT}(?!\d|[.,]\d)(?=(?:, (?:{_NUMBER}))*(?:{join}(?:{_NUMBER}))+\s?(?:{units}))", re.I)
    for join, units in ((_JOIN_ZH, _UNITS_ZH), (_JOIN_EN, f"-?{_UNITS_EN}"))
)
_SIGNED_ZH, _SIGNED_EN = (
    re.compile(rf"({_SIGN})({_NUMBER})({join})({_NUMBER})(?!\d|[.,]\d|[%％]|\s?-?(?:{units}))")
    for join, units in ((_JOIN_ZH, _UNITS_ZH), (_JOIN_EN, _UNITS_EN))
)
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-4])[:：]([0-5]\d)(?::[0-5]\d)?(?![\d:])")
_MOMENT = re.compile(r"(?<=\d\d-\d\d)[ T](?=\d{1,2}:\d{2})")
_CLOCKS = re.compile(r"(?<=\d)\s*[-–—~～至]\s*(?=\d{1,2}[:：]\d{2})")
_RANGE = re.compile(r"(?<=[\d%元])\s*[-–—~～]\s*(?=[¥￥]?\d)")
_LIST = re.compile(r"^\s*(\d{1,2})[.、)）]\s*(?=\D)", re.M)
_DASH = re.compile(r"\s*[—–]+\s*|(?<=[\u3400-\u9fff])-+(?=[\u3400-\u9fff])|\s-\s")
_SLASH = re.compile(r"(?<=[^\s\d])\s*/\s*(?=[^\s\d])")

RULES: Mapping[str, tuple[Rule, ...]] = {
    "zh": (
        (_CASE, _zh_case),
        (_LIST, lambda found: f"第{zh_number(found[1])}，"),
        (_MOMENT, lambda found: " "),
        (re.compile(rf"(?<!\d)(\d{{4}})[-/.]{_DAY}[-/.]{_DAY}(?!\d)"), _zh_date),
        (re.compile(r"(?<!\d)(\d{4})年(?:(\d{1,2})月(?:(\d{1,2})[日号])?)?"), lambda found: _zh_date(found) if found[2] else f"{zh_digits(found[1], '一')}年"),
        (SLASHED, zh_slashed),
        (_CLOCKS, lambda found: "到"),
        (_CLOCK, _zh_time),
        (_CODE, lambda found: _zh_code(found.group())),
        (_PHONE, lambda found: "，".join(zh_digits(part) for part in _phone(found))),
        (_RANGE, lambda found: "到"),
        (_SIGNED_ZH, lambda found: "{0}{1}{2}{0}{3}".format(*found.groups())),
        (_ROW_ZH, lambda found: zh_number(found.group())),
        (re.compile(rf"{_SIGN}(?P<n>{_NUMBER})(?P<many>[万亿]?)(?:元)?"), _zh_money),
        (re.compile(rf"(?P<n>{_NUMBER})(?P<many>[万亿]?)(?:元|块钱)"), _zh_money),
        (re.compile(rf"({_NUMBER})\s?[%％]"), lambda found: f"百分之{zh_decimal(found[1])}"),
        (re.compile(rf"(?<![\d.,]){_SHORT}(?!\d|[.,]\d|\s?(?:{_UNITS_ZH}))"), lambda found: zh_digits(found.group())),
        (re.compile(rf"(?<![\d.,]){_NUMBER}(?=(?:{_COUNTED_ZH}))"), _zh_counted),
        (re.compile(r"\d+(?=[号栋座](?!线|楼))"), lambda found: zh_number(found.group())),
        (re.compile(_NUMBER), lambda found: zh_decimal(found.group())),
        (_DASH, lambda found: "，"),
        (_SLASH, lambda found: "或"),
    ),
    "en": (
        (_CASE, _en_case),
        (_LIST, lambda found: f"{en_ordinal(int(found[1])).capitalize()}, "),
        (_MOMENT, lambda found: " at "),
        (re.compile(rf"(?<!\d)(\d{{4}})[-/.]{_DAY}[-/.]{_DAY}(?!\d)"), lambda found: _en_date(found[1], min(int(found[2]), 12) or 1, found[3])),
        (
            re.compile(
                rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m1>{_MONTH})\b(?:,?\s+(?P<y1>\d{{4}})\b)?|"
                rf"(?P<m2>{_MONTH})\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y2>\d{{4}})\b)?)"
            ),
            _en_named,
        ),
        (SLASHED, en_slashed),
        (_CLOCKS, lambda found: " to "),
        (_CLOCK, _en_time),
        (_CODE, lambda found: en_digits(found.group())),
        (_PHONE, lambda found: ", ".join(en_digits(part) for part in _phone(found))),
        (_RANGE, lambda found: " to "),
        (_SIGNED_EN, lambda found: "{0}{1}{2}{0}{3}".format(*found.groups())),
        (_ROW_EN, lambda found: en_number(found.group())),
        (re.compile(rf"{_SIGN}(?P<n>{_NUMBER})(?P<many> (?:thousand|million|billion))?\b"), _en_money),
        (re.compile(rf"(?P<n>{_NUMBER})(?P<many> (?:thousand|million|billion))? ?(?:yuan|RMB|CNY)\b"), _en_money),
        (re.compile(rf"({_NUMBER})\s?[%％]"), lambda found: f"{en_decimal(found[1])} percent"),
        (re.compile(rf"(?<![\d.,]){_SHORT}(?!\d|[.,]\d|\s?-?{_UNITS_EN})"), lambda found: en_digits(found.group())),
        (re.compile(r"(?<![\d.,])(?:19|20)\d\d(?!\d|[.,]\d)"), lambda found: en_year(found.group())),
        (re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b"), lambda found: en_ordinal(int(found[1]))),
        (re.compile(_NUMBER), lambda found: _en_apart(found)),
        (_DASH, lambda found: ", "),
        (_SLASH, lambda found: " or "),
    ),
}  # fmt: skip


def _en_apart(found: re.Match[str]) -> str:
    """A number with spaces where letters touch it ("5km")."""
    text, (start, end) = found.string, found.span()
    before = " " if start and text[start - 1].isalnum() else ""
    after = " " if end < len(text) and text[end].isalnum() else ""
    return f"{before}{en_decimal(found.group())}{after}"
