"""A case as a member of the staff sees it: the fields of the role, personal data masked until revealed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.cases.case import Case
from bot.cases.clocks import RUNNING
from bot.cases.states import Role, moves_from
from bot.privacy import redact
from bot.staff.rights import FIELDS

# Where the matter is, and which car, is what the unit must know; who told it is not.
KEPT = frozenset({"address", "plate"})
EXCERPT = 80


def masked_contact(contact: str | None) -> str | None:
    """A contact by its first and last signs: 138****8000; None stays None."""
    if not contact:
        return None
    name, at, domain = contact.partition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"{contact[:3]}****{contact[-4:]}" if len(contact) > 8 else "****"


def masked(text: str | None) -> str | None:
    """A text without telling who wrote it."""
    return redact(text, KEPT).text if text else text


def overdue(case: Case, now: datetime) -> bool:
    """Whether the answer is late."""
    return case.status in RUNNING and case.expected_at < now


def case_view(
    case: Case, role: Role, now: datetime, agency: str | None, files: int, revealed: bool = False
) -> dict[str, Any]:
    """All fields a role sees; an anonymous case is masked whatever was revealed."""
    open_ = revealed and not case.anonymous
    shown = (lambda text: text) if open_ else masked
    draft, handling = case.draft, case.handling
    told: dict[str, Any] = {
        "number": case.number,
        "version": case.version,
        "status": case.status,
        "type": draft.type,
        "category": draft.category,
        "subcategory": draft.subcategory,
        "service_item": draft.service_item,
        "urgency": draft.urgency,
        "agency": draft.agency,
        "agency_responsible": agency,
        "description": shown(draft.description),
        "location": shown(draft.location),
        "district": draft.district,
        "subdistrict": draft.subdistrict,
        "occurred_at": shown(draft.occurred_at),
        "language": case.language,
        "source": case.source,
        "anonymous": case.anonymous,
        "contact": None if case.anonymous else case.contact if open_ else masked_contact(case.contact),
        "filed_at": case.filed_at,
        "expected_at": case.expected_at,
        "overdue": overdue(case, now),
        "updated_at": handling.updated_at,
        "closed_at": handling.closed_at,
        "unit": handling.unit,
        "assisting": handling.assisting,
        "duty_line": handling.duty_line,
        "duty_version": handling.duty_version,
        "confidence": handling.confidence,
        "contact_by": handling.contact_by,
        "paused_at": handling.paused_at,
        "extended": handling.extended,
        "supervision": handling.supervision,
        "redos": handling.redos,
        "reply": handling.reply,
        "merged_into": handling.merged_into,
        "external_id": handling.external_id,
        "timeline": [
            {
                "event": event.kind,
                "at": event.at,
                "actor": event.actor,
                "name": event.name,
                "status": event.status,
                "note": shown(event.note),
                "reason": shown(event.reason),
            }
            for event in case.timeline
        ],
        "evidence": files,
        "allowed": moves_from(case.status, role),
    }
    return {name: value for name, value in told.items() if role in FIELDS[name]}


def line_view(case: Case, now: datetime) -> dict[str, Any]:
    """A case as one line of the queue; its text is masked and short."""
    draft, handling = case.draft, case.handling
    return {
        "number": case.number,
        "version": case.version,
        "status": case.status,
        "type": draft.type,
        "category": draft.category,
        "service_item": draft.service_item,
        "urgency": draft.urgency,
        "district": draft.district,
        "subdistrict": draft.subdistrict,
        "anonymous": case.anonymous,
        "excerpt": (masked(draft.description) or "")[:EXCERPT],
        "unit": handling.unit,
        "filed_at": case.filed_at,
        "expected_at": case.expected_at,
        "overdue": overdue(case, now),
        "supervision": handling.supervision,
        "redos": handling.redos,
    }


def seen(view: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Which of these fields a view shows something of."""
    return [name for name in names if view.get(name)]
