"""A withdrawal names the judgement it takes back. Those written before took back the newest of their pair that still counted."""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NO_UPDATE = "judgements_no_update"
REFUSAL = "judgements are append-only; write a newer one or withdraw it"


def upgrade() -> None:
    op.add_column("judgements", sa.Column("takes_back", sa.String(16)))
    named = _named_by_their_place(op.get_bind())
    if not named:
        return
    # The new column alone is filled; for that the database lets go of its refusal, within this transaction.
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {NO_UPDATE}")
        _fill(named)
        op.execute(
            f"CREATE TRIGGER {NO_UPDATE} BEFORE UPDATE ON judgements BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
    else:
        op.execute("ALTER TABLE judgements DISABLE TRIGGER judgements_append_only")
        _fill(named)
        op.execute("ALTER TABLE judgements ENABLE TRIGGER judgements_append_only")


def _named_by_their_place(connection: sa.Connection) -> dict[str, str]:
    """Withdrawal -> the judgement it took back."""
    rows = connection.execute(
        sa.text(
            "SELECT judgement_id, record_key_l, record_key_r, verdict FROM judgements ORDER BY decided_at, judgement_id"
        )
    )
    counting: dict[tuple[str, str], list[str]] = defaultdict(list)
    named: dict[str, str] = {}
    for judgement_id, left, right, verdict in rows:
        pair = counting[left, right]
        if verdict != "withdrawn":
            pair.append(judgement_id)
        elif pair:
            named[judgement_id] = pair.pop()
    return named


def _fill(named: dict[str, str]) -> None:
    update = sa.text("UPDATE judgements SET takes_back = :taken WHERE judgement_id = :withdrawal")
    op.get_bind().execute(update, [{"withdrawal": w, "taken": taken} for w, taken in named.items()])


def downgrade() -> None:
    op.drop_column("judgements", "takes_back")
