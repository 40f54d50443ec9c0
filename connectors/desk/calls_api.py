"""What an agent does beside a telephone call: filing its case, joining the caller to one that is known already, and
noting what became of suggestions."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from bot.assistant import Assistant
from bot.cases.number import CaseNumber
from bot.cases.telling import Telling
from bot.desk.call_desk import CallDesk
from bot.desk.suggestions import Used
from bot.errors import UnknownCall
from bot.store import Work
from connectors.desk.known import KnownSearch, known_view
from connectors.desk.schemas import CaseBody, FiledCase, JoinBody, JoinedCase, KnownCases, MatterBody, UsedBody
from connectors.desk.talks_api import draft_of, shown
from connectors.rest import Engine
from connectors.staff.accounts_api import NEEDS_RIGHT, Answers
from connectors.staff.caller import Caller, Talker
from connectors.staff.schemas import Problem

router = APIRouter(tags=["desk: calls"])
NO_CALL: Answers = NEEDS_RIGHT | {404: {"model": Problem, "description": "No such call or case."}}
REFUSED: Answers = NO_CALL | {
    409: {"model": Problem, "description": "Not to be joined, or by another way by now; nothing was done."}
}
CallId = Annotated[str, Path(max_length=100)]


@router.post("/calls/{call_id}/case", status_code=201, responses=NO_CALL)
def file(call_id: CallId, body: CaseBody, caller: Talker, engine: Engine) -> FiledCase:
    """File the case of a call, once a key; its number is read out to the caller."""
    draft = draft_of(body, engine)
    with caller.parts.store.work() as work:
        made = _desk(work, caller, engine).file(call_id, draft, body.contact or None, body.anonymous, body.key)
    return FiledCase(number=made.number, expected_at=made.expected_at)


@router.post("/calls/{call_id}/duplicates", responses=NO_CALL)
async def duplicates(call_id: CallId, body: MatterBody, caller: Talker, engine: Engine, request: Request) -> KnownCases:
    """Open cases that the form of a call may repeat. Which were shown stands in the audit log."""
    search: KnownSearch = request.app.state.known

    def look() -> KnownCases:
        draft = draft_of(body, engine)
        with caller.parts.store.read() as work:
            known = _desk(work, caller, engine).known(call_id, draft, partial(search.find, engine))
        search.note(caller, f"call:{call_id}", [one.case.number for one in known])
        now = caller.parts.clock()
        return KnownCases(duplicates=[known_view(one, caller, now) for one in known])

    return await search.beside(f"{caller.account.login} {call_id}", look, KnownCases(duplicates=[]))


@router.post("/calls/{call_id}/join", responses=REFUSED)
def join(call_id: CallId, body: JoinBody, caller: Talker, engine: Engine, request: Request) -> JoinedCase:
    """Join the caller to a case that others filed: the case filed in this call is merged into it, else followed.

    The same case again does nothing; `words` tell it to the caller. 409 for one's own, an ended or an anonymous case,
    without the right to merge, or where the way is another one by now.
    """
    leader = CaseNumber(body.case.strip().upper())
    with caller.parts.store.work() as work:
        told = _desk(work, caller, engine).join(call_id, leader, shown(body))
    request.app.state.postman.ring()
    return JoinedCase(number=leader, way=told.way, words=told.words, language=told.language)


@router.post("/calls/{call_id}/used", status_code=204, responses=NO_CALL)
def used(call_id: CallId, body: UsedBody, caller: Talker) -> Response:
    """Note what was done with a suggestion during a call."""
    with caller.parts.store.work() as work:
        if work.calls.of(call_id) is None:
            raise UnknownCall(call_id)
        line = Used(caller.account.login, None, body.kind, body.service, body.place, body.confidence, body.use)
        work.suggestions.write(line, caller.parts.clock())
    return Response(status_code=204)


def _desk(work: Work, caller: Caller, engine: Assistant) -> CallDesk:
    told_in = partial(Telling, engine.domain, engine.catalogue, engine.analyst.city)
    return CallDesk(work, caller.account, caller.parts.clock(), caller.address, told_in)
