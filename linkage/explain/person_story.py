"""The story of one person: records and links, who was kept out, values, households, history."""

from itertools import groupby

from linkage.explain.evidence import Evidence, Row
from linkage.explain.history import history, since_when
from linkage.explain.households import households_of
from linkage.explain.pairs import barrier, waterfall
from linkage.explain.story import Candidate, Case, Golden, KeptOut, LinkedRecord, Notes, PersonStory, Waterfall
from linkage.explain.veil import show

MOST_KEPT_OUT = 6
"""So many similar persons are shown; the rest is counted."""
HEAD_FIELDS = ("full_name", "birth_date", "identity_number", "identity_grade")
FIELD_ORDER = (
    "identity_number", "full_name", "former_name", "sex", "birth_date", "ethnicity", "nationality", "marital_status", "education",
    "phone", "hukou_address", "residence_address", "tenure",
)  # fmt: skip


def tell_person(evidence: Evidence, notes: Notes, person_id: str) -> PersonStory:
    """Everything about ``person_id``, which the release holds."""
    (person,) = evidence.rows("person", id=person_id)
    records = evidence.rows("person_records", id=person_id)
    if evidence.run is not None:
        evidence.find_pairs([row["record_key"] for row in records])
    unmasked = not notes.masked
    homes, former = households_of(evidence, person_id, unmasked=unmasked)
    kept_out, more = _kept_out(evidence, person_id, records)
    return PersonStory(
        notes=notes,
        person_id=person_id,
        golden={field: show(field, person[field], unmasked=unmasked) for field in HEAD_FIELDS},
        status=person["status"],
        sources=tuple(person["sources"]),
        confidence=person["confidence"],
        first_night=person["first_night"],
        records=_linked_records(evidence, person_id, records),
        kept_out=kept_out,
        more_kept_out=more,
        values=_golden(evidence.rows("person_values", id=person_id), unmasked=unmasked),
        households=tuple(homes),
        former=tuple(former),
        history=history(evidence, person_id),
        cases=review_cases(evidence, person_id),
    )


def _linked_records(evidence: Evidence, person_id: str, records: list[Row]) -> tuple[LinkedRecord, ...]:
    feeds = {row["record_key"]: row["feed"] for row in records}
    since = since_when(evidence, person_id, {row["record_key"]: row["content"] for row in records})
    falls = _waterfalls(evidence, feeds, {frozenset((row["record_key"], row["linked_to"])) for row in records})
    return tuple(
        LinkedRecord(
            record=row["record_key"],
            source=row["source"],
            feed=row["feed"],
            since=since[row["record_key"]],
            link_kind=row["link_kind"],
            link_rule=row["link_rule"],
            link_match_weight=row["link_match_weight"],
            linked_to=row["linked_to"],
            confidence=row["confidence"],
            waterfall=falls.get(frozenset((row["record_key"], row["linked_to"]))),
        )
        for row in records
    )


def _waterfalls(
    evidence: Evidence, feeds: dict[str, str], wanted: set[frozenset[str | None]]
) -> dict[frozenset[str | None], Waterfall]:
    """Those of the ``wanted`` pairs that the run scored; ``feeds`` by record key."""
    if evidence.run is None:
        return {}
    pairs = evidence.rows("pairs_between", left=list(feeds), right=list(feeds))
    scored = {frozenset((p["record_key_l"], p["record_key_r"])): p for p in pairs}
    return {pair: waterfall(evidence, scored[pair], feeds) for pair in wanted if pair in scored}


def _kept_out(evidence: Evidence, person_id: str, records: list[Row]) -> tuple[tuple[KeptOut, ...], int]:
    """The closest records of others, and how many more persons have one."""
    if evidence.run is None:
        return (), 0
    keys = [row["record_key"] for row in records]
    limit = evidence.match_config.thresholds.review_match_weight
    near = evidence.rows("pairs_outside", id=person_id, records=keys, review_match_weight=limit)
    shown = tuple(
        KeptOut(p["record_key"], p["person_id"], p["own_record"], p["match_weight"], barrier(evidence, p))
        for p in near[:MOST_KEPT_OUT]
    )
    return shown, len(near) - len(shown)


def _golden(rows: list[Row], *, unmasked: bool) -> tuple[Golden, ...]:
    found = []
    for field, group in groupby(rows, key=lambda row: row["field"]):
        winner, *rest = list(group)
        found.append(
            Golden(
                field=field,
                winner=_candidate(winner, unmasked=unmasked),
                agreeing=tuple(row["record_key"] for row in rest if row["reason"] == "same_as_winner"),
                losers=tuple(_candidate(row, unmasked=unmasked) for row in rest if row["reason"] != "same_as_winner"),
            )
        )
    return tuple(sorted(found, key=lambda golden: FIELD_ORDER.index(golden.field)))


def _candidate(row: Row, *, unmasked: bool) -> Candidate:
    value = show(row["field"], row["value"], unmasked=unmasked)
    return Candidate(value, row["source"], row["feed"], row["record_key"], row["observed_on"], row["reason"])


def review_cases(evidence: Evidence, person_id: str) -> tuple[Case, ...]:
    """Review cases about a person."""
    return tuple(
        Case(row["case_id"], row["kind"], tuple(row["records"]), row["reason"], row["reason_en"])
        for row in evidence.rows("review_cases", id=person_id)
    )
