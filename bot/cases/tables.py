"""The tables of cases: what was filed, its events, hand-overs, ratings, evidence, rulings and surges."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.tables import metadata


def _where(condition: str) -> dict[str, Any]:
    """An index over those rows alone, on both databases: few have the column, and filing need not write it."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


cases = Table(
    "cases",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("query_code", String(8), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("language", String(2), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(20), nullable=False),
    Column("category", String(40)),
    Column("subcategory", String(40)),
    Column("service_item", String(8)),
    Column("urgency", String(10), nullable=False, server_default="normal"),
    Column("agency", String(20)),
    Column("location", Text),
    Column("district", String(40)),
    Column("subdistrict", String(40)),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("occurred_at", Text),
    Column("contact", String(40)),
    Column("anonymous", Boolean, nullable=False),
    Column("source", String(20), nullable=False, server_default="chat"),
    Column("request_key", String(80)),
    Column("status", String(20), nullable=False),
    Column("filed_at", DateTime(timezone=True), nullable=False),
    Column("expected_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("unit", String(60)),
    Column("assisting", JSON),
    Column("duty_line", String(60)),
    Column("duty_version", String(40)),
    Column("confidence", Float),
    Column("contact_by", DateTime(timezone=True)),
    Column("paused_at", DateTime(timezone=True)),
    Column("extended", Boolean, nullable=False, server_default="0"),
    Column("supervision", Integer, nullable=False, server_default="0"),
    Column("redos", Integer, nullable=False, server_default="0"),
    Column("reply", Text),
    Column("merged_into", String(20)),
    Column("external_id", String(80)),
    Column("check_at", DateTime(timezone=True)),
    Index("cases_by_sender", "sender", "filed_at"),
    Index("cases_by_request_key", "request_key", unique=True, **_where("request_key IS NOT NULL")),
    Index("cases_by_unit", "unit", "status"),
    Index("cases_by_status", "status", "filed_at"),
    Index("cases_by_filing", "filed_at", "number"),
    Index("cases_by_item", "service_item", "district", "filed_at"),
    Index("cases_by_check", "check_at", "number", **_where("check_at IS NOT NULL")),
    Index("cases_by_leader", "merged_into", **_where("merged_into IS NOT NULL")),
    Index("cases_by_update", "updated_at"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), ForeignKey("cases.number"), nullable=False, index=True),
    Column("kind", String(30), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", String(20), nullable=False),
    Column("name", String(80)),
    Column("status", String(20)),
    Column("reason", Text),
    Column("note", Text),
)

case_counters = Table(
    "case_counters",
    metadata,
    Column("day", String(8), primary_key=True),
    Column("last", Integer, nullable=False),
)

# A row says that something was done for a case, so that a sweep after a restart does not do it again.
case_marks = Table(
    "case_marks",
    metadata,
    Column("number", String(20), ForeignKey("cases.number"), primary_key=True),
    Column("mark", String(60), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), ForeignKey("cases.number"), nullable=False, index=True),
    Column("unit", String(60), nullable=False),
    Column("part", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", DateTime(timezone=True)),
    Column("error", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("external_id", String(80)),
    Index("handovers_due", "state", "next_try_at"),
    Index("handovers_by_unit", "unit", "state"),
)

ratings = Table(
    "ratings",
    metadata,
    Column("number", String(20), ForeignKey("cases.number"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("speed", Integer),
    Column("effect", Integer),
    Column("service", Integer),
    Column("feedback", Integer),
    Column("satisfied", Boolean, nullable=False),
    Column("reason", Text),
    Column("at", DateTime(timezone=True), nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), ForeignKey("cases.number"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("actor", String(20), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("move", String(20)),
    UniqueConstraint("number", "digest", name="one_file_a_case"),
)

case_followers = Table(
    "case_followers",
    metadata,
    Column("number", String(20), ForeignKey("cases.number"), primary_key=True),
    Column("sender", String(200), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

case_vectors = Table(
    "case_vectors",
    metadata,
    Column("number", String(20), ForeignKey("cases.number"), primary_key=True),
    Column("model", String(80), nullable=False),
    Column("vector", LargeBinary, nullable=False),
)

rulings = Table(
    "rulings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), ForeignKey("cases.number"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("category", String(40)),
    Column("subcategory", String(40)),
    Column("service_item", String(8)),
    Column("district", String(40)),
    Column("subdistrict", String(40)),
    Column("from_unit", String(60), nullable=False),
    Column("to_unit", String(60), nullable=False),
    Column("duty_line", String(60)),
    Column("reason", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("as_rule", Boolean, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("decided_by", String(80)),
    Column("decided_at", DateTime(timezone=True)),
    Index("rulings_by_state", "state", "id"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("leader", String(20), ForeignKey("cases.number"), nullable=False, unique=True),
    Column("numbers", JSON, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("state", String(12), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
