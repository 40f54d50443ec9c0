"""What a template tells of a case: number, matter, status, unit and times, each cut to what WeChat takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bot.cases.case import Case
from bot.cases.telling import TIME_FORMAT, Telling
from bot.channels.notices import matter_of
from connectors.wechat.settings import Fill, Template

NO_HAN = re.compile(r"[^\x20-\x7e]")
NOT_HAN = re.compile(r"[^\u4e00-\u9fff]")
FIRST_PART = re.compile(r"[，。、；：（(,;:].*", re.DOTALL)


def _phrase(value: str) -> str:
    return NOT_HAN.sub("", FIRST_PART.sub("", value))[:5]


def _thing(value: str) -> str:
    return value if len(value) <= 20 else value[:19] + "…"


# The kind of a field, which is its name without the number -> its value as WeChat takes it; error 47003 otherwise.
FITTING: Mapping[str, Callable[[str], str]] = {
    "thing": _thing,
    "phrase": _phrase,
    "character_string": lambda value: NO_HAN.sub("", value)[:32],
    "name": lambda value: NOT_HAN.sub("", value)[:10],
    "const": lambda value: value[:20],
}
TELLING: Mapping[Fill, Callable[[Case, Telling], str]] = {
    Fill.NUMBER: lambda case, telling: case.number,
    Fill.MATTER: matter_of,
    Fill.STATUS: lambda case, telling: telling.text(f"utter_status_{case.status}"),
    Fill.UNIT: lambda case, telling: telling.unit(case.handling.unit or case.draft.agency),
    Fill.TIME: lambda case, telling: f"{case.handling.updated_at or case.filed_at:{TIME_FORMAT}}",
    Fill.EXPECTED: lambda case, telling: f"{case.expected_at:{TIME_FORMAT}}",
}


def values_of(template: Template, case: Case, telling: Telling) -> dict[str, str]:
    """The values of a template's fields for a case; never empty, which WeChat refuses."""
    return {
        name: FITTING.get(name.rstrip("0123456789"), _as_it_is)(TELLING[fill](case, telling)) or "-"
        for name, fill in template.fields.items()
    }


def _as_it_is(value: str) -> str:
    return value
