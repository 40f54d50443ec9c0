"""Surges at the desk: many citizens reporting one matter at one place."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bot.cases.surges import Alert, Alerts, AlertState
from bot.staff.audit import Action
from connectors.staff.accounts_api import NEEDS_RIGHT
from connectors.staff.caller import Caller, Sender
from connectors.staff.cases_api import NOT_FOUND

router = APIRouter(tags=["staff: surges"])


class AlertView(BaseModel):
    """A surge."""

    id: int
    leader: Annotated[str, Field(description="Its first case.")]
    numbers: Annotated[list[str], Field(description="All its cases so far.")]
    count: int
    first_at: datetime
    last_at: datetime
    state: AlertState


class AlertList(BaseModel):
    """The newest surges."""

    alerts: list[AlertView]


@router.get("/alerts", responses=NEEDS_RIGHT)
def listed(
    caller: Sender, state: Annotated[AlertState | None, Query(description="Only of this state.")] = None
) -> AlertList:
    """The newest surges."""
    with caller.parts.store.read() as work:
        return AlertList(alerts=[_view(alert) for alert in Alerts(work.connection).listed(state)])


@router.post("/alerts/{key}/acknowledge", responses=NOT_FOUND)
def acknowledge(key: int, caller: Sender) -> AlertView:
    """Somebody looks after the surge."""
    return _set(key, AlertState.ACKNOWLEDGED, caller)


@router.post("/alerts/{key}/close", responses=NOT_FOUND)
def close(key: int, caller: Sender) -> AlertView:
    """The surge is over; further reports make a new one."""
    return _set(key, AlertState.CLOSED, caller)


def _set(key: int, state: AlertState, caller: Caller) -> AlertView:
    with caller.parts.store.work() as work:
        changed = Alerts(work.connection).set_state(key, state, caller.parts.clock())
        told = [f"alert:{changed.id}", state]
        work.audit.write(caller.account, Action.ALERTED, caller.address, changed.leader, told)
        return _view(changed)


def _view(alert: Alert) -> AlertView:
    return AlertView(
        id=alert.id,
        leader=alert.leader,
        numbers=list(alert.numbers),
        count=len(alert.numbers),
        first_at=alert.first_at,
        last_at=alert.last_at,
        state=alert.state,
    )
