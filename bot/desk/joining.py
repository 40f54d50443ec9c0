"""Joining a citizen to a case that others filed on the same: filed already, the own case is merged into it; else the
citizen follows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.case import Case, CaseDraft, Facts
from bot.cases.duplicate_finder import Found
from bot.cases.merging import Candidate, candidate
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN, TRANSITIONS, Move, Role
from bot.desk.suggestions import Use, Used
from bot.desk.talks import Talk
from bot.errors import JoinChanged, NotJoinable
from bot.messages import SenderId
from bot.staff.desk import CaseDesk
from bot.staff.rights import Right, may
from bot.store import Work

SOURCE = "desk"
KIND = "duplicate"


class Way(StrEnum):
    """How a citizen is joined to a case."""

    FOLLOW = "follow"
    MERGE = "merge"


@dataclass(frozen=True)
class Guest:
    """The citizen an agent speaks with, and where agents file for them, from when on (None: ever)."""

    sender: SenderId
    source: str
    since: datetime | None = None


@dataclass(frozen=True)
class Known:
    """An open case that tells of the same, why, and how the citizen can be joined to it, if at all or not yet."""

    candidate: Candidate
    way: Way | None
    joined: bool

    @property
    def case(self) -> Case:
        """The case."""
        return self.candidate.case


@dataclass(frozen=True)
class Shown:
    """How a case stood before the agent who joins a citizen to it: its place from 1, how sure, and the way offered."""

    place: int = 1
    confidence: float | None = None
    way: Way | None = None

    def used(self, case: Case, login: str, talk: int | None) -> Used | None:
        """The case taken as a suggestion accepted; None where it was none."""
        if self.confidence is None:
            return None
        return Used(login, talk, KIND, case.draft.service_item, self.place, self.confidence, Use.ACCEPTED)


UNTOLD = Shown()


@dataclass(frozen=True)
class Joined:
    """How a citizen was joined to a case, which own case was merged, and whether it was done before."""

    way: Way
    own: Case | None = None
    again: bool = False


def guest_of(talk: Talk) -> Guest:
    """The citizen of a talk."""
    return Guest(talk.sender, SOURCE, talk.requested_at)


def cases_of(work: Work, guest: Guest) -> tuple[Case, ...]:
    """The cases that agents filed for a citizen during the talk or call, the newest first."""
    own = (case for case in work.cases.of_sender(guest.sender) if case.source == guest.source)
    return tuple(case for case in own if guest.since is None or case.filed_at >= guest.since)


def filed_in(work: Work, guest: Guest) -> Case | None:
    """The newest case filed during a talk or call that can still be merged."""
    origins = TRANSITIONS[Move.MERGE].origins
    return next((case for case in cases_of(work, guest) if case.status in origins), None)


def way_to(case: Case, guest: Guest, filed: Case | None, role: Role) -> Way | None:
    """How the citizen is joined to a case; None to one's own, to an ended one, or where the role has no right.

    Nobody is joined to an anonymous case: nothing of it is told to others.
    """
    if case.sender == guest.sender or case.status not in OPEN or case.anonymous:
        return None
    if filed is not None:
        return Way.MERGE if may(role, Right.DUPLICATES) else None
    return Way.FOLLOW


def known_cases(
    work: Work, guest: Guest, role: Role, draft: CaseDraft, now: datetime, found: Sequence[Found]
) -> tuple[Known, ...]:
    """Cases found on what a talk or call is about, without the citizen's own."""
    others = [one for one in found if one.case.sender != guest.sender]
    if not others:
        return ()
    filed, joined = filed_in(work, guest), joined_to(work, guest)
    return tuple(_known(one, way_to(one.case, guest, filed, role), joined, draft, now) for one in others)


def joined_to(work: Work, guest: Guest) -> dict[CaseNumber, Way]:
    """The cases that a citizen is joined to by now, and how."""
    merged = {one.handling.merged_into: Way.MERGE for one in cases_of(work, guest) if one.handling.merged_into}
    followed = {one.number: Way.FOLLOW for one in work.followers.of_sender(guest.sender)}
    return {**followed, **{number: way for number, way in merged.items() if number}}


def join(
    work: Work,
    cases: CaseDesk,
    guest: Guest,
    role: Role,
    leader: CaseNumber,
    now: datetime,
    done: Collection[Way],
    offered: Way | None,
) -> Joined:
    """Join a citizen to a case; what is `done` already is not done again.

    Raises UnknownCase, NotJoinable for one's own, an ended or an anonymous case and without the right, and JoinChanged
    where it goes by another way by now than the agent was offered. Who uses it holds the sender.
    """
    case, filed = cases.visible(leader), filed_in(work, guest)
    # A case filed after following can still be merged: each way is gone once.
    if Way.MERGE in done or (done and filed is None):
        return Joined(Way.MERGE if Way.MERGE in done else Way.FOLLOW, again=True)
    way = way_to(case, guest, filed, role)
    if way is None:
        raise NotJoinable(f"case {leader} is not to be joined")
    if offered not in (None, way):
        raise JoinChanged(f"case {leader} is joined by {way} by now")
    if filed is not None:
        cases.move(filed.number, Move.MERGE, Facts(leader=leader), filed.version)
        work.followers.leave(leader, guest.sender)
    else:
        work.followers.follow(leader, guest.sender, now)
    return Joined(way, filed)


def _known(found: Found, way: Way | None, joined: dict[CaseNumber, Way], draft: CaseDraft, now: datetime) -> Known:
    by = joined.get(found.case.number)
    # Who follows can still merge a case filed later.
    is_joined = by is not None and (by is Way.MERGE or way is not Way.MERGE)
    return Known(candidate(draft, now, found), None if is_joined else way, is_joined)
