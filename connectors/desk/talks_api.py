"""The queue, a talk, and all that its holder does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from bot.assistant import Assistant
from bot.cases.case import CaseDraft
from bot.cases.number import CaseNumber
from bot.desk import filled
from bot.desk.joining import Shown
from bot.desk.learnt import Returned
from bot.desk.suggestions import Used
from bot.desk.talk_desk import TalkDesk
from bot.staff.views import line_view
from bot.store import Work
from connectors.desk.advice import advice_for
from connectors.desk.schemas import (
    CaseBody,
    CloseBody,
    FiledCase,
    JoinBody,
    JoinedCase,
    MatterBody,
    Queue,
    ReturnBody,
    SayBody,
    TalkView,
    UsedBody,
)
from connectors.desk.views import draft_line, lines_of, talk_line
from connectors.rest import Engine
from connectors.staff.accounts_api import NEEDS_RIGHT, Answers
from connectors.staff.caller import Caller, Talker
from connectors.staff.schemas import Problem, QueueLine

router = APIRouter(tags=["desk: talks"])
HELD: Answers = NEEDS_RIGHT | {
    404: {"model": Problem, "description": "No such talk."},
    409: {"model": Problem, "description": "Somebody else holds it, or it is over."},
}
FORM = ("description", "location", "occurred_at", "contact", "anonymous")
Number = int
Language = Annotated[
    str | None, Query(pattern="^(zh|en)$", description="Of the suggestions; the citizen's by default.")
]


@router.get("/queue", responses=NEEDS_RIGHT)
def queue(caller: Talker) -> Queue:
    """Who waits, in the order to be taken; one's own talks, those of others, and answers to approve."""
    now, me = caller.parts.clock(), caller.account.login
    with caller.parts.store.read() as work:
        waiting = [talk_line(work, talk, now, place) for place, talk in enumerate(work.talks.waiting(), 1)]
        held = [talk_line(work, talk, now) for talk in work.talks.held()]
        drafts = [draft_line(draft, now) for draft in work.drafts.waiting()]
    return Queue(
        waiting=waiting,
        mine=[line for line in held if line.claimed_by == me],
        others=[line for line in held if line.claimed_by != me],
        drafts=drafts,
    )


@router.post("/talks/{number}/claim", responses=HELD)
def claim(number: Number, caller: Talker, engine: Engine, request: Request) -> TalkView:
    """Take a talk; of two who try at once one gets it, the other 409 with the name of the first."""
    _done(caller, engine, request, lambda desk: desk.claim(number))
    return talk(number, caller, engine)


@router.get("/talks/{number}", responses=HELD)
def talk(number: Number, caller: Talker, engine: Engine, after: Annotated[int, Query(ge=0)] = 0) -> TalkView:
    """A talk with what was said after a turn; only its holder and supervisors see it."""
    with caller.parts.store.work() as work:
        found, tracker, turns = _desk(work, caller, engine).look(number, after)
        cases = work.cases.of_sender(found.sender)
        now = caller.parts.clock()
        return TalkView(
            talk=talk_line(work, found, now),
            lines=list(lines_of(turns, cases)),
            last_turn=turns[-1].number if turns else after,
            call_back_to=found.call_back_to,
            active_form=tracker.active_form,
            requested_slot=tracker.requested_slot,
            form={name: tracker.slot(name) for name in FORM if tracker.slot(name) is not None},
            cases=[QueueLine(**line_view(case, now)) for case in cases],
            note=found.note,
        )


@router.get("/talks/{number}/advice", responses=HELD)
def advice(
    number: Number, caller: Talker, engine: Engine, request: Request, language: Language = None
) -> dict[str, Any]:
    """Suggestions, the case form, duplicates and a summary, as `POST /assist/suggest` gives them.

    Which duplicates were shown stands in the audit log.
    """
    with caller.parts.store.read() as work:
        found, _, turns = _desk(work, caller, engine).look(number, record=False)
        lines = list(lines_of(turns, work.cases.of_sender(found.sender)))
    return advice_for(engine, lines, language, found, caller, request.app.state.known)


@router.post("/talks/{number}/say", status_code=204, responses=HELD)
def say(number: Number, body: SayBody, caller: Talker, engine: Engine, request: Request) -> Response:
    """Say something to the citizen; the same key again says nothing."""
    return _done(caller, engine, request, lambda desk: desk.say(number, body.text, body.key))


@router.post("/talks/{number}/case", status_code=201, responses=HELD)
def file(number: Number, body: CaseBody, caller: Talker, engine: Engine, request: Request) -> FiledCase:
    """File a case for the citizen, once a key."""
    draft = draft_of(body, engine)
    with caller.parts.store.work() as work:
        made = _desk(work, caller, engine).file(number, draft, body.contact or None, body.anonymous, body.key)
    request.app.state.postman.ring()
    return FiledCase(number=made.number, expected_at=made.expected_at)


@router.post("/talks/{number}/join", responses=HELD | {404: {"model": Problem, "description": "No such talk or case."}})
def join(number: Number, body: JoinBody, caller: Talker, engine: Engine, request: Request) -> JoinedCase:
    """Join the citizen to a case that others filed: the case filed in this talk is merged into it, else followed.

    The same case again does nothing. 409 for one's own, an ended or an anonymous case, without the right to merge, or
    where the way is another one by now.
    """
    leader = CaseNumber(body.case.strip().upper())
    with caller.parts.store.work() as work:
        way = _desk(work, caller, engine).join(number, leader, shown(body))
    request.app.state.postman.ring()
    return JoinedCase(number=leader, way=way)


@router.post("/talks/{number}/used", status_code=204, responses=HELD)
def used(number: Number, body: UsedBody, caller: Talker) -> Response:
    """Note what was done with a suggestion."""
    with caller.parts.store.work() as work:
        work.talks.check_own(number, caller.account.login)
        line = Used(caller.account.login, number, body.kind, body.service, body.place, body.confidence, body.use)
        work.suggestions.write(line, caller.parts.clock())
    return Response(status_code=204)


@router.post("/talks/{number}/hand-back", status_code=204, responses=HELD)
def hand_back(number: Number, body: ReturnBody, caller: Talker, engine: Engine, request: Request) -> Response:
    """Let the bot go on."""
    returned = Returned(body.note, body.service, body.values.told(), body.heard.told())
    return _done(caller, engine, request, lambda desk: desk.hand_back(number, returned))


@router.post("/talks/{number}/close", status_code=204, responses=HELD)
def close(number: Number, body: CloseBody, caller: Talker, engine: Engine, request: Request) -> Response:
    """End the talk; the next message goes to the bot."""
    returned = Returned(body.note, body.service, body.values.told(), body.heard.told())
    return _done(caller, engine, request, lambda desk: desk.close(number, body.outcome, returned))


@router.post("/talks/{number}/release", status_code=204, responses=HELD)
def release(number: Number, caller: Talker, engine: Engine, request: Request) -> Response:
    """Put the talk back into the queue; a supervisor may do so with anybody's."""
    return _done(caller, engine, request, lambda desk: desk.release(number))


def _done(caller: Caller, engine: Assistant, request: Request, do: Callable[[TalkDesk], object]) -> Response:
    with caller.parts.store.work() as work:
        do(_desk(work, caller, engine))
    request.app.state.postman.ring()
    return Response(status_code=204)


def _desk(work: Work, caller: Caller, engine: Assistant) -> TalkDesk:
    return TalkDesk(work, caller.account, caller.parts.clock(), caller.address, engine)


def draft_of(body: MatterBody | CaseBody, engine: Assistant) -> CaseDraft:
    """The draft of the words, with what the agent told in its place."""
    return filled.draft_of({name: value for name, value in body if isinstance(value, str)}, engine)


def shown(body: JoinBody) -> Shown:
    """How a case stood before the agent."""
    return Shown(body.place, body.confidence, body.way)
