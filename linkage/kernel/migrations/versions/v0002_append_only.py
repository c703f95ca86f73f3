"""Judgements keep what their reader saw, and the database itself refuses to change or delete one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

REFUSAL = "judgements are append-only; write a newer one or withdraw it"
SQLITE = {
    "judgements_no_update": "BEFORE UPDATE ON judgements",
    "judgements_no_delete": "BEFORE DELETE ON judgements",
    # INSERT OR REPLACE deletes without a word to the trigger above.
    "judgements_no_replace": "BEFORE INSERT ON judgements WHEN EXISTS (SELECT 1 FROM judgements WHERE judgement_id = NEW.judgement_id)",
}


def upgrade() -> None:
    op.add_column("judgements", sa.Column("decision_id", sa.String(16)))
    op.add_column("judgements", sa.Column("evidence", sa.JSON))
    op.create_index("ix_judgements_decision_id", "judgements", ["decision_id"])
    if op.get_bind().dialect.name == "sqlite":
        for name, when in SQLITE.items():
            op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
    else:
        op.execute(
            "CREATE FUNCTION refuse_to_change_judgements() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER judgements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON judgements "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_judgements()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in SQLITE:
            op.execute(f"DROP TRIGGER {name}")
    else:
        op.execute("DROP TRIGGER judgements_append_only ON judgements")
        op.execute("DROP FUNCTION refuse_to_change_judgements")
    op.drop_index("ix_judgements_decision_id", "judgements")
    op.drop_column("judgements", "evidence")
    op.drop_column("judgements", "decision_id")
