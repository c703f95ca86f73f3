"""One component of the register, resolved again in memory by the resolver's own code with judgements that nobody has made yet.

A component is every record that could end up with the given ones, so what comes out is what a night with the same deliveries and these judgements
would publish (tests/portal/test_review_nights.py).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pyarrow as pa

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine
from linkage.kernel.link_policy import LinkPolicy
from linkage.kernel.pair_rules import PairRules
from linkage.kernel.run import State
from linkage.portal.register import Register
from linkage.portal.review.lookups import among, of_records
from linkage.portal.review.run_config import district_of, pair_rules_of, resolve_config_of
from linkage.portal.review.standing_judgements import Judged, in_force, read_judged
from linkage.portal.review.verdicts import PairVerdict
from linkage.resolve.config import ResolveConfig
from linkage.resolve.stage import assign_person_ids, cluster_records, explain_refusals

CLUSTERED_BY = (
    "source",
    "feed",
    "record_id",
    "record_key",
    "content_hash",
    "identity_number",
    "identity_kind",
    "identity_grade",
)
MOST_RECORDS = 3000
"""Of larger components nobody is shown what would happen: it would take too long."""
JUDGEMENTS = pa.schema(
    [*((n, pa.string()) for n in ("judgement_id", "record_key_l", "record_key_r", "verdict")), ("decided_at", pa.timestamp("us"))]
)  # fmt: skip


class CannotForesee(Exception):
    """What a decision would do cannot be worked out: the run is gone, or the component is too large."""


@dataclass(frozen=True)
class Refusal:
    """A verdict that the resolver would not follow, and what stands against it."""

    left: str
    right: str
    verdict: str
    barrier: str | None
    barrier_en: str | None


@dataclass(frozen=True)
class Outcome:
    """Persons of a component (id -> records in order) before and after; ``new``: ids of ``after`` that nobody has had yet."""

    before: dict[str, tuple[str, ...]]
    after: dict[str, tuple[str, ...]]
    new: frozenset[str]
    refused: tuple[Refusal, ...]

    @property
    def changes(self) -> bool:
        """Whether any record would change its person."""
        return self.before != self.after


class Component:
    """Tables of one component in an engine of its own."""

    def __init__(self, engine: Engine, rules: PairRules, config: ResolveConfig, district: str, scope: str) -> None:
        self.engine, self._rules, self._config, self._district, self._scope = engine, rules, config, district, scope
        self.known: list[Judged] = []

    def outcome(self, pairs: Sequence[PairVerdict], *, without: frozenset[str] = frozenset()) -> Outcome:
        """Who would be who with the judgements ``pairs`` on top of those that stand, less those of the decisions ``without``."""
        engine = self.engine
        proposed = [Judged(f"proposed {n}", "", *pair, datetime.max) for n, pair in enumerate(pairs)]
        judged = in_force([*(j for j in self.known if j.decision_id not in without), *proposed])
        rows = [{name: getattr(j, name) for name in JUDGEMENTS.names} for j in judged]
        engine.load_arrow("judgements", pa.Table.from_pylist([r | {"decided_at": None} for r in rows], JUDGEMENTS))
        clusters = cluster_records(engine, self._config.persons, self._rules)
        assign_person_ids(engine, clusters, self._district, self._scope)
        after = self._persons("SELECT person_id, record_key FROM person_nodes")
        new = {row["person_id"] for row in engine.rows("SELECT person_id FROM cluster_ids WHERE is_new")}
        return Outcome(self._before, after, frozenset(new), self._refused(pairs, after))

    @cached_property
    def _before(self) -> dict[str, tuple[str, ...]]:
        return self._persons("SELECT person_id, source || ':' || record_id AS record_key FROM previous_crosswalk")

    def _persons(self, query: str) -> dict[str, tuple[str, ...]]:
        rows = self.engine.rows(
            f"SELECT person_id, list(record_key ORDER BY record_key) AS records FROM ({query}) GROUP BY person_id ORDER BY person_id"
        )
        return {row["person_id"]: tuple(row["records"]) for row in rows}

    def _refused(self, pairs: Sequence[PairVerdict], after: dict[str, tuple[str, ...]]) -> tuple[Refusal, ...]:
        person = {key: person_id for person_id, records in after.items() for key in records}
        refused = [
            (a, b, verdict)
            for a, b, verdict in pairs
            if verdict == ("different" if person.get(a) == person.get(b) else "same")
        ]
        if not refused:
            return ()
        explain_refusals(self.engine, self._rules)
        barriers = {
            frozenset((row["person_l"], row["person_r"])): row
            for row in self.engine.rows("SELECT person_l, person_r, barrier, barrier_en FROM refused_pairs")
        }
        found = []
        for a, b, verdict in refused:
            row = barriers.get(frozenset((str(person.get(a)), str(person.get(b)))), {})
            found.append(Refusal(a, b, verdict, row.get("barrier"), row.get("barrier_en")))
        return tuple(found)


@contextmanager
def open_component(state: State, register: Register, keys: Sequence[str]) -> Iterator[Component]:
    """The component that holds the records ``keys``. Raises CannotForesee."""
    if register.run is None:
        raise CannotForesee
    rules, config, district = pair_rules_of(register.run), resolve_config_of(register.run), district_of(register.run)
    with Engine(threads=1) as engine:
        component = Component(engine, rules, config, district, register.release.name)
        component.known = read_judged(state, register)
        reached = _grow(register, rules, keys, component.known)
        _cut_down(engine, register, reached, rules.policy)
        yield component


def _grow(register: Register, rules: PairRules, keys: Sequence[str], known: Sequence[Judged]) -> frozenset[str]:
    """All records that could end up with ``keys``, or whose ids depend on it: step by step the other records of their persons, what a
    pair at the join threshold or a judgement ties to them, and what an id that retired used to hold with them."""
    judged: dict[str, set[str]] = defaultdict(set)
    for one in known:
        if one.verdict == "same":
            judged[one.record_key_l].add(one.record_key_r)
            judged[one.record_key_r].add(one.record_key_l)
    reached, new = frozenset[str](), frozenset(keys)
    while new:
        reached |= new
        if len(reached) > MOST_RECORDS:
            raise CannotForesee
        found = _of_same_persons(register, new) | {other for key in new for other in judged[key]}
        found |= _tied(register, new, rules.least_join_match_weight) | _formerly_together(register, new)
        new = frozenset(found) - reached
    return reached


def _of_same_persons(register: Register, keys: Collection[str]) -> set[str]:
    links = register.holding("crosswalk", keys)
    named, bound = of_records(keys)
    persons = [r["person_id"] for r in register.rows(f"SELECT DISTINCT person_id FROM {links} WHERE {named}", **bound)]
    theirs, bound = among("person_id", persons, "person")
    rows = register.rows(f"SELECT source || ':' || record_id AS record_key FROM {links} WHERE {theirs}", **bound)
    return {row["record_key"] for row in rows}


def _tied(register: Register, keys: Collection[str], least_match_weight: float) -> set[str]:
    (left, bound), (right, also) = among("record_key_l", keys, "l"), among("record_key_r", keys, "r")
    rows = register.rows(
        f"SELECT record_key_l, record_key_r FROM {register.holding('scored_pairs', keys)} "
        f"WHERE match_weight >= $least AND ({left} OR {right})",
        **bound, **also, least=least_match_weight,
    )  # fmt: skip
    return {row[side] for row in rows for side in ("record_key_l", "record_key_r")}


def _formerly_together(register: Register, keys: Collection[str]) -> set[str]:
    former = register.holding("former_records", keys)
    named, bound = among("record_key", keys, "key")
    rows = register.rows(
        f"SELECT record_key FROM {former} WHERE person_id IN (SELECT person_id FROM {former} WHERE {named})", **bound
    )
    return {row["record_key"] for row in rows}


def _cut_down(engine: Engine, register: Register, keys: Collection[str], policy: LinkPolicy) -> None:
    """Make what the resolver reads of a night, of these records alone; the release that the register shows is the one it continues."""
    named, bound = among("record_key", keys, "key")
    ids, ids_bound = of_records(keys)
    (left, l_bound), (right, r_bound) = among("record_key_l", keys, "l"), among("record_key_r", keys, "r")
    # The widest table by far: only the columns that clustering reads, and those that the link policy speaks of.
    speaks = " ".join(feed.live for feed in policy.feeds)
    read = [name for name in contract("common_records").column_names if name in CLUSTERED_BY or name in speaks]
    for made, table, columns, condition, values in (
        ("common_records", "common_records", ", ".join(read), named, bound),
        ("previous_former_records", "former_records", "*", named, bound),
        ("previous_crosswalk", "crosswalk", "*", ids, ids_bound),
        ("scored_pairs", "scored_pairs", "*", f"{left} AND {right}", l_bound | r_bound),
    ):
        cut = f"SELECT {columns} FROM {register.holding(table, keys)} WHERE {condition}"
        engine.load_arrow(made, register.con.sql(cut, params=values).to_arrow_table())
