"""Answers that wait for approval, and what agents made of suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from bot.desk.draft_desk import DraftDesk
from bot.desk.drafts import Decision
from bot.desk.suggestions import Figure
from connectors.desk.schemas import DecideBody, FigureLine, Figures
from connectors.staff.accounts_api import NEEDS_RIGHT
from connectors.staff.caller import Counter, Talker
from connectors.staff.schemas import Problem

router = APIRouter(tags=["desk: answers"])


@router.post(
    "/drafts/{number}",
    status_code=204,
    responses=NEEDS_RIGHT
    | {
        404: {"model": Problem, "description": "No such answer."},
        409: {"model": Problem, "description": "Decided before, or sent as its time was over."},
    },
)
def decide(number: int, body: DecideBody, caller: Talker, request: Request) -> Response:
    """Approve, edit or refuse an answer."""
    if body.decision is Decision.LAPSED or (body.decision is Decision.EDITED and not (body.text or "").strip()):
        field = "decision" if body.decision is Decision.LAPSED else "text"
        raise RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": "needed", "input": None}])
    parts = caller.parts
    with parts.store.work() as work:
        desk = DraftDesk(work, caller.account, parts.clock(), caller.address, parts.domain)
        desk.decide(number, body.decision, body.text)
    request.app.state.postman.ring()
    return Response(status_code=204)


@router.get("/figures", responses=NEEDS_RIGHT)
def figures(caller: Counter, days: Annotated[int, Query(ge=1, le=366)] = 30) -> Figures:
    """How often suggestions were accepted, edited or dismissed, by agent and by service."""
    since = caller.parts.clock() - timedelta(days=days)
    with caller.parts.store.read() as work:
        agents, services = work.suggestions.by_agent(since), work.suggestions.by_service(since)
        names = {account.login: account.name for account in work.accounts.all()}
    catalogue = caller.parts.catalogue
    titles = {
        code: catalogue[code].name.in_language(caller.language)
        for code in (one.name for one in services)
        if code is not None and code in catalogue
    }
    return Figures(days=days, agents=_lines(agents, names), services=_lines(services, titles))


def _lines(figures: Sequence[Figure], titles: dict[str, str]) -> list[FigureLine]:
    return [
        FigureLine(
            name=one.name,
            title=titles.get(one.name or ""),
            accepted=one.accepted,
            edited=one.edited,
            dismissed=one.dismissed,
            accepted_share=round((one.accepted + one.edited) / max(1, one.accepted + one.edited + one.dismissed), 4),
        )
        for one in figures
    ]
