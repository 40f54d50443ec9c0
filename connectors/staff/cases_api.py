"""The queue, a case by the role's view, and the moves."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.exceptions import RequestValidationError

from bot.cases.case import Case, Facts
from bot.cases.listing import Cursor, Filters, cursor_of
from bot.cases.number import CaseNumber
from bot.staff.rights import FIELDS
from bot.staff.views import case_view, line_view
from bot.store import Work
from connectors.staff.accounts_api import NEEDS_RIGHT, Answers
from connectors.staff.caller import Caller, Looker, Mover, Revealer
from connectors.staff.schemas import CaseView, MoveRequest, Problem, QueueLine, QueuePage, QueueQuery, Reason

router = APIRouter(tags=["staff: cases"])
NOT_FOUND: Answers = NEEDS_RIGHT | {404: {"model": Problem, "description": "No such case, or another unit's."}}
ETAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


@router.get("/cases", responses=NEEDS_RIGHT)
def queue(wanted: Annotated[QueueQuery, Query()], caller: Looker) -> QueuePage:
    """The queue, a page at a time; a handling unit gets only its own cases."""
    filters, after = _filters(wanted, caller), _cursor(wanted.after)
    with caller.desk() as desk:
        page = desk.page(filters, wanted.size, after)
        counts = desk.counts(filters) if after is None else None
    now = caller.parts.clock()
    lines = [QueueLine(**line_view(case, now)) for case in page.cases]
    return QueuePage(cases=lines, next=str(page.next) if page.next else None, counts=counts)  # type: ignore[arg-type]


@router.get("/cases/{number}", responses=NOT_FOUND, response_model_exclude_unset=True)
def case(number: str, caller: Looker, response: Response) -> CaseView:
    """A case, personal data masked; its ETag is the version to make a move on. Stands in the audit log."""
    with caller.parts.store.work() as work:
        found = caller.desk_in(work).look(CaseNumber(number.upper()))
        return _view(found, caller, work, response)


@router.post(
    "/cases/{number}/reveal",
    responses=NOT_FOUND | {403: {"model": Problem, "description": "The role may not, or the case is anonymous."}},
    response_model_exclude_unset=True,
)
def reveal(number: str, body: Reason, caller: Revealer, response: Response) -> CaseView:
    """A case with contact and texts unmasked, for a reason that stands in the audit log."""
    with caller.parts.store.work() as work:
        found = caller.desk_in(work).reveal(CaseNumber(number.upper()), body.reason)
        return _view(found, caller, work, response, revealed=True)


@router.post(
    "/cases/{number}/moves",
    responses=NOT_FOUND
    | {
        409: {"model": Problem, "description": "Not possible in this status, or the case was changed meanwhile."},
        422: {"model": Problem, "description": "Something the move needs is missing."},
        428: {"model": Problem, "description": "Neither `version` nor If-Match."},
    },
    response_model_exclude_unset=True,
)
def move(
    number: str,
    body: MoveRequest,
    caller: Mover,
    response: Response,
    if_match: Annotated[str | None, Header(description="The ETag of the case as it was looked at.")] = None,
) -> CaseView:
    """Make a move; the answer is the case after it.

    A refusal tells what the role may do now (`allowed`). A move on an older version than the case has is refused, so
    nobody overwrites what a colleague did meanwhile.
    """
    told = ETAG.fullmatch(if_match.strip()) if if_match else None
    version = int(told[1]) if told else body.version
    with caller.parts.store.work() as work:
        moved = caller.desk_in(work).move(
            CaseNumber(number.upper()), body.move, _facts(body), version, tuple(dict.fromkeys(body.evidence))
        )
        return _view(moved, caller, work, response)


def _facts(body: MoveRequest) -> Facts:
    return Facts(
        body.note,
        body.reason,
        body.reply,
        body.unit,
        tuple(body.assisting),
        body.duty_line,
        body.duty_version,
        leader=CaseNumber(body.leader.upper()) if body.leader else None,
    )


def _filters(wanted: QueueQuery, caller: Caller) -> Filters:
    zone = caller.parts.clock().tzinfo
    until = wanted.filed_to + timedelta(days=1) if wanted.filed_to else None
    return Filters(
        tuple(wanted.status),
        wanted.unit,
        wanted.item,
        wanted.category,
        wanted.district,
        wanted.subdistrict,
        wanted.urgency,
        wanted.overdue,
        wanted.text,
        datetime.combine(wanted.filed_from, time(), zone) if wanted.filed_from else None,
        datetime.combine(until, time(), zone) if until else None,
    )


def _cursor(text: str | None) -> Cursor | None:
    try:
        return cursor_of(text) if text else None
    except ValueError as error:
        problem = {"type": "value_error", "loc": ("query", "after"), "msg": str(error), "input": text}
        raise RequestValidationError([problem]) from None


def _view(found: Case, caller: Caller, work: Work, response: Response, revealed: bool = False) -> CaseView:
    role, catalogue = caller.account.role, caller.parts.catalogue
    named = catalogue.agencies.get(found.draft.agency or "")
    agency = named.in_language(caller.language) if named else None
    if found.handling.unit:
        agency = caller.parts.dispatcher().plain.duty.units.name(found.handling.unit).in_language(caller.language)
    told: dict[str, Any] = case_view(
        found, role, caller.parts.clock(), agency, work.evidence.count(found.number), revealed
    )
    if role in FIELDS["handovers"]:
        told["handovers"] = [
            {"unit": one.unit, "part": one.part, "state": one.state, "attempts": one.attempts, "error": one.error}
            for one in work.handovers.of(found.number)
        ]
    response.headers["ETag"] = f'"{found.version}"'
    return CaseView(**told)
