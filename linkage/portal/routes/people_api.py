"""The look-up for machines: JSON under /api/v1, by session or by token; the token's purpose is the purpose."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from linkage.explain.veil import decoded
from linkage.portal.desk import AtDesk, Desk, NotThere
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.people.answers import (
    FieldAnswer,
    HouseholdAnswer,
    MatchAnswer,
    MatchRequest,
    MemberAnswer,
    PersonAnswer,
    RecordAnswer,
    SearchAnswer,
    SearchRequest,
    VerifyAnswer,
    VerifyRequest,
)
from linkage.portal.people.card import card, person_row
from linkage.portal.people.homes import Member, home, homes_of
from linkage.portal.people.match_call import match_record
from linkage.portal.people.search import Query as Asked
from linkage.portal.people.search import living_id, persons_of_record, search
from linkage.portal.people.verify import Asked as AskedToVerify
from linkage.portal.people.verify import verify

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1")
Id = Annotated[str, InPath(pattern="^[PH][0-9A-Z]{16}$")]
AskedId = Annotated[
    str,
    Query(pattern="^[PH][0-9A-Z]{16}$", description="A person or household id; everything else is asked for by POST"),
]


@router.get("/persons/search", response_model=SearchAnswer)
@guarded("search", "look_up", needs_purpose=True, paced=True, takes_tokens=True)
def search_by_id(desk: AtDesk, id: AskedId) -> SearchAnswer:
    """Persons by a person or household id. Personal values do not belong into addresses: they are searched by POST."""
    return _found(desk, Asked("person" if id.startswith("P") else "household", id))


@router.post("/persons/search", response_model=SearchAnswer)
@guarded("search", "look_up", needs_purpose=True, paced=True, takes_tokens=True, changes=False)
def search_persons(desk: AtDesk, asked: SearchRequest) -> SearchAnswer:
    """Persons by any value that a department ever gave, as far as the caller is granted it."""
    return _found(desk, Asked(asked.kind, asked.text, asked.birth_date if asked.kind == "name" else ""))


def _found(desk: Desk, asked: Asked) -> SearchAnswer:
    found = search(desk, asked)
    return SearchAnswer(
        release=desk.register.release.name,
        persons=found.persons,
        more=found.more,
        understood=found.read,
        retired_id=found.successor_of,
    )


@router.get("/persons/{person_id}", response_model=PersonAnswer)
@guarded("person", "look_up", needs_purpose=True, paced=True, takes_tokens=True)
def person(desk: AtDesk, person_id: Id) -> PersonAnswer:
    """One person; a retired id answers with its successor."""
    living, retired = living_id(desk, person_id)
    found = card(desk, living)
    return PersonAnswer(
        release=desk.register.release.name,
        person=found.golden,
        retired_id=person_id if retired else None,
        fields=[FieldAnswer.model_validate(line) for line in found.lines],
        records=list(found.records),
        households=[h.row["household_id"] for h in homes_of(desk, living)],
    )


@router.get("/households/{household_id}", response_model=HouseholdAnswer)
@guarded("household", "look_up", needs_purpose=True, paced=True, takes_tokens=True)
def household(desk: AtDesk, household_id: Id) -> HouseholdAnswer:
    """One household; a retired id answers with its successor."""
    found = home(desk, living_id(desk, household_id)[0])
    return HouseholdAnswer(
        release=desk.register.release.name,
        household=found.row,
        members=[_member(member) for member in found.members],
        former_members=[_member(member) for member in found.former],
        members_outside_your_rights=found.unseen,
    )


def _member(member: Member) -> MemberAnswer:
    return MemberAnswer(
        person_id=member.person["person_id"], relation=decoded("relation_to_head", member.relation) if member.relation else None, is_head=member.is_head, valid_from=member.valid_from, valid_to=member.valid_to
    )  # fmt: skip


@router.get("/records/{source}/{record_id:path}", response_model=RecordAnswer)
@guarded("record", "look_up", needs_purpose=True, paced=True, takes_tokens=True)
def record(
    desk: AtDesk,
    source: Annotated[str, InPath(max_length=50)],
    record_id: Annotated[str, InPath(max_length=200)],
) -> RecordAnswer:
    """Whose a department's record is; departments may ask for their own."""
    people = persons_of_record(desk, source, record_id)
    if not people:
        raise NotThere
    person_id = str(person_row(desk, people[0])["person_id"])
    return RecordAnswer(release=desk.register.release.name, source=source, record_id=record_id, person_id=person_id)


@router.post("/verify", response_model=VerifyAnswer)
@guarded("verify", "verify", needs_purpose=True, paced=True, takes_tokens=True, changes=False)
def verify_person(desk: AtDesk, asked: VerifyRequest) -> VerifyAnswer:
    """Yes, no, or cannot say."""
    return VerifyAnswer(answer=verify(desk, AskedToVerify(asked.number, asked.name, asked.question)))


@router.post("/match", response_model=MatchAnswer)
@guarded("match", "match_call", needs_purpose=True, paced=True, takes_tokens=True, changes=False)
def match(desk: AtDesk, asked: MatchRequest) -> MatchAnswer:
    """Candidates for a record, with the weights of the night."""
    found = match_record(desk, asked.model_dump())
    return MatchAnswer.model_validate(
        {
            name: getattr(found, name)
            for name in ("person_id", "as_that_night", "compared", "model_id", "thresholds", "candidates")
        }
        | {"release": desk.register.release.name}
    )
