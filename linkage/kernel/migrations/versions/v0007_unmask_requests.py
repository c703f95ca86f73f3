"""What was asked to be given unmasked is append-only, as the votes on it are."""

from alembic import op

from linkage.kernel.migrations.append_only import refuse_changes

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    refuse_changes("unmask_requests", ("request_id",))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER unmask_requests_append_only ON unmask_requests")
        op.execute("DROP FUNCTION refuse_to_change_unmask_requests")
    else:
        for name in ("no_update", "no_delete", "no_replace"):
            op.execute(f"DROP TRIGGER unmask_requests_{name}")
