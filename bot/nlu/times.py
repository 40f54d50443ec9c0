"""Words that tell when something happened, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ZH_NUMBER = r"(?:\d+(?:\.\d+)?|[零一二两三四五六七八九十百半几好多]+)"
_ZH_UNIT = r"(?:分钟|个?小时|个?钟头?|天|日|晚上?|夜|周|个?星期|个?礼拜|个?月|年)"
_ZH_PART = r"(?:凌晨|清晨|大清早|一大早|早上|早晨|上午|中午|午间|午休|下午|傍晚|晚上|夜里|夜间|半夜|深夜|大半夜|三更半夜|早高峰|晚高峰|上下班高峰)"
_ZH_CLOCK = rf"(?:{_ZH_NUMBER}点(?:半|一刻|三刻|{_ZH_NUMBER}分?)?(?:钟|左右|多|以后|之后)?|\d{{1,2}}[:：]\d{{2}})"
_ZH = re.compile(
    "|".join(
        (
            r"\d{4}[年\-/.]\d{1,2}[月\-/.]\d{1,2}[日号]?",
            rf"{_ZH_NUMBER}月(?:{_ZH_NUMBER}[日号])?|(?<![\d路街道巷村园区坊苑弄])(?:[12]?\d|3[01]|[一二三]?十?[一二三四五六七八九十])号(?![楼栋线门院路店铺口馆厅机房])",
            rf"(?:从|自)?(?:今天|昨天|前天|琴日|寻日|琴晚|寻晚|今朝|听日|听晚|大前天|明天|昨晚|昨夜|今晚|今早|昨早|前晚|当天|当晚|那天|今日|昨日|前日|昨儿)(?:的)?{_ZH_PART}?",
            rf"(?:每天|天天|成日|晚晚|日日|而家|依家|朝早|夜晚黑|夜晚|每日|每晚|夜夜|晚晚|日日|每周|每逢|逢|每到|一到|经常|常常|总是|老是|一直|长期|最近|近来|这几天|这两天|近几天|这段时间|前几天|前两天|前阵子|刚刚|刚才|刚|现在|目前|此刻|正在|持续|连续|整天|一天到晚|二十四小时|全天|隔三差五|好久|很久|早就|早已)(?:的)?{_ZH_PART}?",
            r"(?:上|这|本|下)个?(?:周|星期|礼拜|月)[一二三四五六日天末]?|(?:周|星期|礼拜)[一二三四五六日天末](?:早上|上午|中午|下午|晚上)?|周末|节假日|工作日|国庆|春节|中秋|暑假|寒假|去年|今年|前年|年初|年底|月初|月底",
            rf"{_ZH_PART}?{_ZH_CLOCK}(?:(?:到|至|-|~|—){_ZH_PART}?{_ZH_CLOCK})?",
            rf"(?:都|已经|快|大概|大约|有|持续了?|连续|近)?{_ZH_NUMBER}多?{_ZH_UNIT}(?:多|左右)?(?:了|前|以来|之前|内)?",
            _ZH_PART,
        )
    )
)
_EN_NUMBER = (
    r"(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|few|a few|several|couple of|a couple of|some|many)"
)
_EN_UNIT = r"(?:minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|years?|weekends?)"
_EN_DAY = r"(?:mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|weekdays?|weekends?)s?"
_EN_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_EN_CLOCK = r"(?:\d{1,2}(?:[:.]\d{2})? ?(?:am|pm|a\.m\.|p\.m\.|o'?clock)|\d{1,2}:\d{2}|midnight|noon)"
_EN = re.compile(
    r"\b(?:"
    + "|".join(
        (
            r"\d{4}-\d{1,2}-\d{1,2}",
            rf"(?:since|from|on|last|this|every|next)? ?(?:{_EN_MONTH} \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_EN_MONTH})",
            rf"(?:since |from )?(?:yesterday|today|tonight|tomorrow|this|last|every|each|all|past|the last|the past|in the|at|late at|during the) ?(?:single )?(?:early |late )?(?:morning|afternoon|evening|night|day|week|month|year|weekend|{_EN_DAY}|{_EN_MONTH})s?(?: (?:at|around|about|after|before|from|till|until) {_EN_CLOCK})?",
            r"(?:since )?(?:yesterday|today|tonight|last night|right now|just now|now|recently|lately|nowadays|currently|always|constantly|daily|nightly|all the time|all day|all night|day and night|24/7|for ages|for a long time|a long time|long time|most nights|most days|regularly|often|ongoing)",
            rf"(?:since |on |every |last |this )?{_EN_DAY}(?: (?:morning|afternoon|evening|night)s?)?",
            rf"(?:for |over |about |around |almost |already |the (?:last|past) |past |last |every )*{_EN_NUMBER} ?{_EN_UNIT}(?: (?:ago|already|now|straight|in a row))?",
            rf"(?:at|around|about|after|before|until|till|past|from)? ?(?:around |about )?{_EN_CLOCK}(?: ?(?:to|till|until|-|and) ?{_EN_CLOCK})?",
            rf"since (?:{_EN_MONTH}|\d{{4}})",
        )
    )
    + r")(?![a-z0-9])"
)
_JOIN = re.compile(r"^[\s,，、的从到至~\-]*$|^ ?(?:at|on|around|from|since|and|of|in the) ?$")


def time_spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of a normal-form text that tell a time; neighbours are joined into one."""
    spans = sorted(match.span() for pattern in (_ZH, _EN) for match in pattern.finditer(text) if match.group().strip())
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        start += len(text[start:end]) - len(text[start:end].lstrip())
        if merged and (start <= merged[-1][1] or _JOIN.match(text[merged[-1][1] : start])):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return iter(merged)
