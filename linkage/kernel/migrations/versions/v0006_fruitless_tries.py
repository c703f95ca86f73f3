"""Numbers that were tried and fitted nobody, by what is the same in all tries of one who guesses: keyed hashes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "fruitless_tries",
        sa.Column("tried", sa.String(40), primary_key=True),
        sa.Column("value_hash", sa.String(40), primary_key=True),
        sa.Column("day", sa.Date, nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("fruitless_tries")
