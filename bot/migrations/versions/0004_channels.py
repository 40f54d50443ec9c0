"""Channels and the desk: contacts, messages not answered or not sent yet, talks with people, answers to approve."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("sender", sa.String(200), primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("notices", sa.Boolean(), nullable=False, server_default="1"),
        sa.Column("notice_language", sa.String(2)),
        sa.Column("reachable", sa.Boolean(), nullable=False, server_default="1"),
        sa.Column("written_at", sa.DateTime(timezone=True)),
        sa.Column("window_until", sa.DateTime(timezone=True)),
        sa.Column("window_left", sa.Integer()),
        sa.Column("details", sa.JSON()),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("message_id", sa.String(200), nullable=False),
        sa.Column("arrival", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.UniqueConstraint("sender", "message_id", name="one_arrival_a_message"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(260), nullable=False, unique=True),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("bubbles", sa.JSON(), nullable=False),
        sa.Column("number", sa.String(20)),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("sent", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.String(200)),
        sa.Column("external_id", sa.String(120)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_due", "outbox", ["state", "next_try_at"])
    op.create_index("outbox_by_sender", "outbox", ["sender", "id"])
    op.create_index("outbox_by_external", "outbox", ["channel", "external_id"])
    op.create_table(
        "web_sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("ticket_hash", sa.String(64)),
        sa.Column("ticket_until", sa.DateTime(timezone=True)),
    )
    op.add_column("handoffs", sa.Column("reason", sa.String(10), nullable=False, server_default="asked"))
    op.add_column("handoffs", sa.Column("danger", sa.Boolean(), nullable=False, server_default="0"))
    for column in (
        sa.Column("call_back_to", sa.String(40)),
        sa.Column("claimed_by", sa.String(40)),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("note", sa.Text()),
    ):
        op.add_column("handoffs", column)
    op.create_index("handoffs_open", "handoffs", ["closed_at", "id"])
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.String(40)),
        sa.Column("decision", sa.String(10)),
        sqlite_autoincrement=True,
    )
    op.create_index("drafts_open", "drafts", ["decided_at", "due_at"])
    op.create_index("drafts_by_sender", "drafts", ["sender", "id"])
    op.create_table(
        "suggestions_used",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("login", sa.String(40), nullable=False),
        sa.Column("talk", sa.Integer()),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("service", sa.String(10)),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("use", sa.String(10), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("suggestions_by_time", "suggestions_used", ["at"])
    op.create_table(
        "cursors",
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("account", sa.String(80), primary_key=True),
        sa.Column("cursor", sa.String(200), nullable=False, server_default=""),
        sa.Column("token", sa.String(200), nullable=False, server_default=""),
        sa.Column("called", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("fetched", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
    )
    _calls()


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(100), primary_key=True),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("schema", sa.String(30), nullable=False),
        sa.Column("agent", sa.String(100)),
        sa.Column("language", sa.String(2)),
        sa.Column("caller_ref", sa.String(100)),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String(40)),
        sa.Column("summary", sa.Text()),
        sa.Column("last_seq", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_index("calls_by_start", "calls", ["started_at"])
    op.create_index("calls_live", "calls", ["ended_at", "started_at"])
    op.create_table(
        "call_lines",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("call_id", sa.String(100), sa.ForeignKey("calls.call_id", ondelete="CASCADE"), nullable=False),
        sa.Column("segment_id", sa.String(120), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.Integer()),
        sa.Column("end_ms", sa.Integer()),
        sa.Column("language", sa.String(20)),
        sa.Column("confidence", sa.Float()),
        sa.UniqueConstraint("call_id", "segment_id", name="one_line_a_segment"),
        sqlite_autoincrement=True,
    )


HANDOFF_COLUMNS = (
    "note", "outcome", "seen_at", "claimed_at", "claimed_by", "call_back_to", "danger", "reason",
)  # fmt: skip


def downgrade() -> None:
    for table in ("call_lines", "calls", "suggestions_used", "drafts"):
        op.drop_table(table)
    op.drop_index("handoffs_open", "handoffs")
    with op.batch_alter_table("handoffs") as batch:
        for column in HANDOFF_COLUMNS:
            batch.drop_column(column)
    for table in ("cursors", "web_sessions", "outbox", "inbox", "contacts"):
        op.drop_table(table)
