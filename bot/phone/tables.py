"""The tables of calls and of what was said in them."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bot.tables import metadata

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(100), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("schema", String(30), nullable=False),
    Column("agent", String(100)),
    Column("language", String(2)),
    Column("caller_ref", String(100)),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", String(40)),
    Column("summary", Text),
    Column("last_seq", Integer, nullable=False, server_default="0"),
    Index("calls_by_start", "started_at"),
    Index("calls_live", "ended_at", "started_at"),
)

call_lines = Table(
    "call_lines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call_id", String(100), ForeignKey("calls.call_id", ondelete="CASCADE"), nullable=False),
    Column("segment_id", String(120), nullable=False),
    Column("rev", Integer, nullable=False),
    Column("speaker", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("start_ms", Integer),
    Column("end_ms", Integer),
    Column("language", String(20)),
    Column("confidence", Float),
    UniqueConstraint("call_id", "segment_id", name="one_line_a_segment"),
    sqlite_autoincrement=True,
)
