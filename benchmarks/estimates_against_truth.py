"""Are the night's own error estimates right? Compares what the stage ``estimate`` says of a finished run with the known truth.

    .venv/bin/python benchmarks/estimates_against_truth.py --state state --run RUN_ID --truth district/truth/night=2026-03-02

Two truths stand beside each estimate. ``hidden``: the same hidden records, judged by their true person instead of by their number.
``actual``: what happened in the register to the records that no number holds (holdout), or to all (register). Found is a record whose
register person holds another record of its true person, if there is one; right is one that at least half of the others there agree with. Subgroups of ``actual`` are the truth's own, so a missed link does not choose its group.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from linkage.estimate import stage
from linkage.estimate.holdout import holdout_estimates, register_estimates
from linkage.kernel.engine import Engine
from linkage.kernel.run import StageContext, State

TRUTH = """
CREATE TEMP TABLE true_records AS SELECT source || ':' || record_id AS record_key, true_person_id FROM truth_records;
CREATE TEMP TABLE guessed_outcomes AS FROM holdout_outcomes;
CREATE OR REPLACE TEMP TABLE holdout_outcomes AS
SELECT g.* REPLACE (coalesce(t.true_person_id = o.true_person_id, false) AS correct)
FROM guessed_outcomes g JOIN true_records t USING (record_key) LEFT JOIN holdout_choices c USING (record_key)
LEFT JOIN true_records o ON o.record_key = c.other_key;
"""
ACTUAL = """
WITH fates AS (
    SELECT record_key, count(*) OVER (PARTITION BY true_person_id) > 1 AS findable, count(*) OVER (PARTITION BY person_id) - 1 AS others,
           count(*) OVER (PARTITION BY person_id, true_person_id) - 1 AS companions
    FROM links JOIN true_records USING (record_key)
), members AS (
    SELECT DISTINCT g.subgroup, unnest(CASE WHEN s.found IS NULL THEN ['holdout', 'register'] ELSE ['register'] END) AS method, fates.*
    FROM fates JOIN subgroup_records s USING (record_key) JOIN true_records t USING (record_key) JOIN subgroups g USING (true_person_id)
    WHERE g.subgroup <> 'without_number'
    UNION ALL
    SELECT subgroup, unnest(CASE WHEN s.found IS NULL THEN ['holdout', 'register'] ELSE ['register'] END), fates.*
    FROM fates JOIN subgroup_records s USING (record_key) WHERE subgroup = 'without_number'
)
SELECT method, subgroup, count(*) AS records, count(*) FILTER (findable AND companions > 0) / count(*) FILTER (findable) AS recall,
       count(*) FILTER (others > 0 AND companions >= others / 2) / count(*) FILTER (others > 0) AS precision
FROM members GROUP BY ALL
"""


def compare(state: Path, run_id: str, truth: Path) -> list[dict[str, Any]]:
    """One row per method, measure and subgroup: the interval, and both truths."""
    run_dir = state / "runs" / run_id
    with Engine() as engine, tempfile.TemporaryDirectory() as folder:
        context = StageContext(
            night=date.fromisoformat(run_id[:10]),
            run_id=run_id,
            run_dir=run_dir,
            stage="estimate",
            out_dir=Path(folder),
            config_dir=run_dir / "config",
            state=State(state),
            engine=engine,
        )
        stage.run(context)
        rows = engine.rows("SELECT * FROM error_estimates ORDER BY method, measure, position")
        engine.read("truth_records", truth / "records.parquet")
        engine.read("truth_persons", truth / "persons.parquet")
        engine.con.execute("CREATE TEMP VIEW crosswalk AS FROM links")
        engine.con.execute("CREATE TEMP VIEW persons AS SELECT person_id, '' AS identity_number FROM links")
        for name in ("matched", "subgroups"):
            engine.run_sql("linkage.evaluate", name, {"night": context.night})
        engine.con.execute(TRUTH)
        engine.run_sql(stage.SQL_PACKAGE, "holdout_cells")
        hidden = holdout_estimates(engine)
        hidden |= register_estimates(engine, hidden)
        actual = {(r["method"], r["subgroup"]): r for r in engine.rows(ACTUAL)}
    for row in rows:
        judged = hidden.get((row["method"], row["measure"], row["subgroup"]))
        row["hidden"] = judged.interval.estimate if judged else None
        row["actual"] = actual.get((row["method"], row["subgroup"]), {}).get(row["measure"])
    return rows


def main() -> None:
    """Print the comparison as a Markdown table, and how many truths lie within or above their interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--truth", type=Path, required=True, help="folder with records.parquet")
    arguments = parser.parse_args()
    rows = compare(arguments.state, arguments.run, arguments.truth)
    print("| method | measure | subgroup | estimate | 95 % interval | hidden | actual |\n|---|---|---|---|---|---|---|")
    for r in rows:
        truths = " | ".join("-" if r[t] is None else f"{r[t]:.4f}" for t in ("hidden", "actual"))
        print(
            f"| {r['method']} | {r['measure']} | {r['subgroup']} | {r['estimate']:.4f} | {r['low']:.4f}-{r['high']:.4f} | {truths} |"
        )
    for kind in ("hidden", "actual"):
        known = [r for r in rows if r[kind] is not None]
        inside = sum(r["low"] - 1e-9 <= r[kind] <= r["high"] + 1e-9 for r in known)
        above = sum(r[kind] > r["high"] + 1e-9 for r in known)
        print(
            f"{kind}: {inside} of {len(known)} within, {above} better than the interval, {len(known) - inside - above} worse"
        )


if __name__ == "__main__":
    main()
