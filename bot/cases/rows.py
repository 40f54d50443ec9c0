"""Cases as rows: what a row of the table of cases stands for."""

from __future__ import annotations

from datetime import datetime, tzinfo
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row

from bot.cases.case import Case, CaseDraft, CaseEvent, DemandType, Handling
from bot.cases.states import Status
from bot.moments import in_utc


def case_of(row: Row[Any] | SimpleNamespace, timeline: tuple[CaseEvent, ...], zone: tzinfo | None) -> Case:
    """The case of a row and its events, its times in local time."""
    draft = CaseDraft(
        row.description,
        DemandType(row.type),
        row.category,
        row.service_item,
        row.agency,
        row.location,
        row.district,
        row.subdistrict,
        row.occurred_at,
        row.subcategory,
        row.urgency,
        row.latitude,
        row.longitude,
    )
    handling = Handling(
        row.unit,
        tuple(row.assisting or ()),
        row.duty_line,
        row.duty_version,
        row.confidence,
        _maybe(row.contact_by, zone),
        _maybe(row.paused_at, zone),
        bool(row.extended),
        row.supervision,
        row.redos,
        row.reply,
        row.merged_into,
        _maybe(row.closed_at, zone),
        _maybe(row.updated_at, zone),
        row.external_id,
    )
    return Case(
        row.number,
        row.query_code,
        row.sender,
        row.language,
        draft,
        row.contact,
        row.anonymous,
        Status(row.status),
        local(row.filed_at, zone),
        local(row.expected_at, zone),
        timeline,
        row.source,
        handling,
    )


def _maybe(moment: datetime | None, zone: tzinfo | None) -> datetime | None:
    return local(moment, zone) if moment else None


def local(moment: datetime, zone: tzinfo | None) -> datetime:
    """A stored moment in local time; SQLite gives it back without a zone."""
    return in_utc(moment).astimezone(zone)
