"""The web chat over HTTP: sessions, messages, ratings and what a citizen may do with what is kept."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, HTTPException, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from bot.cases.evidence import evidence_rules
from bot.channels.web_sessions import TICKET_LIFE, WebSession
from connectors.rest import Engine
from connectors.track_api import rated, told_case
from connectors.web.chat import Chat, Own, WebChat
from connectors.web.files import attach, own_number
from connectors.web.messages import state_of
from connectors.web.schemas import (
    Answered,
    AnswerRating,
    CaseRating,
    HandoffBody,
    Language,
    MessageBody,
    Notice,
    OpenBody,
    Opened,
    Ticket,
    hint_of,
)
from connectors.web.talk import Said

ROOT = "/api/v1/sessions"
MOST_CASES = 20
NO_STORE = {"Cache-Control": "no-store"}
ENDED: dict[int | str, dict[str, Any]] = {401: {"description": "No such session, a wrong token, or an ended session."}}
router = APIRouter(prefix=ROOT, tags=["web chat"])


@router.post("", status_code=201)
def open_session(
    request: Request, response: Response, chat: Chat, engine: Engine, body: OpenBody | None = None
) -> Opened:
    """A new conversation; the token is told this once and goes with every further request."""
    language = hint_of((body or OpenBody()).language) or "zh"
    session, secret = chat.talk.open(language)
    response.headers.update(NO_STORE)
    notice = Notice(
        ai=engine.domain.text("utter_web_ai", language), privacy_url=str(request.url.replace(path="/", query=""))
    )
    return Opened(session_id=session.id, token=secret, expires_at=session.expires_at, notice=notice)


@router.post("/{session_id}/messages", responses=ENDED)
async def say(body: MessageBody, session: Own, chat: Chat) -> Answered:
    """Say something; the same `client_msg_id` again gets the same answer and does nothing twice."""
    with chat.feed.typing(session.sender):
        said = await run_in_threadpool(chat.talk.say, session, body.text, body.client_msg_id, hint_of(body.lang))
        return _answered(chat, session, said)


@router.post("/{session_id}/handoff", responses=ENDED)
async def handoff(session: Own, chat: Chat, body: HandoffBody | None = None) -> Answered:
    """Ask for a person, in any state of the conversation."""
    asked = body or HandoffBody()
    language = hint_of(asked.lang) or session.language
    with chat.feed.typing(session.sender):
        said = await run_in_threadpool(chat.talk.person, session, asked.client_msg_id, language)
        return _answered(chat, session, said)


@router.post("/{session_id}/feedback", responses=ENDED | {404: {"description": "No such turn or case."}})
def feedback(body: CaseRating | AnswerRating, session: Own, chat: Chat, request: Request) -> Any:
    """Rate an answer good or bad, or the handling of a case by the four scores and satisfied or not."""
    if isinstance(body, AnswerRating):
        if not chat.talk.rate(session, body.client_msg_id, body.rating):
            raise HTTPException(404)
        return body
    assistant = chat.talk.assistant
    with assistant.store.work() as work:
        number = own_number(work, session, body.case_id)
        return rated(assistant, work, number, body, request)


@router.get("/{session_id}/cases", responses=ENDED)
def cases(session: Own, chat: Chat, response: Response) -> list[dict[str, Any]]:
    """The cases filed in this conversation with their tracks, the newest first; its token stands for their codes."""
    response.headers.update(NO_STORE)
    assistant = chat.talk.assistant
    with assistant.store.read() as work:
        return [told_case(assistant, work, case) for case in work.cases.of_sender(session.sender)[:MOST_CASES]]


@router.post(
    "/{session_id}/files",
    status_code=201,
    responses=ENDED
    | {
        409: {"description": "No case of this conversation takes files."},
        413: {"description": "Too large, or empty."},
        415: {"description": "Not an allowed type, or not what its name says."},
    },
)
def add_file(
    session: Own,
    chat: Chat,
    file: Annotated[UploadFile, File(description="jpg, png, webp, heic, pdf or mp4.")],
    case_id: Annotated[str | None, Form(max_length=30)] = None,
    lang: Annotated[Language, Form()] = "auto",
) -> Answered:
    """Add a photo or paper to a case of this conversation, the newest open one when none is named."""
    content = file.file.read(evidence_rules().most_bytes + 1)
    said = attach(chat.talk, session, file.filename or "", content, case_id, hint_of(lang))
    return _answered(chat, session, said)


@router.post("/{session_id}/ticket", responses=ENDED)
def ticket(session: Own, chat: Chat, response: Response) -> Ticket:
    """A ticket that opens one socket, once, within 30 seconds; no token ever stands in an address."""
    response.headers.update(NO_STORE)
    return Ticket(ticket=chat.talk.ticket(session), expires_in=int(TICKET_LIFE.total_seconds()))


@router.get("/{session_id}/export", responses=ENDED)
def export(session: Own, chat: Chat) -> JSONResponse:
    """Everything kept of this conversation, as a file."""
    name = f'attachment; filename="conversation-{session.id[:8]}.json"'
    return JSONResponse(chat.talk.export(session), headers={**NO_STORE, "Content-Disposition": name})


@router.delete("/{session_id}", status_code=204, responses=ENDED)
def erase(session: Own, chat: Chat) -> None:
    """Forget this conversation; cases that were filed stay and are handled."""
    chat.talk.erase(session)
    chat.feed.ring(session.sender)


def _answered(chat: WebChat, session: WebSession, said: Said) -> Answered:
    """The answer; rung for while the typing sign is still on, so that a stream tells both in one look."""
    chat.feed.ring(session.sender)
    return Answered(turn_id=said.turn.id, messages=said.messages, state=state_of(said.turn))
