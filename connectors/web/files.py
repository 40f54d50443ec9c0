"""Files that a citizen adds in the chat: to a case of this very conversation, checked and stripped as everywhere."""

from __future__ import annotations

from typing import Any

from bot.cases.case import CITIZEN, Facts
from bot.cases.evidence import plain_name, ready
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN, Role, Status
from bot.channels.web_sessions import WebSession
from bot.errors import NoCaseForFile, UnknownCase
from bot.store import Work
from bot.tracker import Event
from connectors.web.messages import messages_of
from connectors.web.notice import notice_bubbles
from connectors.web.talk import Said, Talk

TAKES_FILES = OPEN | {Status.MERGED}


def attach(
    talk: Talk, session: WebSession, name: str, content: bytes, number: str | None = None, language: str | None = None
) -> Said:
    """Add a file to a case of the conversation, the newest open one when none is named; gives the turn that tells it.

    Raises NoCaseForFile, UnknownCase for a case of somebody else's, and what `ready` and `EvidenceStore.add` raise.
    """
    assistant, given = talk.assistant, ready(name, content, Role.CITIZEN)
    with assistant.store.work() as work:
        work.hold(session.sender)
        found = work.cases.held(_number(work, session, number))
        if found.status not in TAKES_FILES:
            raise NoCaseForFile(found.number)
        now = assistant.clock()
        kept, fresh = work.evidence.add(found.number, given, now)
        if fresh:
            work.cases.record(found.number, "evidence", CITIZEN, Facts(), found.status)
        tracker = work.tracker(session.sender)
        spoken = language or str(tracker.slot("language") or session.language)
        text = assistant.domain.text("utter_web_file", spoken, name=kept.name, number=found.number)
        events = (Event("file", now.timestamp(), name=found.number, value=kept.id, text=plain_name(name)),)
        bubbles: list[dict[str, Any]] = notice_bubbles(session.sender, [{"text": text}], spoken, found.number)
        turn = work.save(tracker, None, events, bubbles, now)
        told = work.transcript.after(session.sender, turn - 1)
    return Said(told[0], messages_of(told[0]))


def _number(work: Work, session: WebSession, number: str | None) -> CaseNumber:
    if number is not None:
        return own_number(work, session, number)
    case = next((case for case in work.cases.of_sender(session.sender) if case.status in TAKES_FILES), None)
    if case is None:
        raise NoCaseForFile(session.id)
    return case.number


def own_number(work: Work, session: WebSession, number: str) -> CaseNumber:
    """The number of a case that was filed in the conversation; raises UnknownCase for any other."""
    wanted = CaseNumber(number.upper())
    if all(case.number != wanted for case in work.cases.of_sender(session.sender)):
        raise UnknownCase(wanted)
    return wanted
