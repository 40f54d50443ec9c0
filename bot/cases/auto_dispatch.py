"""Dispatching without a person, where that is wished: every waiting case is looked at once by a version of the list."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable

from sqlalchemy import exists, select

from bot.cases.dispatch import Decided, Dispatcher, dispatch_case
from bot.cases.number import CaseNumber
from bot.cases.states import Status
from bot.cases.tables import case_marks, cases
from bot.cases.taught import TaughtDispatcher
from bot.store import Store, Work

logger = logging.getLogger("chengda")
BATCH = 50


def dispatch_waiting(store: Store, dispatcher: Dispatcher | TaughtDispatcher, batch: int = BATCH) -> Counter[Decided]:
    """Accept and dispatch the waiting cases that are sure, one transaction a case; the others wait for a dispatcher."""
    as_taught: Callable[[Work], Dispatcher] = (
        dispatcher.now if isinstance(dispatcher, TaughtDispatcher) else lambda work: dispatcher
    )
    done: Counter[Decided] = Counter()
    failed: set[CaseNumber] = set()
    while numbers := [number for number in _waiting(store, as_taught, batch + len(failed)) if number not in failed]:
        for number in numbers:
            try:
                with store.work() as work:
                    chosen = as_taught(work)
                    if work.cases.mark(number, mark_of(chosen)):
                        done[dispatch_case(work, chosen, number)[1].decided] += 1
            except Exception as error:
                failed.add(number)
                logger.error("reference %s: dispatching %s failed", secrets.token_hex(4), number, exc_info=error)
    return done


def mark_of(dispatcher: Dispatcher) -> str:
    """What notes that a case was looked at with this version of the list."""
    return f"dispatch:{dispatcher.duty.version}"


def _waiting(store: Store, dispatcher: Callable[[Work], Dispatcher], at_most: int) -> list[CaseNumber]:
    with store.read() as work:
        seen = exists().where(case_marks.c.number == cases.c.number, case_marks.c.mark == mark_of(dispatcher(work)))
        query = (
            select(cases.c.number)
            .where(cases.c.status.in_((Status.SUBMITTED, Status.ACCEPTED)), ~seen)
            .order_by(cases.c.filed_at)
            .limit(at_most)
        )
        return [CaseNumber(number) for number in work.connection.execute(query).scalars()]
