"""Why two records, or two persons, are one or are not."""

from dataclasses import dataclass

from linkage.explain.evidence import Evidence, Row
from linkage.explain.pairs import barrier, record_facts, waterfall
from linkage.explain.person_story import review_cases
from linkage.explain.story import Notes, PairStory, Waterfall
from linkage.kernel.errors import ConfigurationError


@dataclass(frozen=True)
class Side:
    """One side of a pair: what was asked for, its person, and the records to compare."""

    name: str
    person_id: str
    records: tuple[str, ...]


def tell_pair(evidence: Evidence, notes: Notes, left: Side, right: Side) -> PairStory:
    """The closest two records of the two sides: as the night scored them, else scored now by the model of that night."""
    if set(left.records) & set(right.records):
        raise ConfigurationError(
            f"{left.name} and {right.name} are the same, or one holds the other.",
            remedy="Name two different records or two different persons.",
        )
    together = left.person_id == right.person_id
    pair, scored_that_night, exact, too_common = _closest(evidence, left, right)
    cases = [case for case in review_cases(evidence, left.person_id) if _concerns(evidence, case.case_id, right)]
    return PairStory(
        notes=notes,
        left=left.name,
        right=right.name,
        left_person=left.person_id,
        right_person=right.person_id,
        waterfall=_waterfall(evidence, pair) if pair else None,
        scored_that_night=scored_that_night,
        as_that_night=exact,
        judged_same=_judged_same(evidence, pair) if together and pair else None,
        path=_path(evidence, left, right) if together else (),
        barrier=None if together or pair is None else barrier(evidence, pair, too_common),
        cases=tuple(cases),
    )


def _closest(evidence: Evidence, left: Side, right: Side) -> tuple[Row | None, bool, bool, tuple[str, ...]]:
    """The heaviest pair, whether that night scored it, whether its weight is exact, and rules that both sides share too commonly."""
    if evidence.run is None:
        return None, False, True, ()
    evidence.find_pairs([*left.records, *right.records])
    scored = evidence.rows("pairs_between", left=list(left.records), right=list(right.records))
    if scored:
        return scored[0], True, True, ()
    from linkage.match.on_demand import score_given_records  # Splink takes a second to import, and is seldom needed

    call = score_given_records(evidence.run, left.records, right.records)
    pair = call.pairs[0]
    too_common = call.too_common.get((pair["record_key_l"], pair["record_key_r"]), ())
    return pair, False, call.as_that_night, too_common


def _judged_same(evidence: Evidence, pair: Row) -> str | None:
    found = evidence.rows("verdict", left=pair["record_key_l"], right=pair["record_key_r"])
    return next((str(row["judgement_id"]) for row in found if row["verdict"] == "same"), None)


def _waterfall(evidence: Evidence, pair: Row) -> Waterfall:
    feeds = record_facts(evidence, (pair["record_key_l"], pair["record_key_r"]))
    return waterfall(evidence, pair, {key: row["feed"] for key, row in feeds.items()})


def _concerns(evidence: Evidence, case_id: str, side: Side) -> bool:
    return any(case.case_id == case_id for case in review_cases(evidence, side.person_id))


def _path(evidence: Evidence, left: Side, right: Side) -> tuple[str, ...]:
    """From a record of one side to one of the other along the strongest links of their person, weakest link as strong as can be.

    Links are the joining pairs and judgements of the run; when it is gone, the strongest link of each record.
    """
    links = _links(evidence, left.person_id)
    reached: dict[str, tuple[str, ...]] = {record: (record,) for record in left.records}
    # Prim's rule: always the heaviest link that leads on, so the way to any record has the strongest possible weakest link.
    while not set(reached) & set(right.records):
        onward = [(w, a, b) for w, a, b in links if a in reached and b not in reached]
        if not onward:
            return ()
        _, a, b = max(onward)
        reached[b] = (*reached[a], b)
    return reached[min(set(reached) & set(right.records))]


def _links(evidence: Evidence, person_id: str) -> list[tuple[float, str, str]]:
    records = evidence.rows("person_records", id=person_id)
    keys = [row["record_key"] for row in records]
    links = [(row["link_match_weight"], row["record_key"], row["linked_to"]) for row in records if row["linked_to"]]
    if evidence.run is not None:
        evidence.find_pairs(keys)
        keep = evidence.match_config.thresholds.keep_match_weight
        forbidding = {guard.name for guard in evidence.match_config.guards if guard.effect == "cannot_link"}
        links += [
            (p["match_weight"], p["record_key_l"], p["record_key_r"])
            for p in evidence.rows("pairs_between", left=keys, right=keys)
            if p["match_weight"] >= keep and not forbidding & set(p["guards"])
        ]
    return links + [(weight, b, a) for weight, a, b in links]
