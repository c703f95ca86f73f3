"""The table of restrictions: what was decided about the processing of a person's data; the database refuses to change one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

REFUSAL = "restrictions are append-only; record a later decision"
SQLITE = {
    "restrictions_no_update": "BEFORE UPDATE ON restrictions",
    "restrictions_no_delete": "BEFORE DELETE ON restrictions",
    # INSERT OR REPLACE deletes without a word to the trigger above.
    "restrictions_no_replace": "BEFORE INSERT ON restrictions WHEN EXISTS (SELECT 1 FROM restrictions WHERE action_id = NEW.action_id)",
}


def upgrade() -> None:
    op.create_table(
        "restrictions",
        sa.Column("action_id", sa.String(16), primary_key=True),
        sa.Column("person_id", sa.String(20), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.String(100), nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_restrictions_person_id", "restrictions", ["person_id"])
    if op.get_bind().dialect.name == "sqlite":
        for name, when in SQLITE.items():
            op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
    else:
        op.execute(
            "CREATE FUNCTION refuse_to_change_restrictions() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER restrictions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON restrictions "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_restrictions()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER restrictions_append_only ON restrictions")
        op.execute("DROP FUNCTION refuse_to_change_restrictions")
    op.drop_table("restrictions")
