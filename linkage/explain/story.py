"""What a story is made of: facts only, values already shown or masked. ``text.py`` makes sentences of it; ``asdict`` makes JSON."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Step:
    """What one comparison adds to a match weight; ``level`` by its name in ``config/match.yaml``."""

    comparison: str
    level: str
    match_weight: float
    is_missing: bool


@dataclass(frozen=True)
class Waterfall:
    """How the weight of one pair comes about, in bits: the prior and one step for each comparison."""

    record_l: str
    record_r: str
    match_weight: float
    prior_match_weight: float
    steps: tuple[Step, ...]
    blocking_rule: str | None
    guards: tuple[str, ...]
    join_match_weight: float
    keep_match_weight: float


@dataclass(frozen=True)
class Since:
    """From which release a record is with its person; ``exact`` is False where earlier releases cannot be looked up."""

    release: str
    night: date
    is_first_release: bool
    exact: bool


@dataclass(frozen=True)
class LinkedRecord:
    """One record of a person and the strongest link that holds it there."""

    record: str
    source: str
    feed: str
    since: Since
    link_kind: str
    link_rule: str | None
    link_match_weight: float | None
    linked_to: str | None
    confidence: float
    waterfall: Waterfall | None


@dataclass(frozen=True)
class Barrier:
    """Why two records are not one person: ``kind`` is a key of ``barrier`` in sentences.yaml, the rest what it needs."""

    kind: str
    guard: str | None = None
    feed: str | None = None
    rules: tuple[str, ...] = ()
    judgement: str | None = None


@dataclass(frozen=True)
class KeptOut:
    """Another person's record that looks like one of this person's."""

    record: str
    person_id: str
    own_record: str
    match_weight: float
    barrier: Barrier


@dataclass(frozen=True)
class Candidate:
    """One value that a record offers for a field."""

    value: str
    source: str
    feed: str
    record: str
    observed_on: date | None
    reason: str


@dataclass(frozen=True)
class Golden:
    """What won a field, which records say the same, and what lost."""

    field: str
    winner: Candidate
    agreeing: tuple[str, ...]
    losers: tuple[Candidate, ...]


@dataclass(frozen=True)
class Member:
    """One person's time in one household."""

    household_id: str
    person_id: str
    is_head: bool
    relation_to_head: str | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Household:
    """A household as it is in the release; ``basis`` is None when the run is gone."""

    household_id: str
    kind: str
    head_person_id: str | None
    address: str
    basis: str | None
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Event:
    """One change on the log; ``fields`` are those that changed in the same night for the same cause."""

    night: date
    kind: str
    subject_id: str
    related_id: str
    fields: tuple[str, ...]
    cause: str
    cause_detail: str | None
    records: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A review case that waits for a steward."""

    case_id: str
    kind: str
    records: tuple[str, ...]
    reason: str
    reason_en: str


@dataclass(frozen=True)
class Notes:
    """What a reader must know of any story."""

    release: str
    night: date
    asked: str
    masked: bool
    run_is_kept: bool
    retired_on: date | None = None
    successor_id: str | None = None


@dataclass(frozen=True)
class PersonStory:
    """Everything about one person."""

    notes: Notes
    person_id: str
    golden: dict[str, str]
    status: str
    sources: tuple[str, ...]
    confidence: float
    first_night: date
    records: tuple[LinkedRecord, ...]
    kept_out: tuple[KeptOut, ...]
    more_kept_out: int
    values: tuple[Golden, ...]
    households: tuple[Household, ...]
    former: tuple[Member, ...]
    history: tuple[Event, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class HouseholdStory:
    """Everything about one household."""

    notes: Notes
    household: Household
    history: tuple[Event, ...]


@dataclass(frozen=True)
class EndedStory:
    """An id that ended without a successor."""

    notes: Notes
    id: str
    kind: str
    last_release: str | None
    history: tuple[Event, ...]


@dataclass(frozen=True)
class PairStory:
    """Why two records, or two persons, are one or not. ``waterfall`` is that of their closest two records."""

    notes: Notes
    left: str
    right: str
    left_person: str
    right_person: str
    waterfall: Waterfall | None
    scored_that_night: bool
    as_that_night: bool
    judged_same: str | None
    path: tuple[str, ...]
    barrier: Barrier | None
    cases: tuple[Case, ...]


Story = PersonStory | HouseholdStory | EndedStory | PairStory
