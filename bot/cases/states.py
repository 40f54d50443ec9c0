"""The life of a case as one table: which move leads from which status to which, who may make it and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """What the citizen sees of a case."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    TRANSFERRED = "transferred"
    MERGED = "merged"
    DISPATCHED = "dispatched"
    RETURNED = "returned"
    SIGNED = "signed"
    HANDLING = "handling"
    SUSPENDED = "suspended"
    REPLIED = "replied"
    CALLBACK = "callback"
    REDO = "redo"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Role(StrEnum):
    """Who acts on a case."""

    CITIZEN = "citizen"
    AGENT = "agent"
    DISPATCHER = "dispatcher"
    UNIT = "unit"
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    ADMIN = "admin"
    SYSTEM = "system"


class Move(StrEnum):
    """Something done to a case."""

    ACCEPT = "accept"
    REJECT = "reject"
    TRANSFER = "transfer"
    MERGE = "merge"
    UNMERGE = "unmerge"
    ANSWER = "answer"
    DISPATCH = "dispatch"
    SIGN = "sign"
    RETURN = "return"
    CONTACT = "contact"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXTEND = "extend"
    REPLY = "reply"
    REVIEW = "review"
    SEND_BACK = "send_back"
    RATE = "rate"
    REDO = "redo"
    CLOSE = "close"
    SUPERVISE = "supervise"
    CIRCULATE = "circulate"
    NOTE = "note"
    SUPPLEMENT = "supplement"
    HASTEN = "hasten"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


class Need(StrEnum):
    """What a move must bring along."""

    REASON = "reason"
    REPLY = "reply"
    UNIT = "unit"
    LEADER = "leader"


@dataclass(frozen=True)
class Transition:
    """One row of the table; `to` is None where the status stays."""

    origins: frozenset[Status]
    to: Status | None
    roles: frozenset[Role]
    needs: frozenset[Need]
    event: str


ENDED = frozenset({Status.CLOSED, Status.WITHDRAWN, Status.NOT_ACCEPTED, Status.TRANSFERRED, Status.MERGED})
OPEN = frozenset(Status) - ENDED
WITH_UNIT = frozenset({Status.DISPATCHED, Status.SIGNED, Status.HANDLING, Status.SUSPENDED, Status.REDO})
_S, _R, _M, _N = Status, Role, Move, Need
_CENTRE = (_R.AGENT, _R.DISPATCHER)
_RULES = (_R.DISPATCHER, _R.SUPERVISOR)

# move, statuses it is made in, status it leads to, who may make it, what it needs, the event it writes
_TABLE: tuple[tuple[Move, object, Status | None, tuple[Role, ...], tuple[Need, ...], str], ...] = (
    (_M.ACCEPT, (_S.SUBMITTED,), _S.ACCEPTED, (*_CENTRE, _R.SYSTEM), (), "accepted"),
    (_M.REJECT, (_S.SUBMITTED, _S.ACCEPTED), _S.NOT_ACCEPTED, _CENTRE, (_N.REASON,), "rejected"),
    (_M.TRANSFER, (_S.SUBMITTED, _S.ACCEPTED), _S.TRANSFERRED, _CENTRE, (_N.REASON,), "transferred"),
    (_M.MERGE, OPEN - {_S.REPLIED, _S.CALLBACK}, _S.MERGED, (*_CENTRE, _R.SYSTEM), (_N.LEADER,), "merged"),
    (_M.UNMERGE, (_S.MERGED,), _S.SUBMITTED, (*_CENTRE, _R.SYSTEM), (_N.REASON,), "unmerged"),
    (_M.ANSWER, (_S.ACCEPTED,), _S.REPLIED, _CENTRE, (_N.REPLY,), "answered"),
    (_M.DISPATCH, (_S.ACCEPTED, _S.RETURNED), _S.DISPATCHED, (*_RULES, _R.SYSTEM), (_N.UNIT,), "dispatched"),
    (_M.SIGN, (_S.DISPATCHED, _S.REDO), _S.SIGNED, (_R.UNIT, _R.SYSTEM), (), "signed"),
    (_M.RETURN, (_S.DISPATCHED, _S.SIGNED), _S.RETURNED, (_R.UNIT, _R.SYSTEM), (_N.REASON,), "returned"),
    (_M.CONTACT, (_S.SIGNED,), _S.HANDLING, (_R.UNIT,), (), "contacted"),
    (_M.SUSPEND, (_S.SIGNED, _S.HANDLING), _S.SUSPENDED, (_R.UNIT,), (_N.REASON,), "suspended"),
    (_M.RESUME, (_S.SUSPENDED,), _S.HANDLING, (_R.UNIT, _R.CITIZEN, _R.SYSTEM), (), "resumed"),
    (_M.EXTEND, (_S.SIGNED, _S.HANDLING), None, _RULES, (_N.REASON,), "extended"),
    (_M.REPLY, (_S.SIGNED, _S.HANDLING), _S.REPLIED, (_R.UNIT, _R.SYSTEM), (_N.REPLY,), "replied"),
    (_M.REVIEW, (_S.REPLIED,), _S.CALLBACK, (*_CENTRE, _R.SUPERVISOR, _R.SYSTEM), (), "called_back"),
    (_M.SEND_BACK, (_S.REPLIED,), _S.HANDLING, _RULES, (_N.REASON,), "sent_back"),
    (_M.RATE, (_S.REPLIED, _S.CALLBACK), _S.CLOSED, (_R.CITIZEN,), (), "rated"),
    (_M.REDO, (_S.REPLIED, _S.CALLBACK), _S.REDO, (_R.CITIZEN,), (_N.REASON,), "redo"),
    (_M.CLOSE, (_S.CALLBACK,), _S.CLOSED, (_R.DISPATCHER, _R.SYSTEM), (), "closed"),
    (_M.SUPERVISE, OPEN, None, (_R.SUPERVISOR, _R.SYSTEM), (_N.REASON,), "supervised"),
    (_M.CIRCULATE, OPEN, None, (_R.SUPERVISOR, _R.SYSTEM), (_N.REASON,), "circular"),
    (_M.NOTE, frozenset(_S), None, (*_CENTRE, _R.UNIT, _R.SUPERVISOR, _R.SYSTEM), (), "noted"),
    (_M.SUPPLEMENT, OPEN | {_S.MERGED}, None, (_R.CITIZEN, _R.AGENT), (), "supplemented"),
    (_M.HASTEN, OPEN | {_S.MERGED}, None, (_R.CITIZEN, _R.AGENT), (), "hastened"),
    (_M.WITHDRAW, OPEN | {_S.MERGED}, _S.WITHDRAWN, (_R.CITIZEN, _R.AGENT), (), "withdrawn"),
    (_M.REOPEN, (_S.CLOSED, _S.WITHDRAWN, _S.NOT_ACCEPTED), _S.SUBMITTED, (_R.CITIZEN, _R.AGENT), (), "reopened"),
)

TRANSITIONS: Mapping[Move, Transition] = MappingProxyType(
    {
        move: Transition(frozenset(origins), to, frozenset(roles), frozenset(needs), event)  # type: ignore[call-overload]
        for move, origins, to, roles, needs, event in _TABLE
    }
)


def moves_from(status: Status, role: Role) -> tuple[Move, ...]:
    """What a role may do to a case in a status, in the table's order."""
    return tuple(move for move, row in TRANSITIONS.items() if status in row.origins and role in row.roles)
