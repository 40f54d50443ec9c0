"""What each staff role may do and see: the one table that the doors, the views and the tests read."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from bot.cases.states import Role


class Right(StrEnum):
    """Something that doors and views ask for; which moves a role may make stands in `bot.cases.states`."""

    OWN = "own"
    ACCOUNTS = "accounts"
    AUDIT = "audit"
    CASES = "cases"
    MOVE = "move"
    REVEAL = "reveal"
    ADD_EVIDENCE = "add_evidence"
    DISPATCH = "dispatch"
    RULE = "rule"
    DUPLICATES = "duplicates"
    CALLS = "calls"
    TALKS = "talks"
    FIGURES = "figures"


STAFF_ROLES = (Role.AGENT, Role.DISPATCHER, Role.UNIT, Role.SUPERVISOR, Role.EDITOR, Role.ADMIN)
_CENTRE = frozenset({Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR})
_HANDS = _CENTRE | {Role.UNIT}

RIGHTS: Mapping[Right, frozenset[Role]] = MappingProxyType(
    {
        Right.OWN: frozenset(STAFF_ROLES),
        Right.ACCOUNTS: frozenset({Role.ADMIN}),
        Right.AUDIT: frozenset({Role.ADMIN, Role.SUPERVISOR}),
        Right.CASES: _HANDS | {Role.ADMIN},
        Right.MOVE: _HANDS,
        Right.REVEAL: _HANDS,
        Right.ADD_EVIDENCE: _HANDS,
        Right.DISPATCH: frozenset({Role.DISPATCHER, Role.SUPERVISOR}),
        Right.RULE: frozenset({Role.SUPERVISOR}),
        Right.DUPLICATES: frozenset({Role.AGENT, Role.DISPATCHER}),
        Right.CALLS: frozenset({Role.AGENT, Role.SUPERVISOR}),
        Right.TALKS: frozenset({Role.AGENT, Role.SUPERVISOR}),
        Right.FIGURES: frozenset({Role.SUPERVISOR}),
    }
)
# Roles that see nothing but the cases of their own unit.
OWN_UNIT_ONLY = frozenset({Role.UNIT})

# A field of a case -> the roles that see it. The query code and the sender's id are shown to nobody.
_ALL = RIGHTS[Right.CASES]
FIELDS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "number": _ALL, "version": _ALL, "status": _ALL, "type": _ALL, "category": _ALL, "subcategory": _ALL,
        "service_item": _ALL, "urgency": _ALL, "agency": _ALL, "agency_responsible": _ALL, "district": _ALL,
        "subdistrict": _ALL, "language": _ALL, "source": _ALL, "anonymous": _ALL, "filed_at": _ALL,
        "expected_at": _ALL, "overdue": _ALL, "updated_at": _ALL, "closed_at": _ALL, "unit": _ALL, "assisting": _ALL,
        "contact_by": _ALL, "paused_at": _ALL, "extended": _ALL, "supervision": _ALL, "redos": _ALL,
        "merged_into": _ALL, "description": _ALL, "location": _ALL, "occurred_at": _ALL, "reply": _ALL,
        "timeline": _ALL, "evidence": _ALL, "allowed": _HANDS, "contact": _HANDS,
        "duty_line": _CENTRE, "duty_version": _CENTRE, "confidence": _CENTRE, "external_id": _CENTRE,
        "handovers": _CENTRE,
    }
)  # fmt: skip
# What stands in the audit log as looked at, where it was shown.
PERSONAL = ("description", "location", "occurred_at", "timeline", "contact")


def may(role: Role, right: Right) -> bool:
    """Whether a role has a right."""
    return role in RIGHTS[right]
