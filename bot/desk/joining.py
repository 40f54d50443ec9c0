"""Joining a citizen to a case that others filed on the same: filed already, the own case is merged into it; else the
citizen follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.cases.case import Case
from bot.cases.duplicate_finder import Found
from bot.cases.states import OPEN, TRANSITIONS, Move, Role
from bot.desk.talks import Talk
from bot.staff.rights import Right, may
from bot.store import Work

SOURCE = "desk"


class Way(StrEnum):
    """How a citizen is joined to a case."""

    FOLLOW = "follow"
    MERGE = "merge"


@dataclass(frozen=True)
class Known:
    """An open case that tells of the same, how likely, and how the citizen of a talk can be joined to it, if at all."""

    case: Case
    share: float
    way: Way | None


def cases_of(work: Work, talk: Talk) -> tuple[Case, ...]:
    """The cases that agents filed during a talk, the newest first."""
    own = work.cases.of_sender(talk.sender)
    return tuple(case for case in own if case.source == SOURCE and case.filed_at >= talk.requested_at)


def filed_in(work: Work, talk: Talk) -> Case | None:
    """The newest case filed during a talk that can still be merged."""
    origins = TRANSITIONS[Move.MERGE].origins
    return next((case for case in cases_of(work, talk) if case.status in origins), None)


def way_to(case: Case, talk: Talk, filed: Case | None, role: Role) -> Way | None:
    """How the citizen is joined to a case; None to one's own, to an ended one, or where the role has no right.

    Nobody is joined to an anonymous case: nothing of it is told to others.
    """
    if case.sender == talk.sender or case.status not in OPEN or case.anonymous:
        return None
    if filed is not None:
        return Way.MERGE if may(role, Right.DUPLICATES) else None
    return Way.FOLLOW


def known_cases(work: Work, talk: Talk, role: Role, found: Sequence[Found]) -> tuple[Known, ...]:
    """Cases found on what a talk is about, without the citizen's own."""
    filed = filed_in(work, talk)
    others = (one for one in found if one.case.sender != talk.sender)
    return tuple(Known(one.case, one.share, way_to(one.case, talk, filed, role)) for one in others)
