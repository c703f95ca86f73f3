"""Do ids stay? Thirty nights of a fictional district, of which about 1 % changes a night, and merges that a steward orders and takes back.

    .venv/bin/python -m benchmarks.thirty_nights --persons 2000 --out /tmp/thirty

Every third night a judgement ``same`` merges two persons who have nothing to do with each other; the night after, ``different`` parts them
again, or the judgement is withdrawn. Counted over all nights:

- quiet persons whose id changed: none of whose records changed, and which no judgement of the benchmark is about;
- households with the same members as the night before whose id changed;
- retired ids that do not resolve: ids seen on any night that tonight are neither alive nor lead to somebody alive, unless
  none of their records is there any more;
- ids given to two: on two nights with records of other true persons only, or begun twice in the history;
- merges taken back that did not restore both ids to exactly the records they had;
- events that a release logged and the history of the last release lacks, or holds twice.

Exit code 1 unless all are 0.
"""

import argparse
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from linkage.fiction.district import FIRST_NIGHT, generate
from linkage.kernel.run import State
from linkage.night import run_night
from linkage.release.verify import verify_release
from linkage.review.judgements import WITHDRAWN, Verdict, append_judgements

CONFIG = Path(__file__).resolve().parent.parent / "config"
MERGE_EVERY_NIGHTS = 3

# Two persons with a good number each, the record that says it first: "same" of these two overrules that the numbers differ.
CANDIDATES = """
WITH numbered AS (
    SELECT person_id, source || ':' || record_id AS record_key FROM read_parquet($values) v JOIN read_parquet($persons) p USING (person_id)
    WHERE field = 'identity_number' AND won AND identity_grade = 'A' AND identity_kind = 'resident_id' AND person_id NOT IN (SELECT unnest($used))
)
SELECT person_id, list_prepend(any_value(n.record_key), list_sort(list(source || ':' || record_id))) AS records
FROM read_parquet($crosswalk) JOIN numbered n USING (person_id) GROUP BY person_id ORDER BY md5(person_id) LIMIT 2
"""
MOVED = """
WITH quiet AS (
    SELECT b.person_id FROM read_parquet($before) b LEFT JOIN read_parquet($now) n USING (source, record_id)
    GROUP BY b.person_id HAVING bool_and(coalesce(n.content_hash = b.content_hash, false))
)
SELECT count(DISTINCT b.person_id), count(DISTINCT b.person_id) FILTER (n.person_id <> b.person_id AND b.person_id NOT IN (SELECT unnest($judged)))
FROM read_parquet($before) b JOIN quiet USING (person_id) JOIN read_parquet($now) n USING (source, record_id)
"""
MOVED_HOUSEHOLDS = """
WITH before AS (
    SELECT h.household_id, h.household_number IS NULL AS lives, list_sort(list(m.person_id)) AS persons
    FROM read_parquet($households_before) h JOIN read_parquet($members_before) m USING (household_id) WHERE m.valid_to IS NULL GROUP BY ALL
), now AS (
    SELECT h.household_id, h.household_number IS NULL AS lives, list_sort(list(m.person_id)) AS persons
    FROM read_parquet($households_now) h JOIN read_parquet($members_now) m USING (household_id) WHERE m.valid_to IS NULL GROUP BY ALL
)
SELECT count(*), count(*) FILTER (n.household_id <> b.household_id AND NOT list_has_any(b.persons, $judged))
FROM before b JOIN now n USING (lives, persons)
"""
UNRESOLVED = """
WITH living AS (SELECT DISTINCT person_id FROM read_parquet($now)), retired AS (SELECT * FROM read_parquet($retired) WHERE kind = 'person'),
seen AS (SELECT DISTINCT person_id FROM read_parquet($all))
SELECT person_id FROM seen s WHERE person_id NOT IN (FROM living) AND NOT EXISTS (
    SELECT 1 FROM retired r WHERE r.id = s.person_id AND (r.successor_id IN (FROM living) OR r.successor_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM read_parquet($former) f JOIN read_parquet($now) n ON f.record_key = n.source || ':' || n.record_id WHERE f.person_id = s.person_id)))
UNION ALL SELECT id FROM retired WHERE id IN (FROM living)
"""
TRUE_PERSONS = """
SELECT person_id, list_sort(list(DISTINCT true_person_id)) FROM read_parquet($now) n JOIN read_parquet($truth) t USING (source, record_id) GROUP BY person_id
"""
BEGUN_TWICE = """
SELECT subject_id FROM read_parquet($history) WHERE kind = 'appeared' GROUP BY subject_id HAVING count(*) > 1
"""
LOST_EVENTS = """
WITH logged AS (SELECT * FROM read_parquet($events)), kept AS (SELECT * EXCLUDE (sequence) FROM read_parquet($history))
SELECT (SELECT count(*) FROM (SELECT * FROM logged EXCEPT ALL SELECT * FROM kept)) + (SELECT count(*) FROM (SELECT * FROM kept EXCEPT ALL SELECT * FROM logged))
"""


@dataclass
class Merge:
    """Two persons merged on purpose: their ids with the records each had before."""

    records: dict[str, list[str]]
    merged: bool = False
    restored: bool = False


@dataclass
class Counts:
    """What thirty nights showed; ``failures`` must be empty."""

    nights: int = 0
    quiet_persons: int = 0
    quiet_persons_moved: int = 0
    quiet_households: int = 0
    quiet_households_moved: int = 0
    retired_ids: int = 0
    unresolved_ids: set[str] = field(default_factory=set)
    ids_seen: int = 0
    ids_of_two: set[str] = field(default_factory=set)
    merges: list[Merge] = field(default_factory=list)
    events: int = 0
    events_lost: int = 0
    causes: dict[str, int] = field(default_factory=dict)

    def failures(self) -> list[str]:
        """What should not have happened, in words."""
        found = {
            "quiet persons whose id changed": self.quiet_persons_moved,
            "households with the same members whose id changed": self.quiet_households_moved,
            "retired ids that do not resolve": len(self.unresolved_ids),
            "ids given to two persons": len(self.ids_of_two),
            "ordered merges that did not happen": sum(not m.merged for m in self.merges),
            "merges taken back without restoring both ids": sum(not m.restored for m in self.merges),
            "events missing from the history, or twice in it": self.events_lost,
        }
        return [f"{what}: {n}" for what, n in found.items() if n]


def run(persons: int, nights: int, seed: int, out: Path) -> Counts:
    """Make the district below ``out``, run its nights on ``out/state``, and count."""
    exports, state = out / "district", State(out / "state")
    if not exports.exists():
        generate(persons, nights, seed, exports)
    counts = Counts()
    truth_of: dict[str, list[set[str]]] = {}
    before: Path | None = None
    for number in range(nights):
        night = FIRST_NIGHT + timedelta(days=number)
        if before is not None:
            _judge(counts, state, before, number, nights, night)
        started = time.monotonic()
        outcome = run_night(exports / f"night={night}", state.root, night, CONFIG, note=lambda text: None)
        release = outcome.release
        _count(counts, before, release, exports / "truth" / f"night={night}" / "records.parquet", truth_of)
        print(f"{night}  {release.name}  {time.monotonic() - started:5.1f} s", flush=True)
        before = release
    assert before is not None
    verify_release(before)
    _count_events(counts, state, before)
    counts.ids_seen = len(truth_of)
    counts.ids_of_two |= {i for i, sets in truth_of.items() if any(not (a & b) for a in sets for b in sets)}
    return counts


def _judge(counts: Counts, state: State, before: Path, number: int, nights: int, night: date) -> None:
    """Order a merge every third night and take it back the night after."""
    moment = datetime(night.year, night.month, night.day, tzinfo=UTC)
    if number % MERGE_EVERY_NIGHTS == 1 and number + 1 < nights:
        used = [person for merge in counts.merges for person in merge.records]
        rows = duckdb.execute(
            CANDIDATES,
            {"used": used} | {table: f"{before}/{table}.parquet" for table in ("crosswalk", "values", "persons")},
        ).fetchall()
        counts.merges.append(Merge(dict(rows)))
        verdict = "same"
    elif number % MERGE_EVERY_NIGHTS == 2:
        verdict = "different" if len(counts.merges) % 2 else WITHDRAWN
    else:
        return
    (a, *_), (b, *_) = counts.merges[-1].records.values()
    append_judgements(
        state, [Verdict((a, b), verdict)], reader="benchmark", reason="to be taken back", decided_at=moment
    )


def _count(
    counts: Counts, before: Path | None, release: Path, truth: Path, truth_of: dict[str, list[set[str]]]
) -> None:
    now = f"{release}/crosswalk.parquet"
    counts.nights += 1
    if before is not None:
        judged = [person for merge in counts.merges for person in merge.records]
        ((quiet, moved),) = duckdb.execute(
            MOVED, {"before": f"{before}/crosswalk.parquet", "now": now, "judged": judged}
        ).fetchall()
        counts.quiet_persons += quiet
        counts.quiet_persons_moved += moved
        tables = {
            f"{table}_{when}": f"{folder}/{table}.parquet"
            for table in ("households", "members")
            for when, folder in (("before", before), ("now", release))
        }
        ((quiet, moved),) = duckdb.execute(MOVED_HOUSEHOLDS, tables | {"judged": judged}).fetchall()
        counts.quiet_households += quiet
        counts.quiet_households_moved += moved
    paths = {"now": now, "retired": f"{release}/retired_ids.parquet", "former": f"{release}/former_records.parquet"}
    everything = {"all": f"{release.parent}/*/crosswalk.parquet"}
    counts.unresolved_ids |= {row[0] for row in duckdb.execute(UNRESOLVED, paths | everything).fetchall()}
    for person, true in duckdb.execute(TRUE_PERSONS, {"now": now, "truth": str(truth)}).fetchall():
        sets = truth_of.setdefault(person, [])
        if set(true) not in sets:
            sets.append(set(true))
    if counts.merges:
        _follow(counts.merges[-1], now)


def _follow(merge: Merge, crosswalk: str) -> None:
    """Whether the two are one tonight, or again what they were (records withdrawn since do not count)."""
    person_of = dict(
        duckdb.execute(
            "SELECT source || ':' || record_id, person_id FROM read_parquet($now)", {"now": crosswalk}
        ).fetchall()
    )
    found = {person: {person_of[key] for key in keys if key in person_of} for person, keys in merge.records.items()}
    if len(set().union(*found.values())) == 1:
        merge.merged = True
    elif merge.merged:
        merge.restored = all(ids <= {person} for person, ids in found.items())


def _count_events(counts: Counts, state: State, last: Path) -> None:
    history = {"history": f"{last}/history.parquet"}
    counts.ids_of_two |= {row[0] for row in duckdb.execute(BEGUN_TWICE, history).fetchall()}
    ((counts.events_lost,),) = duckdb.execute(
        LOST_EVENTS, history | {"events": f"{state.releases}/*/events.parquet"}
    ).fetchall()
    rows = duckdb.execute(
        "SELECT CASE WHEN sequence = 1 THEN 'first night' ELSE kind || ' by ' || cause || coalesce(' (' || cause_detail || ')', '') END, count(*)"
        " FROM (SELECT * REPLACE (CASE WHEN cause_detail = 'other_records' THEN cause_detail END AS cause_detail) FROM read_parquet($history)) GROUP BY 1 ORDER BY 1",
        history,
    ).fetchall()
    counts.causes = dict(rows)
    counts.events = sum(counts.causes.values())
    ((counts.retired_ids,),) = duckdb.execute(
        "SELECT count(*) FROM read_parquet($retired)", {"retired": f"{last}/retired_ids.parquet"}
    ).fetchall()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=2000)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the district and the state; must not exist yet"
    )
    arguments = parser.parse_args()
    if (arguments.out / "state").exists():
        parser.error(f"{arguments.out / 'state'} exists: give a new folder, ids continue what is there")
    counts = run(arguments.persons, arguments.nights, arguments.seed, arguments.out)
    print(f"\n{counts.nights} nights of {arguments.persons:,} persons, seed {arguments.seed}")
    print(
        f"quiet persons, night by night:       {counts.quiet_persons:>9,}, with another id: {counts.quiet_persons_moved}"
    )
    print(
        f"households with the same members:    {counts.quiet_households:>9,}, with another id: {counts.quiet_households_moved}"
    )
    print(f"ids ever seen:                       {counts.ids_seen:>9,}, given to two: {len(counts.ids_of_two)}")
    print(
        f"retired ids (persons, households):   {counts.retired_ids:>9,}, that do not resolve: {len(counts.unresolved_ids)}"
    )
    print(
        f"merges ordered and taken back:       {len(counts.merges):>9,}, restored exactly: {sum(m.restored for m in counts.merges)}"
    )
    print(f"events in the history:               {counts.events:>9,}, lost or doubled: {counts.events_lost}")
    for cause, number in counts.causes.items():
        print(f"  {number:>7,} {cause}")
    for failure in counts.failures():
        print(f"WRONG  {failure}")
    return 1 if counts.failures() else 0


if __name__ == "__main__":
    sys.exit(main())
