"""What logins, locks and tries leave behind, deleted once it decides nothing any more: at each start of the portal and with the nightly retention.

Whatever says what somebody did stays (audit, readings, corrections, judgements). Codes that were used leave one number in the account,
and a login through the unified login nothing: what it carries meanwhile is sealed in the browser's cookie.
"""

from datetime import timedelta

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import (
    fruitless_tries_table,
    login_failures_table,
    review_locks_table,
    sessions_table,
)
from linkage.portal import clock
from linkage.portal.backoff import FORGOTTEN_AFTER
from linkage.portal.config import PortalConfig


def purge(state: State, portal: PortalConfig) -> dict[str, int]:
    """Delete it; returns rows by kind. Of each account the newest session stays, ended as it is: it says when the account was last used."""
    moment = clock.now()
    tries = fruitless_tries_table.c.day <= moment.date() - timedelta(days=portal.guessing.days)
    with open_database(state).begin() as connection:
        return {
            "sessions": connection.execute(_over(portal)).rowcount,
            "login_failures": connection.execute(
                sa.delete(login_failures_table).where(login_failures_table.c.last_at < moment - FORGOTTEN_AFTER)
            ).rowcount,
            "review_locks": connection.execute(
                sa.delete(review_locks_table).where(review_locks_table.c.expires_at <= moment)
            ).rowcount,
            "fruitless_tries": connection.execute(sa.delete(fruitless_tries_table).where(tries)).rowcount,
        }


def _over(portal: PortalConfig) -> sa.Delete:
    table, newer, moment = sessions_table, sessions_table.alias(), clock.now()
    idle = moment - timedelta(minutes=portal.sessions.idle_minutes)
    over = table.c.ended_at.is_not(None) | (table.c.expires_at <= moment) | (table.c.last_seen_at <= idle)
    used_later = sa.exists().where(newer.c.user_id == table.c.user_id, newer.c.last_seen_at > table.c.last_seen_at)
    return sa.delete(table).where(over, used_later)
