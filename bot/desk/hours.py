"""When people sit at the desk, and when they come back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.cases.deadlines import is_working_day
from bot.errors import SettingsError

SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
DAYS_LOOKED_AT = 40
Span = tuple[int, int]


@dataclass(frozen=True)
class DeskHours:
    """Spans of minutes of a working day and of a day off, by the published calendar; none at all is round the clock."""

    working: tuple[Span, ...] = ()
    off: tuple[Span, ...] = ()

    @property
    def always(self) -> bool:
        """Whether there is always somebody."""
        return not self.working and not self.off

    def opens_after(self, now: datetime) -> datetime | None:
        """When the desk opens next, None while it is open."""
        if self.always:
            return None
        minute = now.hour * 60 + now.minute
        for ahead in range(DAYS_LOOKED_AT):
            day = now.date() + timedelta(days=ahead)
            for begin, end in self._of(day):
                if ahead == 0 and begin <= minute < end:
                    return None
                if ahead > 0 or begin > minute:
                    return datetime.combine(day, time(begin // 60, begin % 60), now.tzinfo)
        raise SettingsError("CHENGDA_DESK_HOURS never opens 没有开放时间")

    def _of(self, day: date) -> tuple[Span, ...]:
        return self.working if is_working_day(day) else self.off


ALWAYS = DeskHours()


def read_hours(told: str) -> DeskHours:
    """The hours of a setting such as `09:00-12:00,14:00-18:00; off 10:00-16:00`; raises SettingsError."""
    if not told.strip():
        return ALWAYS
    working, *rest = told.split(";")
    off = rest[0].strip().removeprefix("off") if rest else ""
    hours = DeskHours(_spans(working), _spans(off))
    if len(rest) > 1 or hours.always:
        raise SettingsError("CHENGDA_DESK_HOURS is not like 09:00-18:00; off 10:00-16:00 格式不对")
    return hours


def _spans(told: str) -> tuple[Span, ...]:
    found: list[Span] = []
    for part in _parts(told):
        match = SPAN.fullmatch(part)
        begin, end = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else (0, 0)
        if not 0 <= begin < end <= 24 * 60 or (found and begin < found[-1][1]):
            raise SettingsError(f"CHENGDA_DESK_HOURS: {part} is no span of a day 不是一天内的时段")
        found.append((begin, end))
    return tuple(found)


def _parts(told: str) -> Sequence[str]:
    return [part.strip() for part in told.split(",") if part.strip()]
