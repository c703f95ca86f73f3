"""What stands around a case: the households of the persons concerned, and what was judged about their records before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.masking import mask_text
from linkage.kernel.state_tables import judgements_table
from linkage.portal.desk import Desk
from linkage.portal.review.lookups import among
from linkage.review.listing import STATUS_ZH, WAITING

MOST_MEMBERS = 12
"""Of a dormitory nobody needs to see everyone."""
JUDGEMENTS = judgements_table.c
STATUS_EN = {WAITING: "waits for a night", "changed": "applied, the records changed"}


@dataclass(frozen=True)
class Member:
    """Somebody of a household of a person concerned."""

    person_id: str
    name: str
    birth_date: date | None
    relation_to_head: str | None
    is_head: bool
    is_concerned: bool
    has_left: bool


@dataclass(frozen=True)
class Home:
    """A household with its members; ``more``: members not shown."""

    household_id: str
    kind: str
    address: str
    members: tuple[Member, ...]
    more: int


@dataclass(frozen=True)
class Earlier:
    """An earlier judgement about records of the case, its reader masked."""

    decision_id: str
    records: tuple[str, str]
    verdict: str
    reader: str
    reason: str
    decided_at: datetime
    status: str
    status_en: str


def read_homes(desk: Desk, person_ids: Sequence[str]) -> tuple[Home, ...]:
    """Households that these persons are in or were in; put on record."""
    theirs, bound = among("person_id", person_ids, "person")
    own = desk.look("members", theirs, **bound)
    ids = sorted({row["household_id"] for row in own})
    if not ids:
        return ()
    these, bound = among("household_id", ids, "household")
    households = {row["household_id"]: row for row in desk.look("households", these, **bound)}
    everyone = desk.view("members").rows(desk.register.con, these, "ORDER BY is_head DESC, valid_from", **bound)
    shown, more = [], dict.fromkeys(ids, 0)
    for household_id in ids:
        here = [row for row in everyone if row["household_id"] == household_id]
        here.sort(key=lambda row: (row["person_id"] not in person_ids, row["valid_to"] is not None, not row["is_head"]))
        shown += here[:MOST_MEMBERS]
        more[household_id] = len(here) - len(here[:MOST_MEMBERS])
    desk.saw("members", shown, desk.view("members"))
    them, bound = among("person_id", sorted({row["person_id"] for row in shown}), "person")
    names = {row["person_id"]: row for row in desk.look("persons", them, **bound)}
    return tuple(
        Home(
            household_id=household_id,
            kind=households[household_id]["kind"],
            address=households[household_id].get("address") or "",
            members=tuple(
                Member(
                    person_id=row["person_id"],
                    name=names.get(row["person_id"], {}).get("full_name") or "",
                    birth_date=names.get(row["person_id"], {}).get("birth_date"),
                    relation_to_head=row["relation_to_head"],
                    is_head=row["is_head"],
                    is_concerned=row["person_id"] in person_ids,
                    has_left=row["valid_to"] is not None,
                )
                for row in shown
                if row["household_id"] == household_id
            ),
            more=more[household_id],
        )
        for household_id in ids
        if household_id in households
    )


def read_earlier(desk: Desk, keys: Collection[str], *, but: Collection[str] = ()) -> tuple[Earlier, ...]:
    """Judgements about two of these records, newest first, but the decisions ``but`` (what a blind reader must not see)."""
    told = {
        row["judgement_id"]: row
        for row in desk.register.rows(
            "SELECT judgement_id, status, current_key_l, current_key_r FROM judgement_status "
            "WHERE list_contains($keys, coalesce(current_key_l, record_key_l)) AND list_contains($keys, coalesce(current_key_r, record_key_r))",
            keys=list(keys),
        )
    }
    named = JUDGEMENTS.record_key_l.in_(list(keys)) & JUDGEMENTS.record_key_r.in_(list(keys))
    query = sa.select(judgements_table).where(named | JUDGEMENTS.judgement_id.in_(list(told)))
    with open_database(desk.settings.state).connect() as connection:
        rows = connection.execute(query.order_by(JUDGEMENTS.decided_at.desc())).mappings().all()
    found = []
    for row in rows:
        decision, now = row["decision_id"] or row["judgement_id"], told.get(row["judgement_id"], {})
        if decision in but:
            continue
        status = now.get("status", WAITING)
        found.append(
            Earlier(
                decision_id=decision,
                records=(now.get("current_key_l") or row["record_key_l"], now.get("current_key_r") or row["record_key_r"]),
                verdict=row["verdict"],
                reader=mask_text(row["reader"]),
                reason=row["reason"],
                decided_at=row["decided_at"],
                status=STATUS_ZH.get(status, status),
                status_en=STATUS_EN.get(status, status),
            )
        )  # fmt: skip
    return tuple(found)
