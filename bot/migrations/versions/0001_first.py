"""Conversations, turns, cases with their events and numbers, and the hand-off queue."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("sender", sa.String(200), primary_key=True),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("message_id", sa.String(200)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.UniqueConstraint("sender", "message_id", name="one_turn_a_message"),
    )
    op.create_index("turns_by_sender", "turns", ["sender", "id"])
    op.create_table(
        "cases",
        sa.Column("number", sa.String(20), primary_key=True),
        sa.Column("query_code", sa.String(8), nullable=False),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("category", sa.String(40)),
        sa.Column("service_item", sa.String(8)),
        sa.Column("agency", sa.String(20)),
        sa.Column("location", sa.Text),
        sa.Column("district", sa.String(40)),
        sa.Column("subdistrict", sa.String(40)),
        sa.Column("occurred_at", sa.Text),
        sa.Column("contact", sa.String(40)),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("cases_by_sender", "cases", ["sender", "filed_at"])
    op.create_table(
        "case_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.String(20), sa.ForeignKey("cases.number"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(20), nullable=False),
        sa.Column("note", sa.Text),
    )
    op.create_index("ix_case_events_number", "case_events", ["number"])
    op.create_table(
        "case_counters",
        sa.Column("day", sa.String(8), primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.create_table(
        "handoffs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_handoffs_sender", "handoffs", ["sender"])


def downgrade() -> None:
    for table in ("handoffs", "case_counters", "case_events", "cases", "turns", "conversations"):
        op.drop_table(table)
