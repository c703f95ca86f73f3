"""Bulk data without masks: asked for by one, granted by two others, for a short while.

The state of a request is what its votes, in their order, make of it: the first refusal ends it; the last grant that is needed opens it for
``unmasked_hours``. A vote after either is void. The requester may withdraw it at any time, which is put down beside the votes and ends it for good. Requests
and votes are only ever added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from linkage.kernel.contracts import contract
from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import unmask_requests_table, unmask_votes_table, users_table
from linkage.portal import clock
from linkage.portal.accounts import new_id
from linkage.portal.viewer import Viewer
from linkage.release.sharing import SECTIONS, DepartmentSharing, SharingConfig

REGISTER = "register"
"""What a request names in place of a table when it is for whole releases (whole_register.py). No table is called so."""
OPEN_DAYS = 7
"""A request that not enough people answered is over after so long."""
Status = Literal["waiting", "refused", "granted", "over", "withdrawn"]
Verdict = Literal["grant", "refuse", "withdraw"]
"""``withdraw`` is the requester's alone."""


@dataclass(frozen=True)
class Vote:
    """What one person said."""

    user_id: str
    username: str
    verdict: str
    reason: str
    voted_at: datetime


@dataclass(frozen=True)
class Request:
    """A request with its votes, oldest first."""

    request_id: str
    requested_by: str
    username: str
    department: str
    release: str
    table: str
    columns: tuple[str, ...]
    purpose: str
    purpose_note: str
    requested_at: datetime
    expires_at: datetime
    votes: tuple[Vote, ...] = ()

    def granted_at(self, needed: int) -> datetime | None:
        """When the last grant that was needed came, if no refusal came before it and nobody but others granted."""
        grants: set[str] = set()
        for vote in self.votes:
            if vote.verdict == "refuse" or vote.voted_at >= self.expires_at:
                return None
            if vote.verdict == "grant" and vote.user_id != self.requested_by:
                grants.add(vote.user_id)
            if len(grants) >= needed:
                return vote.voted_at
        return None

    def until(self, needed: int, hours: float) -> datetime | None:
        """When a granted request is over; None when it is not granted."""
        granted = self.granted_at(needed)
        return None if granted is None else granted + timedelta(hours=hours)

    @property
    def is_register(self) -> bool:
        """Whether it is for whole releases."""
        return self.table == REGISTER

    def status(self, needed: int, hours: float, moment: datetime) -> Status:
        """What the request is at ``moment``: ``needed`` grants open it for ``hours``."""
        if any(vote.verdict == "withdraw" and vote.user_id == self.requested_by for vote in self.votes):
            return "withdrawn"
        until = self.until(needed, hours)
        if until is not None:
            return "granted" if moment < until else "over"
        if any(vote.verdict == "refuse" for vote in self.votes):
            return "refused"
        return "waiting" if moment < self.expires_at else "over"


def masked_columns(department: DepartmentSharing, sharing: SharingConfig) -> dict[str, tuple[str, ...]]:
    """By table, what the department receives in part and may ask for in full: never what is 不予共享, and only of tables whose rows it can tell apart."""
    found = {}
    for table in SECTIONS:
        fields = department.fields(table)
        columns = tuple(
            name for name in fields if name in department.mask and sharing.sharing_class(table, name) != "not_shared"
        )
        if columns and set(contract(table).key) <= set(fields):
            found[table] = columns
    return found


def ask(
    state: State, viewer: Viewer, *, release: str, table: str, columns: Sequence[str], purpose: str, note: str
) -> str:
    """Put a request on record and return its id. What may be asked for is checked by the caller (``masked_columns``,
    ``may_take_register``). ``release``: the one that was current; a request for whole releases holds for the others too."""
    request_id, moment = new_id(), clock.now()
    row = {
        "request_id": request_id, "requested_by": viewer.user_id, "department": viewer.department, "release": release, "table_name": table,
        "columns": sorted(set(columns)), "purpose": purpose, "purpose_note": note, "requested_at": moment,
        "expires_at": moment + timedelta(days=OPEN_DAYS),
    }  # fmt: skip
    with open_database(state).begin() as connection:
        connection.execute(sa.insert(unmask_requests_table), row)
    return request_id


def vote(state: State, request_id: str, viewer: Viewer, verdict: Verdict, reason: str) -> bool:
    """Record a vote, or the requester's withdrawal; False when this person voted already. Who may is checked by the caller."""
    row = {
        "request_id": request_id,
        "user_id": viewer.user_id,
        "verdict": verdict,
        "reason": reason,
        "voted_at": clock.now(),
    }
    try:
        with open_database(state).begin() as connection:
            connection.execute(sa.insert(unmask_votes_table), row)
    except sa.exc.IntegrityError:
        return False
    return True


def read_requests(state: State, **only: Any) -> list[Request]:
    """Requests, newest first; ``only`` by request_id, requested_by or table_name."""
    requests, votes, users = unmask_requests_table, unmask_votes_table, users_table
    query = (
        sa.select(requests, users.c.username)
        .join(users, users.c.user_id == requests.c.requested_by)
        .order_by(requests.c.requested_at.desc(), requests.c.request_id)
    )
    for column, value in only.items():
        query = query.where(requests.c[column] == value)
    cast = (
        sa.select(votes, users.c.username)
        .join(users, users.c.user_id == votes.c.user_id)
        .order_by(votes.c.voted_at, votes.c.user_id)
    )
    with open_database(state).connect() as connection:
        rows = connection.execute(query).mappings().all()
        ids = [row["request_id"] for row in rows]
        answered = connection.execute(cast.where(votes.c.request_id.in_(ids))).mappings().all()
    of: dict[str, list[Vote]] = {}
    for row in answered:
        found = Vote(row["user_id"], row["username"], row["verdict"], row["reason"], row["voted_at"])
        of.setdefault(row["request_id"], []).append(found)
    return [
        Request(
            row["request_id"], row["requested_by"], row["username"], row["department"], row["release"], row["table_name"], tuple(row["columns"]),
            row["purpose"], row["purpose_note"], row["requested_at"], row["expires_at"], tuple(of.get(row["request_id"], ())),
        )
        for row in rows
    ]  # fmt: skip
