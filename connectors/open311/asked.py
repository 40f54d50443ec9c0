"""What a reader asks for: filters, dates and pages of a list, read from a query; pure, the time is an argument."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.open311.problems import Kind, Problem, Refused
from connectors.open311.wire import clean

SPAN = timedelta(days=90)
MOST_ROWS = 1000
MOST_IDS = 1000
STATUSES = ("open", "closed")
_LOST_PLUS = re.compile(r" (\d{2}:?\d{2})$")


@dataclass(frozen=True)
class Asked:
    """A list to give: `ids` alone when there are any, else what was filed (or changed) from `start` to `end`."""

    start: datetime
    end: datetime
    ids: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = STATUSES
    page: int = 1
    page_size: int = MOST_ROWS
    extensions: bool = False


def read_query(query: Mapping[str, str], now: datetime) -> Asked:
    """The filters of a query, `now` gives the time zone too; raises Refused with every problem."""
    told = {name: clean(value).strip() for name, value in query.items() if clean(value).strip()}
    problems: list[Problem] = []
    ids, codes = _parts(told.get("service_request_id")), _parts(told.get("service_code"))
    if len(ids) > MOST_IDS:
        problems.append(Problem(Kind.IDS_MANY, {"most": MOST_IDS}))
    statuses = tuple(part.lower() for part in _parts(told.get("status"))) or STATUSES
    if not set(statuses) <= set(STATUSES):
        problems.append(Problem(Kind.STATUS_WRONG))
    page = _count(told, "page", 1, 1_000_000, problems)
    page_size = _count(told, "page_size", MOST_ROWS, MOST_ROWS, problems)
    start, end = (_moment(told, name, now, problems) for name in ("start_date", "end_date"))
    last = end or (min(now, start + SPAN) if start and start <= now else start or now)
    first = start or last - SPAN
    if last < first:
        problems.append(Problem(Kind.DATES_TURNED))
    elif last - first > SPAN + timedelta(days=1):
        problems.append(Problem(Kind.SPAN_LONG, {"days": SPAN.days}))
    if problems and not (ids and len(ids) <= MOST_IDS):
        raise Refused(problems)
    extensions = told.get("extensions", "").lower() in ("true", "1", "v2")
    return Asked(first, last, ids, codes, statuses, page, page_size, extensions)


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def _count(told: Mapping[str, str], name: str, default: int, most: int, problems: list[Problem]) -> int:
    text = told.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= most):
        problems.append(Problem(Kind.PAGE_WRONG, {"field": name, "most": most}))
        return default
    return int(text)


def _moment(told: Mapping[str, str], name: str, now: datetime, problems: list[Problem]) -> datetime | None:
    text = told.get(name)
    if text is None:
        return None
    moment = read_moment(text, now)
    if moment is None:
        problems.append(Problem(Kind.DATE_WRONG, {"field": name}))
    return moment


def read_moment(text: str, now: datetime) -> datetime | None:
    """A date or W3C date-time, in the zone of `now` where it names none; None when it is no such thing."""
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", text))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
        aware.astimezone(UTC) - SPAN, aware.astimezone(UTC) + SPAN
    except (ValueError, OverflowError):
        return None
    return aware
