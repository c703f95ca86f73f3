"""Are the night's own error estimates right? Compares what the stage ``estimate`` says of a finished run with the known truth.

    .venv/bin/python benchmarks/estimates_against_truth.py --state state --run RUN_ID --truth district/truth/night=2026-03-02

With --steward-nights N, stewards who are always right answer the quality sample of N nights first.

Two truths stand beside each estimate. ``hidden``: the same hidden records, judged by their true person instead of by their number.
``actual``: what happened in the register to the records that no number holds (holdout), or to all (register). Found is a record whose
register person holds another record of its true person, if there is one; right is one that at least half of the others there agree with; for judgements, all scored pairs are judged. Subgroups of ``actual`` are the truth's own, so a missed link does not choose its group.
"""

import argparse
import shutil
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
UNION ALL
SELECT 'judgements', subgroup, count(*), count(*) FILTER (joins AND same) / count(*) FILTER (same), count(*) FILTER (joins AND same) / count(*) FILTER (joins)
FROM (SELECT d.*, l.true_person_id = r.true_person_id AS same, unnest(list_concat(['all'], subgroups)) AS subgroup
      FROM decided_pairs d JOIN true_records l ON l.record_key = d.record_key_l JOIN true_records r ON r.record_key = d.record_key_r)
GROUP BY subgroup
"""
ANSWERS = """
SELECT c.case_id AS judgement_id, c.case_id AS decision_id, c.records[1] AS record_key_l, c.records[2] AS record_key_r,
       c.records[1] AS current_key_l, c.records[2] AS current_key_r,
       CASE WHEN l.true_person_id = r.true_person_id THEN 'same' ELSE 'different' END AS verdict,
       TIMESTAMP '2026-01-01' AS decided_at, 'applied' AS status, true AS in_force
FROM review_cases c
JOIN truth_records l ON l.source || ':' || l.record_id = c.records[1] JOIN truth_records r ON r.source || ':' || r.record_id = c.records[2]
WHERE c.kind = 'quality_sample'
"""


def compare(run: Path, truth: Path, steward_nights: int) -> list[dict[str, Any]]:
    """One row per method, measure and subgroup: the interval, and both truths."""
    with Engine() as engine, tempfile.TemporaryDirectory() as folder:
        context = _context(run, Path(folder), engine)
        engine.read("truth_records", truth / "records.parquet")
        engine.read("truth_persons", truth / "persons.parquet")
        for _ in range(steward_nights):
            stage.run(context)
            engine.con.execute(
                f"CREATE OR REPLACE TEMP TABLE answered AS FROM judgement_status UNION ALL BY NAME ({ANSWERS})"
            )
            engine.write_table("judgement_status", context.input("resolve", "judgement_status"), source="answered")
        stage.run(context)
        rows = engine.rows("SELECT * FROM error_estimates ORDER BY method, measure, position")
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


def _context(run: Path, folder: Path, engine: Engine) -> StageContext:
    """The finished run once more, with judgements of its own."""
    (folder / "resolve").mkdir()
    for path in [*run.iterdir(), *(run / "resolve").iterdir()]:
        if path.name not in ("resolve", "judgement_status.parquet"):
            (folder / path.relative_to(run)).symlink_to(path.resolve())
    status = Path("resolve") / "judgement_status.parquet"
    shutil.copyfile(run / status, folder / status)
    out = folder / "out"
    out.mkdir()
    return StageContext(
        night=date.fromisoformat(run.name[:10]),
        run_id=run.name,
        run_dir=folder,
        stage="estimate",
        out_dir=out,
        config_dir=folder / "config",
        state=State(folder),
        engine=engine,
    )


def main() -> None:
    """Print the comparison as a Markdown table, and how many truths lie within or above their interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--truth", type=Path, required=True, help="folder with records.parquet")
    parser.add_argument("--steward-nights", type=int, default=0)
    arguments = parser.parse_args()
    rows = compare(arguments.state / "runs" / arguments.run, arguments.truth, arguments.steward_nights)
    print(
        "| method | measure | subgroup | n | estimate | 95 % interval | hidden | actual |\n|---|---|---|---|---|---|---|---|"
    )
    for r in rows:
        truths = " | ".join("-" if r[t] is None else f"{r[t]:.4f}" for t in ("hidden", "actual"))
        print(
            f"| {r['method']} | {r['measure']} | {r['subgroup']} | {r['n']} | {r['estimate']:.4f} | {r['low']:.4f}-{r['high']:.4f} | {truths} |"
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
