"""Words that tell when something happened, in both languages."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.queries import NLU_DATA

TIME_FILE = NLU_DATA / "lookups" / "time_words.csv"
NOT_NUMBERED_DAYS = "楼栋线门院路店铺口馆厅机房窗台柜桌库地工仓车电厂桥岗位巷弄大营"


@lru_cache(maxsize=2)
def _words(language: str) -> str:
    """Alternatives of a pattern: words that tell a time by themselves, the longest first."""
    with TIME_FILE.open(encoding="utf-8", newline="") as rows:
        words = [row["word"] for row in csv.DictReader(rows) if row["language"] == language]
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_ZH_NUMBER = r"(?:\d+(?:\.\d+)?|[零一二两三四五六七八九十百半几好多]+)"
_ZH_UNIT = r"(?:分钟|个?小时|个?钟头?|天|日|晚上?|夜|周|个?星期|个?礼拜|个?月|年)"
_COUNTED_IN_TIME = (
    r"(?:的)?(?:工资|薪水|人工|房租|租金|租|押金|水费|电费|话费|物业费|管理费|社保|公积金|会员|课|大|小孩|宝宝|利息)"
)
_ZH_PART = r"(?:凌晨|清晨|大清早|一大早|早上|早晨|上午|中午|午间|午休|下午|傍晚|晚上|夜里|夜间|半夜|深夜|大半夜|三更半夜|早高峰|晚高峰|上下班高峰)"
_ZH_CLOCK = rf"(?:{_ZH_NUMBER}点(?:半|一刻|三刻|{_ZH_NUMBER}分?)?(?:钟|左右|多|以后|之后)?|\d{{1,2}}[:：]\d{{2}})"
_ZH = re.compile(
    "|".join(
        (
            r"\d{4}[年\-/.]\d{1,2}[月\-/.]\d{1,2}[日号]?",
            rf"{_ZH_NUMBER}月(?:{_ZH_NUMBER}[日号]|[初底中末]|[上中下]旬)?|(?<![\d一二三四五六七八九十路街道巷村园区坊苑弄])(?:[12]?\d|3[01]|[一二三]?十?[一二三四五六七八九十])号(?![{NOT_NUMBERED_DAYS}])",
            rf"(?:从|自)?(?:今天|昨天|前天|琴日|寻日|琴晚|寻晚|今朝|听日|听晚|大前天|明天|昨晚|昨夜|今晚|今早|昨早|前晚|当天|当晚|那天|今日|昨日|前日|昨儿)(?:的)?{_ZH_PART}?",
            rf"(?:{_words('zh')})(?:的)?{_ZH_PART}?",
            rf"(?:每|每个|上上|上|这|本|下)个?(?:(?:周|星期|礼拜)[一二三四五六日天末初中底]?|月(?:{_ZH_NUMBER}[日号]|[初中底末])?)|(?:周|星期|礼拜)[一二三四五六日天末](?:早上|上午|中午|下午|晚上)?|周末|节假日|工作日|国庆|春节|中秋|暑假|寒假|去年|今年|前年|年初|年底|月初|月底",
            rf"{_ZH_PART}?{_ZH_CLOCK}(?:(?:到|至|-|~|—){_ZH_PART}?{_ZH_CLOCK})?",
            rf"(?:都|已经|快|大概|大约|有|持续了?|连续|近)?{_ZH_NUMBER}(?:多|来)?个?多?{_ZH_UNIT}(?!{_COUNTED_IN_TIME})(?:多|左右|有余)?(?:了|前|以来|之前|内)?",
            _ZH_PART,
        )
    )
)
_EN_NUMBER = (
    r"(?:\d+|half an?|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|few|a few|several|couple of|"
    r"a couple of|some|many|the last two|the last three)"
)
_EN_UNIT = r"(?:minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|years?|weekends?)"
_EN_COUNTED = r"'? (?:of |worth of )?(?:wages?|salary|salaries|pay|rent|deposit|old)\b"
_EN_SEASON = r"(?:spring|summer|autumn|winter|the rainy season|the holidays|the national holiday|golden week)"
_EN_DAY = r"(?:mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|weekdays?|weekends?)s?"
_EN_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_EN_HOUR = r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_EN_CLOCK = rf"(?:(?:half past|quarter past|quarter to|a quarter past|a quarter to) {_EN_HOUR}|{_EN_HOUR} (?:thirty|fifteen|forty-five)|{_EN_HOUR} (?:in the (?:morning|afternoon|evening)|at night)|\d{{1,2}}(?:[:.]\d{{2}})? ?(?:am|pm|a\.m\.|p\.m\.|o'?clock)|\d{{1,2}}:\d{{2}}|midnight|noon)"
_EN = re.compile(
    r"\b(?:"
    + "|".join(
        (
            r"\d{4}-\d{1,2}-\d{1,2}",
            rf"(?:since|from|on|last|this|every|next)? ?(?:{_EN_MONTH} \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_EN_MONTH}(?: \d{{4}})?)",
            rf"(?:since |from )?(?:yesterday|today|tonight|tomorrow|this|last|every|each|all|past|the last|the past|in the|at|late at|during the) ?(?:single )?(?:early |late )?(?:morning|afternoon|evening|night|day|week|month|year|weekend|{_EN_DAY}|{_EN_MONTH})s?(?: (?:at|around|about|after|before|from|till|until) (?:{_EN_CLOCK}|{_EN_HOUR}(?! {_EN_UNIT})))?",
            rf"(?:since )?(?:{_words('en')})",
            rf"(?:since |on |every |last |this |the )*{_EN_DAY}(?: (?:morning|afternoon|evening|night)s?)?(?: (?:and|to) {_EN_DAY})?",
            rf"(?:for |over |about |around |almost |already |the (?:last|past) |past |last |every )*{_EN_NUMBER} ?{_EN_UNIT}(?!{_EN_COUNTED})(?: (?:ago|already|now|straight|in a row))?",
            rf"(?:at|around|about|after|before|until|till|past|from)? ?(?:around |about )?{_EN_CLOCK}(?: ?(?:to|till|until|-|and) ?{_EN_CLOCK})?",
            rf"(?:since|in|until|from|early|mid|late|early in|by)[ \-]?(?:early |mid[ \-]?|late )?(?:{_EN_MONTH}|\d{{4}}(?![a-z0-9]))(?!\w)",
            r"(?:since |from |at |by )?(?:the )?(?:start|beginning|middle|end) of (?:the|this|last) (?:week|month|year)",
            rf"(?:early |mid[ \-]?|late ){_EN_MONTH}|(?:in|every|this|last|since|during) {_EN_SEASON}",
            r"(?:on |since )?the \d{1,2}(?:st|nd|rd|th)(?! (?:floor|road|street|avenue|building))",
            rf"(?:between|from) (?:{_EN_CLOCK}|{_EN_HOUR}|{_EN_DAY}) (?:and|to|till|until) (?:{_EN_CLOCK}|{_EN_DAY}|{_EN_HOUR}(?! {_EN_UNIT}))(?: (?:every|each) (?:morning|afternoon|evening|night|day))?",
            r"(?:once|twice|three times|several times|again) (?:this|last|a|every) (?:day|night|week|month|year)|again today",
        )
    )
    + r")(?![a-z0-9])"
)
_JOIN = re.compile(r"^[\s,，、的从到至~\-]*$|^ ?(?:at|on|around|from|since|and|of|in the) ?$")

_NOW = re.compile(r"^(?:现在|今天|目前|刚刚|刚才|而家|依家|now|right now|today)$")
_ACT = re.compile(
    r"^(?:我|就|也|只|再|才|是|想|要|来|可以|打算|准备|过来)*(?:投诉|举报|反映|反应|报修|报案|咨询|请教|问|查|申请|登记)"
    r"|^,? (?:i|we) (?:want|need|would|wish|have)\b|^ (?:want|need|wish) to\b"
)


def time_spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of a normal-form text that tell a time; neighbours are joined into one."""
    spans = sorted(
        match.span()
        for pattern in (_ZH, _EN)
        for match in pattern.finditer(text)
        if match.group().strip() and not (_NOW.match(match.group().strip()) and _ACT.match(text[match.end() :]))
    )
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        start += len(text[start:end]) - len(text[start:end].lstrip())
        if merged and (start <= merged[-1][1] or _JOIN.match(text[merged[-1][1] : start])):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return iter(merged)
