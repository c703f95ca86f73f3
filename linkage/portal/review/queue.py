"""The queue of review cases: what the viewer may see of them, in the order of urgency, harm and information gained.

The order is that of one sum of points, told on the page: urgency (the resolver's priority, at most 60) + harm (20 where a person is dead or may
be, 10 where a benefit is paid, 1 for each record up to 10, 2 for each department) + information (10 where the weight says fifty-fifty, falling to
0 where it is sure; 20 for the quality sample, on which the published error estimate rests).
"""

import hashlib
import json
import threading
from dataclasses import dataclass, replace
from typing import Any

from linkage.kernel.engine import quote_name, read_sql
from linkage.portal.desk import Desk, NotThere

ORDER = "points DESC, case_id"
_making = threading.Lock()


@dataclass(frozen=True)
class Case:
    """One case as the queue knows it; ``records`` are its own record keys, the deciding pair first."""

    case_id: str
    kind: str
    records: tuple[str, ...]
    person_ids: tuple[str, ...]
    match_weight: float | None
    reason: str
    reason_en: str
    sources: tuple[str, ...]
    streets: tuple[str, ...]
    communities: tuple[str, ...]
    persons: int
    all_records: int
    is_high_harm: bool
    is_paid: bool
    urgency: float
    harm: float
    information: float
    points: float

    @property
    def is_blind(self) -> bool:
        """A question of the quality sample: nobody is told what the machine decided."""
        return self.kind == "quality_sample"


@dataclass(frozen=True)
class Filters:
    """What of the queue is wanted; empty: everything."""

    kind: str = ""
    street: str = ""
    community: str = ""
    source: str = ""
    reason: str = ""
    """First eight digits of the reason's MD5: the sentence itself would make every address long."""

    def where(self) -> tuple[str, dict[str, Any]]:
        """The condition and its values."""
        conditions, values = ["true"], {}
        for name, condition in {
            "kind": "kind = $kind",
            "street": "list_contains(streets, $street)",
            "community": "list_contains(communities, $community)",
            "source": "list_contains(sources, $source)",
            "reason": "left(md5(reason), 8) = $reason",
        }.items():
            if value := getattr(self, name):
                conditions.append(condition)
                values[name] = value
        return " AND ".join(conditions), values


def find_cases(
    desk: Desk, filters: Filters, *, only: list[str] | None = None, leave_out: list[str] | None = None
) -> list[str]:
    """Ids of the cases in their order; ``only`` these, or without those."""
    where, values = filters.where()
    if only is not None:
        where, values = f"{where} AND list_contains($only, case_id)", values | {"only": only}
    if leave_out:
        where, values = f"{where} AND NOT list_contains($leave_out, case_id)", values | {"leave_out": leave_out}
    rows = desk.register.rows(f"SELECT case_id FROM {queue_table(desk)} WHERE {where} ORDER BY {ORDER}", **values)
    return [row["case_id"] for row in rows]


def read_cases(desk: Desk, case_ids: list[str]) -> list[Case]:
    """These cases, in the queue's order; put on record whom they concern."""
    if not case_ids:
        return []
    rows = desk.register.rows(
        f"SELECT * EXCLUDE (priority) FROM {queue_table(desk)} WHERE list_contains($ids, case_id) ORDER BY {ORDER}",
        ids=case_ids,
    )
    cases = [_case(row) for row in rows]
    desk.persons |= {person for case in cases for person in case.person_ids}
    desk.columns |= {"review_cases.case_id", "review_cases.records", "review_cases.person_ids"} if cases else set()
    return cases


def read_case(desk: Desk, case_id: str) -> Case:
    """One case. Raises NotThere when the current release has none that the viewer may see."""
    found = read_cases(desk, [case_id])
    if not found:
        raise NotThere
    return found[0]


def choices(desk: Desk) -> dict[str, list[str]]:
    """Values by which the queue can be filtered."""
    table = queue_table(desk)
    return {
        name: [
            row["value"]
            for row in desk.register.rows(
                f"SELECT DISTINCT unnest({column}) AS value FROM {table} ORDER BY value"
            )
            if row["value"]
        ]
        for name, column in (("street", "streets"), ("community", "communities"), ("source", "sources"))
    }  # fmt: skip


def reasons(desk: Desk) -> list[dict[str, Any]]:
    """Reasons by which the queue can be filtered: id, Chinese and English."""
    return desk.register.rows(
        f"SELECT left(md5(reason), 8) AS id, any_value(reason) AS zh, any_value(reason_en) AS en FROM {queue_table(desk)} "
        "GROUP BY id ORDER BY zh"
    )


def kinds_of(desk: Desk, filters: Filters) -> dict[str, list[str]]:
    """Ids of cases by kind, whatever kind the filters name."""
    where, values = replace(filters, kind="").where()
    rows = desk.register.rows(
        f"SELECT kind, list(case_id) AS ids FROM {queue_table(desk)} WHERE {where} GROUP BY kind", **values
    )
    return {row["kind"]: row["ids"] for row in rows}


def queue_table(desk: Desk) -> str:
    """The queue as this viewer may see it: made once for each release and each set of rights, in memory.

    Raises NotThere when the viewer sees no cases, or not what their place in the queue depends on.
    """
    views = {name: desk.view(name) for name in ("review_cases", "persons", "crosswalk", "common_records")}
    needed = {
        "persons": ("person_id", "status", "records", "residence_street", "residence_community"),
        "crosswalk": ("source", "feed", "record_id", "person_id"),
        "common_records": ("record_key", "person_status", "observed_on", "ended_on"),
    }
    if any(not views[table].sees_in_full(column) for table, columns in needed.items() for column in columns):
        raise NotThere
    sql = (
        f"WITH cases AS ({views['review_cases'].select()}), people AS ({views['persons'].select()}), "
        f"records AS (SELECT *, source || ':' || record_id AS record_key FROM ({views['crosswalk'].select()})), "
        f"every_standard_record AS ({views['common_records'].select()}), "
        # Few persons have a record that says dead; only of these it matters what the others say.
        "perhaps_dead AS MATERIALIZED (SELECT DISTINCT person_id FROM records WHERE record_key IN "
        "(SELECT record_key FROM every_standard_record WHERE person_status = 'deceased')), "
        "their_records AS MATERIALIZED (SELECT record_key, person_id FROM records SEMI JOIN perhaps_dead USING (person_id)), "
        "standard_records AS (SELECT record_key, person_status, observed_on, "
        "max(coalesce(ended_on, observed_on)) FILTER (person_status = 'deceased') OVER (PARTITION BY person_id) AS died_on "
        "FROM every_standard_record JOIN their_records USING (record_key)) "
        f"SELECT *, round(urgency + harm + information, 1) AS points FROM ({read_sql('linkage.portal', 'review_queue')})"
    )
    review = desk.settings.portal.review
    values: dict[str, Any] = {
        "high_harm_statuses": list(review.high_harm_statuses), "benefit_feeds": list(review.benefit_feeds),
    }  # fmt: skip
    for view in views.values():
        values |= view.parameters
    bound = {key: value for key, value in values.items() if f"${key}" in sql}
    rights = hashlib.sha256(json.dumps([sql, bound], sort_keys=True, default=str).encode()).hexdigest()[:16]
    table = f"review_queue_{rights}"
    name = f"memory.main.{quote_name(table)}"
    # CREATE TABLE IF NOT EXISTS would plan the whole query each time, and everybody would wait for it.
    if table not in desk.register.made:
        with _making:
            desk.register.con.execute(f"CREATE TABLE IF NOT EXISTS {name} AS {sql}", bound)
        desk.register.made.add(table)
    return name


def _case(row: dict[str, Any]) -> Case:
    lists = ("records", "person_ids", "sources", "streets", "communities")
    plain: dict[str, Any] = {key: tuple(v for v in value if v) if key in lists else value for key, value in row.items()}
    return Case(**plain)
