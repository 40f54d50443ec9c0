"""The tables of contacts, web sessions, messages not answered yet, not sent yet, and not fetched yet."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, Index, Integer, String, Table, UniqueConstraint

from bot.tables import metadata

contacts = Table(
    "contacts",
    metadata,
    Column("sender", String(200), primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("kind", String(20)),
    Column("language", String(2), nullable=False),
    Column("notices", Boolean, nullable=False, server_default="1"),
    Column("notice_language", String(2)),
    Column("reachable", Boolean, nullable=False, server_default="1"),
    Column("written_at", DateTime(timezone=True)),
    Column("window_until", DateTime(timezone=True)),
    Column("window_left", Integer),
    Column("details", JSON),
)

# Who else than the filer may be told of a case, having shown its code; `excluded` also keeps the filer's place out.
notice_places = Table(
    "notice_places",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("sender", String(200), primary_key=True),
    Column("shown_at", DateTime(timezone=True)),
    Column("chosen_at", DateTime(timezone=True)),
    Column("excluded", Boolean, nullable=False, server_default="0"),
    Column("language", String(2)),
    Index("notice_places_by_sender", "sender"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("arrival", JSON, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    UniqueConstraint("sender", "message_id", name="one_arrival_a_message"),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(260), nullable=False, unique=True),
    Column("sender", String(200), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("language", String(2), nullable=False),
    Column("bubbles", JSON, nullable=False),
    Column("number", String(20)),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    # None for one that is tried since it was written.
    Column("tried_since", DateTime(timezone=True)),
    Column("leased_until", DateTime(timezone=True)),
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("begun", Boolean, nullable=False, server_default="0"),
    Column("claims", Integer, nullable=False, server_default="0"),
    Column("error", String(200)),
    Column("external_id", String(120)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Index("outbox_due", "state", "next_try_at"),
    Index("outbox_by_sender", "sender", "id"),
    Index("outbox_by_external", "channel", "external_id"),
    sqlite_autoincrement=True,
)

seen = Table(
    "seen",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("what", String(200), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("seen_by_time", "at"),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("language", String(2), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("ticket_hash", String(64)),
    Column("ticket_until", DateTime(timezone=True)),
)

cursors = Table(
    "cursors",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("account", String(80), primary_key=True),
    Column("cursor", String(200), nullable=False, server_default=""),
    Column("token", String(200), nullable=False, server_default=""),
    Column("called", Integer, nullable=False, server_default="0"),
    Column("fetched", Integer, nullable=False, server_default="0"),
    Column("called_at", DateTime(timezone=True), nullable=False),
)
