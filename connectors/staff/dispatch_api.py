"""Where a case goes and why, sending it there, and the rulings on cases that came back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Query

from bot.cases.case import Facts
from bot.cases.dispatch import Suggestion
from bot.cases.duty import DutyList
from bot.cases.number import CaseNumber
from bot.cases.ruling import Ruling, RulingState, conflicts
from bot.cases.states import Move, Status
from bot.errors import MissingForMove, UnknownUnit
from bot.staff.audit import Action
from bot.store import Work
from connectors.staff.accounts_api import NEEDS_RIGHT
from connectors.staff.caller import Caller, Ruler, Sender
from connectors.staff.cases_api import ETAG, NOT_FOUND
from connectors.staff.dispatch_schemas import (
    AgainstView,
    CandidateView,
    Dispatched,
    DispatchRequest,
    RulingRequest,
    RulingsPage,
    RulingView,
    SuggestionView,
    UnitView,
    Verdict,
    WhyView,
)

router = APIRouter(tags=["staff: dispatch"])
PAGE = 50


@router.get("/cases/{number}/dispatch", responses=NOT_FOUND)
def suggestion(number: str, caller: Sender) -> SuggestionView:
    """The unit suggested for a case, the line of the duty list that says so, the runner-up, and what is missing."""
    with caller.parts.store.read() as work:
        case = caller.desk_in(work).visible(CaseNumber(number.upper()))
        dispatcher = caller.parts.dispatcher().now(work)
        return _suggested(dispatcher.of_draft(case.draft), dispatcher.duty, caller)


@router.post("/cases/{number}/dispatch", responses=NOT_FOUND)
def dispatch(
    number: str,
    body: DispatchRequest,
    caller: Sender,
    if_match: Annotated[str | None, Header(description="The ETag of the case as it was looked at.")] = None,
) -> Dispatched:
    """Accept a case where it waits for that, and send it to a unit: the one suggested when none is named.

    Sent to another unit than the one that returned it, the case proposes a ruling.
    """
    told = ETAG.fullmatch(if_match.strip()) if if_match else None
    version = int(told[1]) if told else body.version
    with caller.parts.store.work() as work:
        desk, dispatcher = caller.desk_in(work), caller.parts.dispatcher().now(work)
        case = desk.visible(CaseNumber(number.upper()), hold=True)
        suggested = dispatcher.of_draft(case.draft)
        unit = body.unit or suggested.unit
        if unit is None:
            raise MissingForMove(f"needs {suggested.needs}", {"fields": ", ".join(suggested.needs) or "unit"})
        for named in (unit, *body.assisting):
            if not dispatcher.duty.units.known(named):
                raise UnknownUnit(named, {"unit": named})
        if case.status is Status.SUBMITTED:
            version = desk.move(case.number, Move.ACCEPT, Facts(), version).version
        facts = replace(suggested.facts() if unit == suggested.unit else Facts(unit=unit), reason=body.reason)
        facts = replace(facts, assisting=body.assisting) if body.assisting else facts
        moved = desk.move(case.number, Move.DISPATCH, facts, version)
        view = _unit(unit, dispatcher.duty, caller)
        return Dispatched(number=moved.number, version=moved.version, status=moved.status, unit=view)


@router.get("/rulings", responses=NEEDS_RIGHT)
def listed(
    caller: Sender, state: RulingState | None = None, before: Annotated[int | None, Query(ge=1)] = None
) -> RulingsPage:
    """Rulings, the newest first; `before` goes on from the last id of a page."""
    with caller.parts.store.read() as work:
        found = work.rulings.listed(state, PAGE, before)
        views = [_ruling(one, work, caller) for one in found]
    return RulingsPage(rulings=views, next=found[-1].id if len(found) == PAGE else None)


@router.post("/rulings", status_code=201, responses=NOT_FOUND)
def propose(body: RulingRequest, caller: Sender) -> RulingView:
    """Propose a ruling on a case by hand; one for a case sent on after a return is proposed by itself."""
    with caller.parts.store.work() as work:
        case = caller.desk_in(work).visible(CaseNumber(body.number.upper()))
        if not caller.parts.dispatcher().now(work).duty.units.known(body.unit):
            raise UnknownUnit(body.unit, {"unit": body.unit})
        made = work.rulings.write(case, body.unit, body.reason, caller.account.actor)
        work.audit.write(caller.account, Action.RULED, caller.address, case.number, [f"ruling:{made.id}", made.state])
        return _ruling(made, work, caller)


@router.post("/rulings/{ruling}/approve", responses=NOT_FOUND)
def approve(ruling: int, body: Verdict, caller: Ruler) -> RulingView:
    """Let a ruling speak as an example, and with `as_rule` as a line laid over the duty list; conflicts are told."""
    with caller.parts.store.work() as work:
        return _decided(work.rulings.approve(ruling, caller.account.actor, body.as_rule, body.scope), work, caller)


@router.post("/rulings/{ruling}/reject", responses=NOT_FOUND)
def reject(ruling: int, caller: Ruler) -> RulingView:
    """Let a ruling teach nothing, also after it was approved."""
    with caller.parts.store.work() as work:
        return _decided(work.rulings.reject(ruling, caller.account.actor), work, caller)


@router.post("/rulings/{ruling}/undo", responses=NOT_FOUND)
def undo(ruling: int, caller: Ruler) -> RulingView:
    """Make a decided ruling a proposal again."""
    with caller.parts.store.work() as work:
        return _decided(work.rulings.undo(ruling, caller.account.actor), work, caller)


def _decided(one: Ruling, work: Work, caller: Caller) -> RulingView:
    told = [f"ruling:{one.id}", one.state, *(["as_rule"] if one.as_rule else [])]
    work.audit.write(caller.account, Action.RULED, caller.address, one.number, told)
    return _ruling(one, work, caller)


def _ruling(one: Ruling, work: Work, caller: Caller) -> RulingView:
    support = work.rulings.support(one)
    duty = caller.parts.dispatcher().plain.duty
    return RulingView(
        id=one.id,
        number=one.number,
        text=one.text,
        category=one.category,
        subcategory=one.subcategory,
        service_item=one.service_item,
        district=one.place.district,
        subdistrict=one.place.subdistrict,
        from_unit=_unit(one.from_unit, duty, caller) if one.from_unit else None,
        to_unit=_unit(one.to_unit, duty, caller),
        duty_line=one.duty_line,
        reason=one.reason,
        state=one.state,
        as_rule=one.as_rule,
        by=one.by,
        at=one.at,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        agreeing=support.agreeing,
        kept=support.kept,
        conflicts=[
            AgainstView(conflict=against.conflict, other=against.other, unit=against.unit)
            for against in conflicts(one, support.opposing, duty)
        ],
    )


def _unit(unit: str, duty: DutyList, caller: Caller) -> UnitView:
    return UnitView(id=unit, name=duty.units.name(unit).in_language(caller.language))


def _suggested(told: Suggestion, duty: DutyList, caller: Caller) -> SuggestionView:
    item = caller.parts.catalogue[told.why.item] if told.why.item else None
    other = told.runner_up
    return SuggestionView(
        unit=_unit(told.unit, duty, caller) if told.unit else None,
        lead=told.lead,
        assisting=[_unit(unit, duty, caller) for unit in told.assisting],
        fallback=_unit(told.fallback, duty, caller) if told.fallback else None,
        source=told.source,
        duty_line=told.line.id if told.line else None,
        duty_version=told.version,
        confidence=told.confidence,
        decided=told.decided,
        needs=list(told.needs),
        runner_up=CandidateView(
            unit=_unit(other.unit, duty, caller) if other.unit else None,
            lead=other.lead,
            duty_line=other.line.id if other.line else None,
            confidence=other.confidence,
        )
        if other
        else None,
        why=WhyView(
            words=list(told.why.words),
            service_item=told.why.item,
            item_name=item.name.in_language(caller.language) if item else None,
            subcategory=told.why.subcategory,
            category=told.why.category,
            district=told.why.place.district,
            subdistrict=told.why.place.subdistrict,
            rulings=list(told.why.rulings),
        ),
    )
