"""The stretch of a sentence that tells a place, built around names, road words and house numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import lru_cache

from spacy.tokens import Doc

from knowledge.queries import NLU_DATA

STOP_FILE = NLU_DATA / "lookups" / "no_place_words.csv"
NAMED = {"district", "subdistrict", "road", "landmark"}
_SUFFIX = (
    "路|街|大道|道|巷|村|新村|小区|花园|家园|苑|雅苑|公寓|大厦|广场|中心|商场|商城|市场|菜市场|超市|公园|学校|小学|中学|幼儿园|"
    "医院|社康|地铁站|公交站|站|口岸|码头|机场|工业区|工业园|产业园|科技园|园区|城|府|湾|坊|围|桥|天桥|隧道|立交|"
    "路口|街口|大厅|政务大厅|办事大厅|派出所|酒店|宾馆|餐厅|酒吧|工地|停车场|社区|街道|镇|水库|厂|店|楼|大楼|图书馆|体育馆|体育中心"
)
_ENDS_IN_SUFFIX = re.compile(f"^.+(?:{_SUFFIX})$")
_IS_SUFFIX = re.compile(f"^(?:{_SUFFIX})$")
_NUMBER = re.compile(r"^(?:[a-z]?\d+[a-z]?(?:-\d+)*|[a-z]|[一二三四五六七八九十]+)$")
_COUNTED = re.compile(r"^[一两几某那这每各]+[家个条间座处所栋辆位名些种]$")
_UNIT = re.compile(
    r"^(?:号|号楼|号门|号店|栋|座|楼|层|单元|室|期|出口|口|门|区|号线|线|路公交|弄|排|东|西|南|北|东门|西门|南门|北门|正门|后门|大门)$"
)
_NEAR = re.compile(
    r"^(?:附近|门口|旁边|旁|对面|楼下|楼上|里面|里|内|外面|交叉口|交汇处|交界|之间|后面|前面|路口|路段|段|一带|周边|边上|入口|出口处|上|下面|东侧|西侧|南侧|北侧|侧)$"
)
_JOIN = re.compile(r"^(?:和|与|到|至|、|-|/|—|~|·|\(|\))$")
_ALONE = re.compile(
    r"^(?:一楼|二楼|上路|下路|网路|道路|马路|公路|铁路|路边|街上|市中心|政府|楼道|通道|消防通道|人行道|车道|盲道|下水道|管道|频道|渠道|味道|"
    r"线路|电路|套路|思路|门路|出路|后路|网站|全站|门店|书店|网店|饭店|商店|工厂|药店|当中|高中|初中|其中|老板|老城|车站|单位|社会)$"
)
_NO_NAME_TAGS = ("v", "p", "u", "d", "c", "r", "y", "e", "k", "o")
_GENERIC_KIND = re.compile(
    r"(?:店|厂|超市|餐厅|酒吧|工地|学校|医院|公园|停车场|小区|酒店|宾馆|市场|大楼|楼|中心|公寓|广场|园区|社区)$"
)
NAMED_KIND_CHARS = 4
_EN_KIND = (
    r"road|rd|street|st|avenue|ave|boulevard|blvd|lane|park|plaza|square|tower|towers|building|bldg|block|village|garden|gardens|"
    r"estate|community|station|exit|hospital|school|kindergarten|university|campus|market|mall|hall|gate|bridge|footbridge|port|"
    r"airport|hotel|apartment|apartments|compound|center|centre|district|subdistrict|beach|library|restaurant|bar|shop|factory|site|"
    r"intersection|corner|crossing|underpass|tunnel|parking lot|car park|office|clinic|gym|club|stop|line"
)
_EN_PLACE = re.compile(
    r"\b(?:at|in|on|near|by|beside|behind|opposite|outside|inside|around|next to|close to|in front of|across from|between|of|from|to|is|it's|its)\s+"
    rf"(?P<place>(?:the\s+)?(?:(?!at\b|in\b|on\b|about\b|complain\b|report\b|want\b|buy\b|get\b|and it\b|that\b|which\b|is\b|was\b|has\b|my\b|our\b|a\b|an\b|this\b|front\b|every\b|for\b|since\b|i\b|we\b)[a-z0-9'\-]+\s+){{1,4}}(?:{_EN_KIND})(?:\s+[a-z]?\d+[a-z]?)?)\b"
)
_EN_NAMED = re.compile(rf"(?<![a-z0-9])(?:[a-z0-9']+ ){{1,2}}(?:{_EN_KIND})(?![a-z0-9])")
_EN_GENERIC = re.compile(rf"^(?:the |same |whole |main |entire )*(?:{_EN_KIND})$")
_EN_NUMBERED = re.compile(
    r"\b(?:building|block|bldg|gate|exit|room|unit|tower|no\.?|number|line)\s+(?:no\.?\s*)?(?:[a-z]?\d+[a-z]?|[a-z])\b"
    r"|\b\d+\s+(?:[a-z'\-]+\s+){0,3}(?:road|rd|street|st|avenue|ave|lane)\b"
)
_EN_GLUE = re.compile(
    r"^\s*(?:,|and|at|in|of|near|on|the|by|opposite|next to|corner of|subdistrict|district|,\s*in|,\s*near|-|/)?\s*(?:the\s*)?$"
)


@lru_cache(maxsize=1)
def _stop_words() -> frozenset[str]:
    """Words that never belong to the name of a place."""
    with STOP_FILE.open(encoding="utf-8", newline="") as rows:
        return frozenset(row["word"] for row in csv.DictReader(rows))


def place_spans(doc: Doc, language: str) -> Iterator[tuple[int, int]]:
    """Character spans of a doc's text that tell a place."""
    spans = [*_english(doc), *_named(doc), *(() if language == "en" else _chinese(doc))]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and (start <= merged[-1][1] or _EN_GLUE.match(doc.text[merged[-1][1] : start])):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return iter(merged)


def _named(doc: Doc) -> Iterator[tuple[int, int]]:
    for span in doc.ents:
        if span.label_ in NAMED:
            yield span.start_char, span.end_char


def _english(doc: Doc) -> Iterator[tuple[int, int]]:
    for match in _EN_PLACE.finditer(doc.text):
        if not _EN_GENERIC.match(match["place"]):
            yield match.span("place")
    for match in _EN_NUMBERED.finditer(doc.text):
        yield match.span()
    if re.search("[\u3400-\u9fff]", doc.text):
        for match in _EN_NAMED.finditer(doc.text):
            yield match.span()


def _chinese(doc: Doc) -> Iterator[tuple[int, int]]:
    words = [token.text for token in doc]
    verbs = {token.text for token in doc if token.tag_.startswith(_NO_NAME_TAGS) and token.tag_ != "vn"}
    named = {index for span in doc.ents if span.label_ in NAMED for index in range(span.start, span.end)}
    index = 0
    while index < len(words):
        if not _opens(words, index, named, verbs):
            index += 1
            continue
        first, last = index, index + 1
        if index not in named:
            first = _back(words, index, named, verbs)
        while last < len(words) and (last in named or _continues(words, last, named, verbs)):
            last += 1
        while last > first + 1 and _JOIN.match(words[last - 1]):
            last -= 1
        text = "".join(words[first:last])
        generic = _GENERIC_KIND.search(text) and len(text) < NAMED_KIND_CHARS
        if any(position in named for position in range(first, last)) or (len(text) > 2 and not generic):
            yield doc[first].idx, doc[last - 1].idx + len(words[last - 1])
        index = last


def _opens(words: list[str], index: int, named: set[int], verbs: set[str]) -> bool:
    word = words[index]
    if index in named:
        return True
    if word.isascii() or word in verbs or _ALONE.match(word):
        return False
    if _ENDS_IN_SUFFIX.match(word) and not _IS_SUFFIX.match(word):
        return True
    return bool(_IS_SUFFIX.match(word)) and _is_content(words, index - 1, verbs)


def _is_content(words: list[str], index: int, verbs: set[str]) -> bool:
    if index < 0:
        return False
    word = words[index]
    return (
        word not in _stop_words()
        and word not in verbs
        and not _COUNTED.match(word)
        and not _NEAR.match(word)
        and not _ALONE.match(word)
        and bool(re.match(r"^[\u3400-\u9fffa-z0-9]+$", word))
    )


def _back(words: list[str], index: int, named: set[int], verbs: set[str]) -> int:
    """Where the name before a road or estate word begins: at most two content words back."""
    first = index
    while first > 0 and index - first < 2 and _is_content(words, first - 1, verbs) and (first - 1) not in named:
        if len(words[first]) > 2 and not _IS_SUFFIX.match(words[first]):
            break
        first -= 1
    return first


def _leads_on(words: list[str], index: int, named: set[int], verbs: set[str]) -> bool:
    """Whether one to three name words (or 的) come before a word that ends a place: 星河盛世旁边, 的万科城."""
    for ahead in range(index + (words[index] == "的"), min(index + 3, len(words) - 1)):
        if not _is_content(words, ahead, verbs):
            return False
        end = words[ahead + 1]
        numbered = _NUMBER.match(end) and ahead + 2 < len(words) and _UNIT.match(words[ahead + 2])
        if _NEAR.match(end) or _IS_SUFFIX.match(end) or numbered:
            return True
    return False


def _continues(words: list[str], index: int, named: set[int], verbs: set[str]) -> bool:
    word = words[index]
    if word == " ":
        return False
    if _NUMBER.match(word):
        return index + 1 < len(words) and bool(
            _UNIT.match(words[index + 1]) or _NEAR.match(words[index + 1]) or (word[0].isalpha() and word.isascii())
        )
    if _UNIT.match(word) or _NEAR.match(word) or _IS_SUFFIX.match(word):
        return True
    if _ENDS_IN_SUFFIX.match(word) and not _ALONE.match(word):
        return True
    if _leads_on(words, index, named, verbs):
        return True
    following = words[index + 1] if index + 1 < len(words) else ""
    if _JOIN.match(word):
        return (
            index + 1 in named
            or bool(_ENDS_IN_SUFFIX.match(following))
            or (
                _is_content(words, index + 1, verbs)
                and index + 2 < len(words)
                and bool(_IS_SUFFIX.match(words[index + 2]))
            )
        )
    return word not in _stop_words() and word not in verbs and bool(_IS_SUFFIX.match(following)) and len(word) <= 4
