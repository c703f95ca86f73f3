"""Households as the release holds them: who is in them, in which role, since when."""

from linkage.explain.evidence import Evidence, Row
from linkage.explain.story import Household, Member
from linkage.explain.veil import show


def household(evidence: Evidence, household_id: str, *, unmasked: bool) -> Household:
    """One household with all its members, those who left at the end."""
    (found,) = evidence.rows("household", id=household_id)
    members = evidence.rows("household_members", ids=[household_id])
    basis = evidence.rows("household_basis", id=household_id) if evidence.run else []
    return Household(
        household_id=household_id,
        kind=found["kind"],
        head_person_id=found["head_person_id"],
        address=show("address", found["address"], unmasked=unmasked),
        basis=basis[0]["basis"] if basis else None,
        members=tuple(map(_member, members)),
    )


def households_of(evidence: Evidence, person_id: str, *, unmasked: bool) -> tuple[list[Household], list[Member]]:
    """The households a person is in, and the person's time in those it left."""
    rows = evidence.rows("person_households", id=person_id)
    now = [household(evidence, row["household_id"], unmasked=unmasked) for row in rows if row["valid_to"] is None]
    return now, [_member(row) for row in rows if row["valid_to"] is not None]


def _member(row: Row) -> Member:
    return Member(
        household_id=row["household_id"],
        person_id=row["person_id"],
        is_head=row["is_head"],
        relation_to_head=row["relation_to_head"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
    )
