"""What time does to cases, looked after by whoever sweeps first: alarms rung once, moves made once, by any process."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, tuple_

from bot.cases.case import SYSTEM, Case, Facts
from bot.cases.clocks import MOVES, Alarm, Ring, rings_of
from bot.cases.number import CaseNumber
from bot.cases.tables import cases
from bot.store import Store, Work

logger = logging.getLogger("chengda")
BATCH = 50
Place = tuple[datetime, CaseNumber]
# An alarm is marked but not told where the one after it is due as well: a warning in hindsight warns nobody.
OUTDONE: dict[Alarm, Alarm] = {Alarm.DUE_SOON: Alarm.OVERDUE}


@dataclass(frozen=True)
class Swept:
    """What a sweep did: alarms rung by kind, and how many cases failed and wait for the next sweep."""

    rung: Counter[Alarm]
    failed: int = 0


def sweep(store: Store, now: datetime, batch: int = BATCH) -> Swept:
    """Ring every alarm due by now, one transaction a case; a case that fails is logged and the next one goes on.

    Several processes may sweep at once and any may die at any step: what a transaction did stands with its marks, and
    what it did not do is found again by the next sweep.
    """
    rung: Counter[Alarm] = Counter()
    failed = 0
    after: Place | None = None
    while waiting := _waiting(store, now, after, batch):
        for _, number in waiting:
            try:
                rung.update(_look_after(store, number, now))
            except Exception as error:
                failed += 1
                logger.error("reference %s: alarm of case %s failed", secrets.token_hex(4), number, exc_info=error)
        after = waiting[-1]
    return Swept(rung, failed)


def _waiting(store: Store, now: datetime, after: Place | None, batch: int) -> list[Place]:
    """The next cases to look after, in the order of the index; nothing is locked yet."""
    place = (cases.c.check_at, cases.c.number)
    query = select(*place).where(cases.c.check_at <= now.astimezone(UTC)).order_by(*place).limit(batch)
    if after is not None:
        query = query.where(tuple_(*place) > tuple_(*after))
    with store.read() as work:
        return [(row.check_at, CaseNumber(row.number)) for row in work.connection.execute(query).all()]


def _look_after(store: Store, number: CaseNumber, now: datetime) -> list[Alarm]:
    """Ring what is due for one case, unless another process holds it or has done so."""
    with store.work() as work:
        query = select(cases).where(cases.c.number == number, cases.c.check_at <= now.astimezone(UTC))
        found = work.cases.found_by(query.with_for_update(skip_locked=True))
        return _ring(work, found[0], now) if found else []


def _ring(work: Work, case: Case, now: datetime) -> list[Alarm]:
    """Ring until nothing is due: a move may bring the next alarm with it."""
    told: list[Alarm] = []
    while due := _due(work, case, now):
        ring, alarms = due[0], {each.alarm for each in due}
        work.cases.mark(case.number, ring.mark)
        if OUTDONE.get(ring.alarm) not in alarms:
            told.append(ring.alarm)
            case = _tell(work, case, ring.alarm)
    work.cases.set_check(case, work.cases.marks(case.number))
    return told


def _due(work: Work, case: Case, now: datetime) -> list[Ring]:
    done = work.cases.marks(case.number)
    return [ring for ring in rings_of(case) if ring.at <= now and ring.mark not in done]


def _tell(work: Work, case: Case, alarm: Alarm) -> Case:
    move = MOVES.get(alarm)
    if move is not None:
        return work.cases.move(case.number, move, SYSTEM, Facts(reason=str(alarm)))
    work.cases.record(case.number, alarm, SYSTEM, Facts(), case.status)
    return work.cases.by_number(case.number)
