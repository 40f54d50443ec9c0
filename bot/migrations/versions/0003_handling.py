"""The handling of cases: dispatch, deadlines, ratings, evidence, rulings, surges; staff, sessions and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The audit log is only ever added to: the database itself refuses anything else.
APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit_log "
        "BEGIN SELECT RAISE(ABORT, 'audit_log is append only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit_log is append only'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ),
}


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index("audit_by_case", ["number", "at"], unique=False)
        batch_op.create_index("audit_by_login", ["login", "at"], unique=False)
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)

    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("leader", sa.String(length=20), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["leader"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("leader"),
    )
    op.create_table(
        "case_followers",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("number", "sender"),
    )
    op.create_table(
        "case_marks",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("mark", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("number", "mark"),
    )
    op.create_table(
        "case_vectors",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("move", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["number"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number", "digest", name="one_file_a_case"),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_number"), ["number"], unique=False)

    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("part", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["number"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("handovers", schema=None) as batch_op:
        batch_op.create_index("handovers_due", ["state", "next_try_at"], unique=False)
        batch_op.create_index("handovers_by_unit", ["unit", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_handovers_number"), ["number"], unique=False)

    op.create_table(
        "ratings",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("speed", sa.Integer(), nullable=True),
        sa.Column("effect", sa.Integer(), nullable=True),
        sa.Column("service", sa.Integer(), nullable=True),
        sa.Column("feedback", sa.Integer(), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("number", "round"),
    )
    op.create_table(
        "rulings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=True),
        sa.Column("subcategory", sa.String(length=40), nullable=True),
        sa.Column("service_item", sa.String(length=8), nullable=True),
        sa.Column("district", sa.String(length=40), nullable=True),
        sa.Column("subdistrict", sa.String(length=40), nullable=True),
        sa.Column("from_unit", sa.String(length=60), nullable=False),
        sa.Column("to_unit", sa.String(length=60), nullable=False),
        sa.Column("duty_line", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("as_rule", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["number"],
            ["cases.number"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rulings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rulings_number"), ["number"], unique=False)
        batch_op.create_index("rulings_by_state", ["state", "id"], unique=False)

    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_sessions_staff"), ["staff"], unique=False)

    with op.batch_alter_table("case_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("status", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch_op.alter_column(
            "kind", existing_type=sa.VARCHAR(length=20), type_=sa.String(length=30), existing_nullable=False
        )

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subcategory", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("urgency", sa.String(length=10), server_default="normal", nullable=False))
        batch_op.add_column(sa.Column("latitude", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("longitude", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("source", sa.String(length=20), server_default="chat", nullable=False))
        batch_op.add_column(sa.Column("request_key", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("unit", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("assisting", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("duty_line", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("duty_version", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("confidence", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("contact_by", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("extended", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("supervision", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("redos", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("reply", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("merged_into", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("external_id", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("check_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("cases_by_filing", ["filed_at", "number"], unique=False)
        batch_op.create_index("cases_by_item", ["service_item", "district", "filed_at"], unique=False)
        for name, columns, unique in (
            ("cases_by_check", ["check_at", "number"], False),
            ("cases_by_leader", ["merged_into"], False),
            ("cases_by_request_key", ["request_key"], True),
        ):
            given = sa.text(f"{columns[0]} IS NOT NULL")
            batch_op.create_index(name, columns, unique=unique, postgresql_where=given, sqlite_where=given)
        batch_op.create_index("cases_by_status", ["status", "filed_at"], unique=False)
        batch_op.create_index("cases_by_update", ["updated_at"], unique=False)
        batch_op.create_index("cases_by_unit", ["unit", "status"], unique=False)

    # Cases from before: their statuses in the timeline, and all that are open to be looked at by the clock.
    for kind, status in (("filed", "submitted"), ("withdrawn", "withdrawn"), ("reopened", "submitted")):
        op.execute(f"UPDATE case_events SET status = '{status}' WHERE kind = '{kind}'")
    op.execute("UPDATE cases SET updated_at = (SELECT max(at) FROM case_events e WHERE e.number = cases.number)")
    op.execute("UPDATE cases SET closed_at = updated_at WHERE status IN ('closed', 'withdrawn')")
    op.execute("UPDATE cases SET check_at = filed_at WHERE status NOT IN ('closed', 'withdrawn')")


def downgrade() -> None:
    # The older product knows fewer statuses and events.
    op.execute(
        "UPDATE case_events SET note = coalesce(note, kind), kind = 'supplemented' "
        "WHERE kind NOT IN ('filed', 'supplemented', 'hastened', 'withdrawn', 'reopened')"
    )
    op.execute("UPDATE cases SET status = 'closed' WHERE status IN ('merged', 'not_accepted', 'transferred')")
    op.execute("UPDATE cases SET status = 'handling' WHERE status IN ('suspended', 'redo')")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("cases_by_unit")
        batch_op.drop_index("cases_by_update")
        batch_op.drop_index("cases_by_status")
        batch_op.drop_index("cases_by_request_key")
        batch_op.drop_index("cases_by_leader")
        batch_op.drop_index("cases_by_item")
        batch_op.drop_index("cases_by_filing")
        batch_op.drop_index("cases_by_check")
        batch_op.drop_column("check_at")
        batch_op.drop_column("external_id")
        batch_op.drop_column("merged_into")
        batch_op.drop_column("reply")
        batch_op.drop_column("redos")
        batch_op.drop_column("supervision")
        batch_op.drop_column("extended")
        batch_op.drop_column("paused_at")
        batch_op.drop_column("contact_by")
        batch_op.drop_column("confidence")
        batch_op.drop_column("duty_version")
        batch_op.drop_column("duty_line")
        batch_op.drop_column("assisting")
        batch_op.drop_column("unit")
        batch_op.drop_column("closed_at")
        batch_op.drop_column("updated_at")
        batch_op.drop_column("request_key")
        batch_op.drop_column("source")
        batch_op.drop_column("longitude")
        batch_op.drop_column("latitude")
        batch_op.drop_column("urgency")
        batch_op.drop_column("subcategory")

    with op.batch_alter_table("case_events", schema=None) as batch_op:
        batch_op.alter_column(
            "kind", existing_type=sa.String(length=30), type_=sa.VARCHAR(length=20), existing_nullable=False
        )
        batch_op.drop_column("reason")
        batch_op.drop_column("status")
        batch_op.drop_column("name")

    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_sessions_staff"))

    op.drop_table("staff_sessions")
    with op.batch_alter_table("rulings", schema=None) as batch_op:
        batch_op.drop_index("rulings_by_state")
        batch_op.drop_index(batch_op.f("ix_rulings_number"))

    op.drop_table("rulings")
    op.drop_table("ratings")
    with op.batch_alter_table("handovers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handovers_number"))
        batch_op.drop_index("handovers_due")
        batch_op.drop_index("handovers_by_unit")

    op.drop_table("handovers")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_number"))

    op.drop_table("evidence")
    op.drop_table("case_vectors")
    op.drop_table("case_marks")
    op.drop_table("case_followers")
    op.drop_table("alerts")
    op.drop_table("staff")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index("audit_by_login")
        batch_op.drop_index("audit_by_case")

    op.drop_table("audit_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only")
    op.drop_table("api_keys")
