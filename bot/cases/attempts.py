"""Attempts to hand cases over to their units: one at a time, outside any transaction, failures told to the desk."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.cases.case import Actor, Case, Facts
from bot.cases.delivery import Delivery
from bot.cases.handover import MAX_ATTEMPTS, Handover, State, Step
from bot.cases.states import Role
from bot.cases.tables import cases
from bot.errors import DeliveryFailed
from bot.store import Store

logger = logging.getLogger("chengda")
# A process that dies while it delivers leaves the hand-over to another one after this time.
LEASE = timedelta(minutes=5)
FAILED = "handover_failed"


@dataclass(frozen=True)
class Attempted:
    """One delivery tried: the unit's own number for the case, or why it did not work."""

    handover: Handover
    external: str | None = None
    error: str | None = None
    final: bool = False

    @property
    def step(self) -> Step:
        """What it makes of the hand-over."""
        if self.error is None:
            return Step.SEND
        return Step.GIVE_UP if self.final or self.handover.attempts + 1 >= MAX_ATTEMPTS else Step.MISS


def hand_over(store: Store, now: datetime, delivery: Delivery) -> Counter[Step]:
    """Try every hand-over that is due once; safe with several processes and against a death at any step."""
    done: Counter[Step] = Counter()
    while (claimed := _claim(store, now)) is not None:
        attempted = _deliver(delivery, *claimed)
        if _settle(store, now, attempted):
            done[attempted.step] += 1
    return done


def _claim(store: Store, now: datetime) -> tuple[Case, Handover] | None:
    with store.work() as work:
        due = work.handovers.due(now, at_most=1)
        if not due:
            return None
        work.handovers.lease(due[0], now + LEASE)
        return work.cases.by_number(due[0].number), due[0]


def _deliver(delivery: Delivery, case: Case, one: Handover) -> Attempted:
    try:
        return Attempted(one, external=delivery.deliver(case, one))
    except DeliveryFailed as error:
        return Attempted(one, error=str(error), final=error.final)
    except Exception as error:
        reference = secrets.token_hex(4)
        logger.error("reference %s: handing case %s to %s broke", reference, case.number, one.unit, exc_info=error)
        return Attempted(one, error=f"reference {reference}")


def _settle(store: Store, now: datetime, tried: Attempted) -> bool:
    """Write what came of it; False where the unit signed or the case was taken back meanwhile."""
    one = tried.handover
    with store.work() as work:
        # Locked as every move locks it, so that a signature in between is not written over.
        case = work.cases.found_by(select(cases).where(cases.c.number == one.number).with_for_update())[0]
        current = next(each for each in work.handovers.of(one.number) if each.id == one.id)
        if current.state is not State.PENDING:
            return False
        work.handovers.step(one, tried.step, now, tried.error, tried.external)
        if tried.step is Step.GIVE_UP:
            work.cases.record(
                one.number, FAILED, Actor(Role.SYSTEM, unit=one.unit), Facts(reason=tried.error), case.status
            )
    return True
