"""The tables of answers that wait for approval and of suggestions used; talks are rows of `handoffs`."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Float, Index, Integer, String, Table, Text

from bot.tables import metadata

drafts = Table(
    "drafts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("language", String(2), nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", String(40)),
    Column("decision", String(10)),
    Index("drafts_open", "decided_at", "due_at"),
    Index("drafts_by_sender", "sender", "id"),
    sqlite_autoincrement=True,
)

suggestions_used = Table(
    "suggestions_used",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("login", String(40), nullable=False),
    Column("talk", Integer),
    Column("kind", String(20), nullable=False),
    Column("service", String(10)),
    Column("place", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("use", String(10), nullable=False),
    Index("suggestions_by_time", "at"),
    sqlite_autoincrement=True,
)
