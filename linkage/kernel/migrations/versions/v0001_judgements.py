"""The table of judgements. Databases of before the migrations have it already: they are only marked."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("judgements"):
        return
    op.create_table(
        "judgements",
        sa.Column("judgement_id", sa.String(16), primary_key=True),
        sa.Column("record_key_l", sa.String(200), nullable=False),
        sa.Column("record_key_r", sa.String(200), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("reader", sa.String(100), nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_judgements_record_key_l", "judgements", ["record_key_l"])
    op.create_index("ix_judgements_record_key_r", "judgements", ["record_key_r"])


def downgrade() -> None:
    op.drop_table("judgements")
