"""The tables of conversations, hand-offs and learning; cases and staff have their own beside their code."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("sender", String(200), primary_key=True),
    Column("state", JSON, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("message_id", String(200)),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("events", JSON, nullable=False),
    Column("answer", JSON, nullable=False),
    UniqueConstraint("sender", "message_id", name="one_turn_a_message"),
    Index("turns_by_sender", "sender", "id"),
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sender", String(200), nullable=False, index=True),
    Column("language", String(2), nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("reason", String(10), nullable=False, server_default="asked"),
    Column("danger", Boolean, nullable=False, server_default="0"),
    Column("call_back_to", String(40)),
    Column("claimed_by", String(40)),
    Column("claimed_at", DateTime(timezone=True)),
    Column("seen_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("outcome", String(20)),
    Column("note", Text),
    Index("handoffs_open", "closed_at", "id"),
)

learning_queue = Table(
    "learning_queue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("day", Date, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("intent", String(40), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("services", JSON, nullable=False),
    Index("learning_queue_by_day", "day"),
    sqlite_autoincrement=True,
)

turn_reviews = Table(
    "turn_reviews",
    metadata,
    Column("turn", Integer, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("rating", String(4)),
    Column("entry", Integer),
)
