"""Duplicates at the desk: what a case may repeat, merging it and others into a leader, taking that back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field

from bot.cases.case import Case, Facts
from bot.cases.merging import Candidate, Contradiction, Reason, candidates
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Status
from bot.staff.audit import Action
from bot.staff.views import line_view
from connectors.staff.accounts_api import Answers
from connectors.staff.caller import Caller, Merger
from connectors.staff.cases_api import ETAG, NOT_FOUND
from connectors.staff.schemas import Note, Problem, QueueLine, Strict

router = APIRouter(tags=["staff: duplicates"])
REFUSED: Answers = NOT_FOUND | {
    409: {"model": Problem, "description": "Merged or ended before, or changed meanwhile; nothing was changed."},
    422: {"model": Problem, "description": "Something is missing."},
    428: {"model": Problem, "description": "No version."},
}
Number = Annotated[str, Field(max_length=20, examples=["SZ261127-000001-7"])]
Version = Annotated[int | None, Field(ge=0)]
Tag = Annotated[str | None, Header(description="The ETag of the case as it was looked at.")]


class Said(BaseModel):
    """What speaks for or against: its code, and its words in the person's language."""

    code: Reason | Contradiction
    words: str


class CandidateCase(BaseModel):
    """An open case that may tell of the same event; null where one of the two does not say."""

    case: QueueLine
    score: Annotated[float, Field(description="Probability that both tell of one event.")]
    same_item: bool | None
    same_subdistrict: bool | None
    same_place: bool | None
    days_apart: float
    reasons: list[Said]
    contradictions: list[Said]


class Candidates(BaseModel):
    """The likeliest first; empty also where this installation has no model for it."""

    number: str
    candidates: list[CandidateCase]


class Also(Strict):
    """Another case to merge with the first one, or none of them."""

    number: Number
    version: Version = None


class MergeRequest(Strict):
    """Into which case. `version` (or the header If-Match) is that of the case as it was looked at."""

    leader: Annotated[Number, Field(min_length=1, description="The case that goes on.")]
    version: Version = None
    reason: Note | None = None
    also: Annotated[tuple[Also, ...], Field(max_length=50, description="Merged too: all of them, or none.")] = ()


class UnmergeRequest(Strict):
    """Why a case is on its own again."""

    reason: Annotated[Note, Field(min_length=1)]
    version: Version = None


class Merged(BaseModel):
    """A case after merging or taking it back."""

    number: str
    version: int
    status: Status
    merged_into: str | None


class AllMerged(BaseModel):
    """The cases after merging, as they were given."""

    cases: list[Merged]


@router.get("/cases/{number}/duplicates", responses=NOT_FOUND)
def duplicates(number: str, caller: Merger) -> Candidates:
    """Open cases that a case may repeat, with reasons and contradictions. Stands in the audit log."""
    with caller.parts.store.work() as work:
        case = caller.desk_in(work).visible(CaseNumber(number.upper()))
        found = candidates(work, caller.parts.finder(), case.number)
        seen = [f"case:{one.case.number}" for one in found]
        work.audit.write(caller.account, Action.COMPARED, caller.address, case.number, seen)
    now = caller.parts.clock()
    return Candidates(number=case.number, candidates=[_view(one, caller, now) for one in found])


@router.post("/cases/{number}/merge", responses=REFUSED)
def merge(number: str, body: MergeRequest, caller: Merger, if_match: Tag = None) -> AllMerged:
    """Merge a case, and others with it, into a leader: all of them or none.

    Each keeps its timeline and query code, and its citizen rates for oneself. Cases merged into one of them go along.
    """
    versions = {CaseNumber(number.upper()): _version(if_match, body.version)}
    versions |= {CaseNumber(one.number.upper()): one.version for one in body.also}
    facts = Facts(reason=body.reason, leader=CaseNumber(body.leader.upper()))
    with caller.desk() as desk:
        return AllMerged(cases=[_merged(case) for case in desk.move_all(versions, Move.MERGE, facts)])


@router.post("/cases/{number}/unmerge", responses=REFUSED)
def unmerge(number: str, body: UnmergeRequest, caller: Merger, if_match: Tag = None) -> Merged:
    """Make a merged case one of its own again, for a reason."""
    version = _version(if_match, body.version)
    with caller.desk() as desk:
        return _merged(desk.move(CaseNumber(number.upper()), Move.UNMERGE, Facts(reason=body.reason), version))


def _version(if_match: str | None, version: int | None) -> int | None:
    told = ETAG.fullmatch(if_match.strip()) if if_match else None
    return int(told[1]) if told else version


def _merged(case: Case) -> Merged:
    into = case.handling.merged_into
    return Merged(number=case.number, version=case.version, status=case.status, merged_into=into)


def _view(one: Candidate, caller: Caller, now: datetime) -> CandidateCase:
    return CandidateCase(
        case=QueueLine(**line_view(one.case, now)),
        score=round(one.score, 4),
        same_item=one.same_item,
        same_subdistrict=one.same_subdistrict,
        same_place=one.same_place,
        days_apart=one.days_apart,
        reasons=[said_of(code, caller) for code in one.reasons],
        contradictions=[said_of(code, caller) for code in one.contradictions],
    )


def said_of(code: Reason | Contradiction, caller: Caller) -> Said:
    """A code with its words."""
    return Said(code=code, words=caller.parts.domain.text(f"utter_merge_{code}", caller.language))
