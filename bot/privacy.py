"""Masking personal data in text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.language import detect
from bot.nlu.entities import find_entities

KINDS = {"phone", "id_card", "passport", "bank_card", "plate", "email"}
SURNAME = "[赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹潘葛范彭鲁韦马苗方俞任袁柳史唐费薛雷贺倪汤罗毕郝安常于傅齐康伍余顾孟黄穆萧尹姚邵汪毛臧戴宋庞熊纪舒屈项董梁杜阮蓝季贾江童郭梅林钟徐邱骆高夏蔡田胡凌霍万柯卢莫房丁邓洪包左石崔龚程邢裴陆翁甄封储靳段焦侯全班仰秋仲宁栾刘景龙叶黎白怀蒲卓池乔闻党翟谭劳申冉桑边温庄晏柴瞿连习艾向古易廖耿关曾沙丰关游欧]"
NAME_ZH = re.compile(
    r"(?:我叫|我是|我姓|本人|姓名[:：]?|名字[:：]?(?:叫|是)?|联系人[:：]?|叫做)\s*(?P<name>"
    + SURNAME
    + r"[\u4e00-\u9fff]{0,2})(?=[,，。、\s;；!！?？]|$|的|电话|手机|身份证|住)"
)
CALLED_ZH = re.compile(r"(?:我叫|名叫|名字叫|名字是)\s*(?P<name>" + SURNAME + r"[\u4e00-\u9fff]{1,2})")
NAME_EN = re.compile(
    r"\b(?:(?i:my name is|my name's|i am called|name:)|this is)\s+(?P<name>[A-Z][a-z]+(?:\s[A-Z][a-z]+){0,2})"
)
ADDRESS = re.compile(r"(?:号|栋|座|楼|层|单元|室|房|building|block|room|unit|apartment|flat)", re.I)


@dataclass(frozen=True)
class Span:
    """A stretch of the original text that is personal."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Redacted:
    """A text with its personal stretches masked; spans are of the original text."""

    text: str
    spans: tuple[Span, ...]


def redact(text: str, keep: frozenset[str] = frozenset()) -> Redacted:
    """Mask phone numbers, ID and bank cards, passports, plates, e-mail, told names and exact addresses, but `keep`."""
    language = "en" if detect(text).language == "en" else "zh"
    found = [
        Span(entity.start, entity.end, entity.label)
        for entity in find_entities(text, language)
        if entity.label in KINDS
    ]
    found += [
        Span(entity.start, entity.end, "address")
        for entity in find_entities(text, language)
        if entity.label == "location" and re.search(r"\d", entity.text) and ADDRESS.search(entity.text)
    ]
    for pattern in (NAME_ZH, CALLED_ZH, NAME_EN):
        found += [Span(*match.span("name"), "name") for match in pattern.finditer(text)]
    spans: list[Span] = []
    for span in sorted((one for one in found if one.kind not in keep), key=lambda span: (span.start, -span.end)):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    masked, at = "", 0
    for span in spans:
        masked += f"{text[at : span.start]}[{span.kind}]"
        at = span.end
    return Redacted(masked + text[at:], tuple(spans))
