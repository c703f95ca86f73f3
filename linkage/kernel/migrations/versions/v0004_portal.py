"""The portal's tables: accounts, sessions, tokens, readings, corrections, requests for unmasked data, audit."""

import sqlalchemy as sa
from alembic import op

from linkage.kernel.migrations.append_only import refuse_changes

revision = "0004"
down_revision = "0003"

# Append-only table -> columns of its key, for SQLite, whose INSERT OR REPLACE deletes without a word to a trigger.
APPEND_ONLY = {
    "readings": ("reading_id",),
    "correction_steps": ("correction_id", "position"),
    "unmask_votes": ("request_id", "user_id"),
    "audit": ("seq",),
    "audit_index": ("seq",),
    "audit_values": ("value_hash", "seq"),
    "audit_persons": ("person_id", "seq"),
}


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(16), primary_key=True),
        sa.Column("username", sa.String(100), nullable=False, unique=True),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("department", sa.String(50), nullable=False),
        sa.Column("area_level", sa.String(20), nullable=False),
        sa.Column("area_name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("must_change_password", sa.Boolean, nullable=False),
        sa.Column("totp_secret", sa.String(200)),
        sa.Column("totp_last_step", sa.Integer),
        sa.Column("oidc_subject", sa.String(300), unique=True),
        sa.Column("reset_asked_by", sa.String(100)),
        sa.Column("reset_asked_at", sa.DateTime),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("disabled_at", sa.DateTime),
    )
    op.create_table(
        "role_grants",
        sa.Column("grant_id", sa.String(16), primary_key=True),
        sa.Column("user_id", sa.String(16), sa.ForeignKey("users.user_id"), nullable=False, index=True),
        sa.Column("role", sa.String(50), nullable=False),
        sa.Column("granted_by", sa.String(100), nullable=False),
        sa.Column("granted_at", sa.DateTime, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
        sa.Column("revoked_by", sa.String(100)),
        sa.Column("revoke_reason", sa.Text),
    )
    op.create_table(
        "login_failures",
        sa.Column("tried", sa.String(40), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.DateTime, nullable=False),
        sa.Column("waits_until", sa.DateTime),
    )
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(16), sa.ForeignKey("users.user_id"), nullable=False, index=True),
        sa.Column("second_factor", sa.Boolean, nullable=False),
        sa.Column("purpose", sa.String(50)),
        sa.Column("purpose_note", sa.String(200)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("last_seen_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(16), primary_key=True),
        sa.Column("family_id", sa.String(16), nullable=False, index=True),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("user_id", sa.String(16), sa.ForeignKey("users.user_id"), nullable=False, index=True),
        sa.Column("scope", sa.JSON, nullable=False),
        sa.Column("purpose", sa.String(50), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("last_used_at", sa.DateTime),
        sa.Column("revoked_at", sa.DateTime),
        sa.Column("revoked_by", sa.String(100)),
        sa.Column("replaced_by", sa.String(16)),
        sa.Column("overlap_until", sa.DateTime),
    )
    op.create_table(
        "usage",
        sa.Column("user_id", sa.String(16), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("amount", sa.Integer, nullable=False),
    )
    op.create_table(
        "review_locks",
        sa.Column("case_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(16), nullable=False),
        sa.Column("taken_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "readings",
        sa.Column("reading_id", sa.String(16), primary_key=True),
        sa.Column("case_id", sa.String(32), nullable=False, index=True),
        sa.Column("case_kind", sa.String(40), nullable=False),
        sa.Column("records", sa.JSON, nullable=False),
        sa.Column("release", sa.String(60), nullable=False),
        sa.Column("user_id", sa.String(16), nullable=False, index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("groups", sa.JSON(none_as_null=True)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decision_id", sa.String(16)),
        sa.Column("undoes", sa.String(16)),
        sa.Column("batch", sa.String(16), index=True),
        sa.Column("pattern", sa.String(64)),
        sa.Column("seconds", sa.Integer),
        sa.Column("read_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "corrections",
        sa.Column("correction_id", sa.String(16), primary_key=True),
        sa.Column("person_id", sa.String(20), nullable=False, index=True),
        sa.Column("field", sa.String(50), nullable=False),
        sa.Column("release", sa.String(60), nullable=False),
        sa.Column("value_before", sa.Text),
        sa.Column("value_proposed", sa.Text),
        sa.Column("reason_code", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("basis", sa.Text),
        sa.Column("legal_basis", sa.String(100), nullable=False),
        sa.Column("owner", sa.String(50), nullable=False, index=True),
        sa.Column("record_id", sa.String(200), nullable=False),
        sa.Column("raised_by", sa.String(16), nullable=False),
        sa.Column("raised_department", sa.String(50), nullable=False),
        sa.Column("raised_at", sa.DateTime, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
    )
    op.create_table(
        "correction_steps",
        sa.Column("correction_id", sa.String(16), sa.ForeignKey("corrections.correction_id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("release", sa.String(60), nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "unmask_requests",
        sa.Column("request_id", sa.String(16), primary_key=True),
        sa.Column("requested_by", sa.String(16), nullable=False),
        sa.Column("department", sa.String(50), nullable=False),
        sa.Column("release", sa.String(60), nullable=False),
        sa.Column("table_name", sa.String(50), nullable=False),
        sa.Column("columns", sa.JSON, nullable=False),
        sa.Column("purpose", sa.String(50), nullable=False),
        sa.Column("purpose_note", sa.Text, nullable=False),
        sa.Column("requested_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "unmask_votes",
        sa.Column("request_id", sa.String(16), sa.ForeignKey("unmask_requests.request_id"), primary_key=True),
        sa.Column("user_id", sa.String(16), primary_key=True),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("voted_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_index",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(29), nullable=False, index=True),
        sa.Column("hour", sa.String(13), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False, index=True),
        sa.Column("action", sa.String(50), nullable=False, index=True),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("persons", sa.Integer, nullable=False),
    )
    op.create_table(
        "audit_values",
        sa.Column("value_hash", sa.String(64), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, index=True),
    )
    op.create_table(
        "audit_persons",
        sa.Column("person_id", sa.String(20), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, index=True),
    )
    for table, key in APPEND_ONLY.items():
        refuse_changes(table, key)


def downgrade() -> None:
    for table in reversed(
        (
            "users",
            "role_grants",
            "login_failures",
            "sessions",
            "tokens",
            "usage",
            "review_locks",
            "readings",
            "corrections",
            "correction_steps",
            "unmask_requests",
            "unmask_votes",
            "audit",
            "audit_index",
            "audit_values",
            "audit_persons",
        )
    ):
        op.drop_table(table)
        if op.get_bind().dialect.name == "postgresql" and table in APPEND_ONLY:
            op.execute(f"DROP FUNCTION refuse_to_change_{table}")
