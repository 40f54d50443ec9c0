"""A field of a form that a citizen will not tell, or nothing more of it: words that drop a question, not the form."""

from __future__ import annotations

import re
from enum import StrEnum

from bot.nlu.said import LEAD, TRIM
from knowledge.normal import normalise


class Declined(StrEnum):
    """What is not told; the names of the form's slots, where it has one."""

    LOCATION = "location"
    TIME = "occurred_at"
    CONTACT = "contact"
    PHOTO = "photo"
    MORE = "more"


NOT = r"(?:不想|不用|不要|不必|不需要|先不|唔使|唔想|唔|甭|别|不|没必要)(?:再)?"
TELL = r"(?:填写|填|写|留|提供|登记|提交|上传|发|传|说|讲|报|查|补充|加)"
FIELDS = {
    Declined.LOCATION: r"(?:具体)?(?:地址|地点|位置|地方)",
    Declined.TIME: r"(?:具体)?(?:时间|日期)",
    Declined.CONTACT: r"(?:电话|手机号?|号码|联系方式|邮箱|姓名|名字|身份)(?:号码)?",
    Declined.PHOTO: r"(?:照片|图片|相片|视频)",
}
ENGLISH = {
    Declined.LOCATION: r"(?:address|place|location)",
    Declined.TIME: r"(?:time|date)",
    Declined.CONTACT: r"(?:phone|number|phone number|contact|name|e-?mail)",
    Declined.PHOTO: r"(?:photos?|pictures?|images?)",
}
ME = r"(?:我|那|就|先|还是|请|也|暂时)*"
END = r"(?:了|啦|喇|吧)?"
WONT = r"(?:please )?(?:i (?:do not|don't|won't|would rather not)(?: want to)?|i'd rather not|don't|do not|no need to)"
GIVE = r"(?:give|tell|write|put|add|fill in|leave|send|share|upload|say)(?: down)?"


def _patterns(zh: str, en: str) -> re.Pattern[str]:
    return re.compile(
        rf"{ME}{NOT}{TELL}(?:我的?|这个|具体的?)?{zh}{END}|{ME}(?:我的?|这个)?{zh}{ME}{NOT}{TELL}{END}"
        rf"|(?:{zh})(?:我)?(?:就|先|还是)*(?:算了|跳过)|(?:跳过|略过)(?:这个|具体的?)?{zh}"
        rf"|(?:please )?(?:skip|forget|never ?mind|leave(?: out)?|ignore|drop)(?: about)? (?:the |my |that |this )?"
        rf"(?:exact )?{en}(?: please)?|{WONT} {GIVE} (?:my |the |any |a |an )?{en}(?: any ?more| now)?"
    )


PATTERNS = {field: _patterns(zh, ENGLISH[field]) for field, zh in FIELDS.items()}
MORE = re.compile(
    rf"{ME}(?:不用|不要|不必|没必要|唔使|甭)(?:再|继续)?(?:填写|填|写|说|讲|查|问)(?:别的|其他的?)?{END}"
    r"|(?:please )?(?:leave|skip) the (?:rest|others?|remaining questions)(?: please)?|no more questions"
)


def declined(text: str) -> Declined | None:
    """What a message begins or ends by not telling, None where it declines nothing."""
    clauses = [LEAD.sub("", TRIM.sub("", part)) for part in re.split(r"[,，.。!！;；]+", normalise(text).text)]
    clauses = [part for part in clauses if part]
    for clause in (*clauses[:1], *clauses[-1:]):
        for field, pattern in PATTERNS.items():
            if pattern.fullmatch(clause):
                return field
        if MORE.fullmatch(clause):
            return Declined.MORE
    return None
