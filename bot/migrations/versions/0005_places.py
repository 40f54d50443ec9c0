"""Where notices go: chosen places, what doors saw, and whose lease a message of the outbox has.

A database of a version between 0004 and this has some of it already, as 0004 grew in place for a while.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    found = sa.inspect(op.get_bind())
    for table, column in (
        ("contacts", sa.Column("kind", sa.String(20))),
        ("outbox", sa.Column("begun", sa.Boolean(), nullable=False, server_default="0")),
        ("outbox", sa.Column("claims", sa.Integer(), nullable=False, server_default="0")),
    ):
        if column.name not in {known["name"] for known in found.get_columns(table)}:
            op.add_column(table, column)
    if not found.has_table("notice_places"):
        op.create_table(
            "notice_places",
            sa.Column("number", sa.String(20), primary_key=True),
            sa.Column("sender", sa.String(200), primary_key=True),
            sa.Column("shown_at", sa.DateTime(timezone=True)),
            sa.Column("chosen_at", sa.DateTime(timezone=True)),
            sa.Column("excluded", sa.Boolean(), nullable=False, server_default="0"),
        )
        op.create_index("notice_places_by_sender", "notice_places", ["sender"])
    op.add_column("notice_places", sa.Column("language", sa.String(2)))
    if not found.has_table("seen"):
        op.create_table(
            "seen",
            sa.Column("channel", sa.String(40), primary_key=True),
            sa.Column("key", sa.String(160), primary_key=True),
            sa.Column("what", sa.String(200), nullable=False),
            sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        )
        op.create_index("seen_by_time", "seen", ["at"])


def downgrade() -> None:
    op.drop_table("seen")
    op.drop_table("notice_places")
    with op.batch_alter_table("outbox", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_column("claims")
        batch.drop_column("begun")
    with op.batch_alter_table("contacts") as batch:
        batch.drop_column("kind")
