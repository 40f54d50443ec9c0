"""Open cases on the same as a page of the desk sees them, and the search for them beside all that must be fast."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select

from bot.assistant import Assistant
from bot.cases.case import CaseDraft
from bot.cases.duplicate_finder import Found
from bot.cases.states import OPEN
from bot.cases.tables import cases
from bot.desk.joining import Known
from bot.staff.audit import Action
from bot.staff.views import line_view, masked
from bot.store import Work
from connectors.assist_api import found_for
from connectors.desk.schemas import KnownCase
from connectors.staff.caller import Caller
from connectors.staff.merging_api import said_of
from connectors.staff.schemas import QueueLine

LEAST_CHARS = 2
# Seconds for which what was found for a draft is not looked for again.
FRESH = 30.0
MOST_FOUND, MOST_NOTED = 500, 2000
T = TypeVar("T")


@dataclass
class _Remembered:
    at: float
    found: tuple[Found, ...]


class KnownSearch:
    """Looks for cases on the same in one thread of its own, so that a slow search keeps nobody else waiting."""

    def __init__(self, fresh: float = FRESH) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chengda-known")
        self._fresh = fresh
        self._found: OrderedDict[CaseDraft, _Remembered] = OrderedDict()
        self._newest: dict[str, int] = {}
        self._noted: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Nobody asks any more."""
        self._thread.shutdown(cancel_futures=True)

    async def beside(self, who: str, look: Callable[[], T], passed: T) -> T:
        """What a look gives, in its turn; `passed` when `who` asked again before it was begun."""
        mine = self._newest[who] = self._newest.get(who, 0) + 1

        def turn() -> T:
            return look() if self._newest.get(who) == mine else passed

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, turn)
        finally:
            if self._newest.get(who) == mine:
                del self._newest[who]

    def find(self, assistant: Assistant, work: Work, draft: CaseDraft) -> tuple[Found, ...]:
        """Open cases that a draft may repeat, as they stand now; searched for again only after a while."""
        if len(draft.description) < LEAST_CHARS:
            return ()
        known = self._found.get(draft)
        if known is not None and time.monotonic() - known.at < self._fresh:
            return _as_they_stand(work, known.found)
        found = found_for(assistant, work, draft)
        self._found[draft] = _Remembered(time.monotonic(), found)
        self._found.move_to_end(draft)
        if len(self._found) > MOST_FOUND:
            self._found.popitem(last=False)
        return found

    def note(self, caller: Caller, where: str, numbers: Iterable[str]) -> None:
        """Write into the audit log which cases were shown beside a talk or call, each once."""
        shown = {one: f"{caller.account.login} {where} {one}" for one in numbers}
        fresh = [one for one, mark in shown.items() if mark not in self._noted]
        if not fresh:
            return
        with caller.parts.store.work() as work:
            fields = [where, *(f"case:{one}" for one in fresh)]
            work.audit.write(caller.account, Action.COMPARED, caller.address, fields=fields)
        with self._lock:
            self._noted |= {shown[one]: None for one in fresh}
            while len(self._noted) > MOST_NOTED:
                self._noted.popitem(last=False)


def _as_they_stand(work: Work, found: Sequence[Found]) -> tuple[Found, ...]:
    numbers = [one.case.number for one in found]
    query = select(cases).where(cases.c.number.in_(numbers), cases.c.status.in_(OPEN))
    now = {one.number: one for one in work.cases.found_by(query)} if numbers else {}
    here = (one for one in found if one.case.number in now)
    return tuple(Found(now[one.case.number], one.share, one.signs) for one in here)


def known_view(one: Known, caller: Caller, now: datetime) -> KnownCase:
    """A case on the same in the caller's language; its texts do not tell who wrote them."""
    line = QueueLine(**line_view(one.case, now))
    draft, catalogue = one.case.draft, caller.parts.catalogue
    code = draft.service_item
    item = catalogue[code] if code and code in catalogue else None
    return KnownCase(
        case_id=line.number,
        score=round(one.candidate.score, 4),
        way=one.way,
        joined=one.joined,
        status=line.status,
        type=draft.type,
        title=item.name.in_language(caller.language) if item else draft.category,
        service_item=code,
        location=masked(draft.location),
        district=line.district,
        subdistrict=line.subdistrict,
        excerpt=line.excerpt,
        filed_at=line.filed_at,
        anonymous=line.anonymous,
        reasons=[said_of(code, caller) for code in one.candidate.reasons],
        contradictions=[said_of(code, caller) for code in one.candidate.contradictions],
    )
