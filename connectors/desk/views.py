"""Talks as lines of the queue and as transcripts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from bot.cases.case import Case
from bot.desk.drafts import Draft
from bot.desk.speaker import AGENT_SAID
from bot.desk.talk_desk import without_codes
from bot.desk.talks import SaidTurn, Talk
from bot.privacy import redact
from bot.store import Work
from connectors.desk.schemas import DraftLine, Line, Said, TalkLine

EXCERPT, LOOKED_BACK = 80, 5


def talk_line(work: Work, talk: Talk, now: datetime, place: int | None = None) -> TalkLine:
    """A talk in the queue."""
    contact = work.contacts.of(talk.sender)
    said = [line for line in lines_of(work.talks.transcript(talk.sender, at_most=LOOKED_BACK), ()) if _told(line)]
    return TalkLine(
        number=talk.number,
        state=talk.state,
        place=place,
        waited=max(0, int((now - talk.requested_at).total_seconds())),
        language=talk.language,
        channel=contact.channel if contact else "rest",
        reason=talk.reason,
        danger=talk.danger,
        call_back=talk.call_back_to is not None,
        claimed_by=talk.claimed_by,
        excerpt=redact(said[-1].text).text[:EXCERPT] if said else "",
    )


def lines_of(turns: Sequence[SaidTurn], cases: Collection[Case]) -> Iterator[Line]:
    """What was said, without query codes."""
    for turn in turns:
        events = [event for event in turn.events if event["event"] in ("user", AGENT_SAID)]
        agent = next((event for event in events if event["event"] == AGENT_SAID), None)
        for event in events:
            if event["event"] == "user" and event.get("text"):
                yield _line(turn, Said.CITIZEN, str(event["text"]), cases)
        for bubble in turn.answer:
            if bubble.get("text"):
                by_agent = (bubble.get("custom") or {}).get("role") == AGENT_SAID
                line = _line(turn, Said.AGENT if by_agent else Said.BOT, str(bubble["text"]), cases)
                yield line.model_copy(update={"login": agent.get("name")}) if agent and by_agent else line


def draft_line(draft: Draft, now: datetime) -> DraftLine:
    """An answer that waits for approval."""
    return DraftLine(
        number=draft.number,
        language=draft.language,
        question=redact(draft.question).text,
        answer="\n".join(str(bubble["text"]) for bubble in draft.answer if bubble.get("text")),
        confidence=round(draft.confidence, 3),
        left=max(0, int((draft.due_at - now).total_seconds())),
    )


def _line(turn: SaidTurn, by: Said, text: str, cases: Collection[Case]) -> Line:
    return Line(turn=turn.number, at=turn.at, by=by, text=without_codes(text, cases))


def _told(line: Line) -> bool:
    return line.by is Said.CITIZEN
