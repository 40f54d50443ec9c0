"""Turns to learn from, masked and without a sender, and how turns were rated."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learning_queue",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("intent", sa.String(40), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("services", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("learning_queue_by_day", "learning_queue", ["day"])
    op.create_table(
        "turn_reviews",
        sa.Column("turn", sa.Integer, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("rating", sa.String(4)),
        sa.Column("entry", sa.Integer),
    )


def downgrade() -> None:
    for table in ("turn_reviews", "learning_queue"):
        op.drop_table(table)
