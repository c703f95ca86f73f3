"""The table of restrictions: what was decided about the processing of a person's data."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"


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


def downgrade() -> None:
    op.drop_table("restrictions")
