"""What the API answers: closed models, of values that the caller is granted only."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from linkage.portal.people.kinds import SearchKind

Plain = str | int | float | bool | date | list[str] | None
PersonId = str


class Answer(BaseModel):
    """Nothing but the declared fields."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class SearchRequest(Answer):
    """What to look for."""

    kind: SearchKind = Field(description="number, name, phone, address, dwelling, household, person, record")
    text: str = Field(
        min_length=1, max_length=200, description="As typed; any spelling. Of an address at least 4 characters"
    )
    birth_date: str = Field(default="", max_length=40, description="With kind name only")


class SearchAnswer(Answer):
    """Persons that fit and that the caller may see."""

    release: str
    persons: list[dict[str, Plain]] = Field(description="Granted golden columns, masked as granted")
    more: bool = Field(description="More persons fit than are listed")
    understood: bool = Field(description="False: the text could not be read as what it was said to be")
    retired_id: str | None = Field(description="The retired id asked for, where its successor is listed")


class ValueAnswer(Answer):
    """One value and where it comes from."""

    value: str
    source: str
    observed_on: date | None
    reason: str
    record_id: str | None


class FieldAnswer(Answer):
    """One golden field."""

    field: str
    value: str | None
    winner: ValueAnswer | None
    agreeing: list[ValueAnswer]
    losing: list[ValueAnswer]


class MemberAnswer(Answer):
    """One person's time in a household."""

    person_id: str
    relation: str | None
    is_head: bool
    valid_from: date | None
    valid_to: date | None


class HouseholdAnswer(Answer):
    """One household."""

    release: str
    household: dict[str, Plain] = Field(description="Granted columns")
    members: list[MemberAnswer]
    former_members: list[MemberAnswer]
    members_outside_your_rights: int


class PersonAnswer(Answer):
    """One person."""

    release: str
    person: dict[str, Plain] = Field(description="Granted golden columns, masked as granted")
    retired_id: str | None = Field(description="The retired id that was asked for; person is its successor")
    fields: list[FieldAnswer]
    records: list[dict[str, Plain]] = Field(description="Department records behind; departments see their own")
    households: list[str]


class RecordAnswer(Answer):
    """Whose a department's record is."""

    release: str
    source: str
    record_id: str
    person_id: str


class VerifyRequest(Answer):
    """Whom it is about and what is asked."""

    number: str = Field(min_length=1, max_length=40)
    name: str = Field(min_length=1, max_length=100)
    question: Literal["alive", "resident", "alive_and_resident"] = "alive_and_resident"


class VerifyAnswer(Answer):
    """One of three answers and nothing else."""

    answer: Literal["yes", "no", "cannot_say"]


class MatchRequest(Answer):
    """A record as the caller has it; names are those of the common record. At least one is given, those left empty are not compared."""

    identity_number: str = Field(default="", max_length=200)
    full_name: str = Field(default="", max_length=200)
    former_name: str = Field(default="", max_length=200)
    birth_date: str = Field(default="", max_length=200)
    sex: str = Field(default="", max_length=200)
    ethnicity: str = Field(default="", max_length=200)
    phone: str = Field(default="", max_length=200)
    residence_address: str = Field(default="", max_length=200)
    hukou_address: str = Field(default="", max_length=200)
    dwelling_code: str = Field(default="", max_length=200)
    mother_name: str = Field(default="", max_length=200)
    mother_identity_number: str = Field(default="", max_length=200)
    head_name: str = Field(default="", max_length=200)
    contact_phone: str = Field(default="", max_length=200)


class StepAnswer(Answer):
    """What one comparison adds, in bits."""

    comparison: str
    level: str
    match_weight: float


class CandidateAnswer(Answer):
    """One person and the heaviest pair with one of the person's records."""

    person: dict[str, Plain]
    match_weight: float = Field(description="Bits, prior included: as the night weighs")
    probability: float
    side: Literal["join", "review", "below", "kept_apart"]
    join_match_weight: float
    prior_match_weight: float = Field(description="What the weight starts from; the steps are added to it")
    blocking_rule: str | None
    guards: list[str]
    record: str | None
    steps: list[StepAnswer]


class MatchAnswer(Answer):
    """Candidates, heaviest first."""

    release: str
    model_id: str
    person_id: str | None = Field(description="The one person above the join threshold, if there is exactly one")
    as_that_night: bool
    compared: int
    thresholds: dict[str, float]
    candidates: list[CandidateAnswer]
