"""A plain Splink script, as a competent user would write it, beside gridroll on the same records in one run.

    python benchmarks/plain_splink.py --state state --run RUN_ID --truth district/truth/night=2026-03-02

It takes the common records of a finished run (so both sides read the same standardised fields), deduplicates them with
Splink's own comparison library, default clustering and a threshold, and prints time, memory and accuracy of both.
"""

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

THRESHOLD_PROBABILITY = 0.95
RANDOM_PAIRS = 3_000_000

RECORDS = """
SELECT record_key AS unique_id, source, record_id, full_name, name_key, surname, given_name, sex, phone, ethnicity,
       identity_number, coalesce(birth_date, identity_birth_date) AS birth_date,
       coalesce(residence_dwelling_key, hukou_dwelling_key) AS dwelling
FROM read_parquet('{path}')
"""
SCORE = """
WITH joined AS (SELECT p.person, t.true_person_id AS truth FROM predicted p JOIN read_parquet('{truth}') t USING (source, record_id)),
pairs AS (
    SELECT (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM joined GROUP BY person, truth)) AS correct,
           (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM joined GROUP BY person)) AS predicted,
           (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM joined GROUP BY truth)) AS true_pairs
), pure AS (SELECT person FROM joined GROUP BY person HAVING count(DISTINCT truth) = 1),
whole AS (SELECT truth FROM joined GROUP BY truth HAVING count(DISTINCT person) = 1),
exact AS (SELECT count(DISTINCT truth) AS n FROM joined WHERE person IN (SELECT person FROM pure) AND truth IN (SELECT truth FROM whole))
SELECT correct / predicted, correct / true_pairs, (SELECT n FROM exact) / (SELECT count(DISTINCT truth) FROM joined) FROM pairs
"""


def plain_script(con: duckdb.DuckDBPyConnection) -> str:
    """Train, predict and cluster; returns the name of a table (unique_id, cluster_id)."""
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.ExactMatch("identity_number"),
            cl.NameComparison("name_key"),
            cl.DateOfBirthComparison("birth_date", input_is_string=False),
            cl.ExactMatch("sex"),
            cl.ExactMatch("phone"),
            cl.ExactMatch("dwelling"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("identity_number"),
            block_on("name_key", "birth_date"),
            block_on("phone", "surname"),
            block_on("dwelling", "given_name"),
        ],
    )
    linker = Linker(DuckDBAPI(connection=con).register("records"), settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match([block_on("identity_number")], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("identity_number"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("name_key", "birth_date"))
    predictions = linker.inference.predict(threshold_match_probability=0.01)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, THRESHOLD_PROBABILITY)
    return str(clusters.physical_name)


def score(con: duckdb.DuckDBPyConnection, truth: Path) -> dict[str, float]:
    """Pair precision and recall, and the share of persons exactly right, of the table ``predicted``."""
    precision, recall, exact = con.execute(SCORE.format(truth=truth / "records.parquet")).fetchall()[0]
    return {
        "pair_precision": round(precision, 5),
        "pair_recall": round(recall, 5),
        "pair_f1": round(2 * precision * recall / (precision + recall), 5),
        "persons_exactly_right": round(exact, 5),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--state", type=Path, default=Path("state"))
    parser.add_argument("--run", required=True, help="run id, as `linkage run` printed it")
    parser.add_argument("--truth", type=Path, help="folder with records.parquet")
    arguments = parser.parse_args()
    run = arguments.state / "runs" / arguments.run
    con = duckdb.connect()
    con.execute("SET threads = 2")
    started = time.monotonic()
    con.execute("CREATE TABLE records AS " + RECORDS.format(path=run / "gate_incoming" / "common_records.parquet"))
    clusters = plain_script(con)
    outcome: dict[str, dict[str, Any]] = {
        "plain": {
            "seconds": round(time.monotonic() - started, 1),
            "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    }
    timings = json.loads((run / "timings.json").read_text(encoding="utf-8"))
    outcome["gridroll"] = {
        "seconds": round(sum(timings[s] for s in ("model", "match", "resolve")), 1),
        "timings": timings,
    }
    if arguments.truth:
        con.execute(
            f"CREATE TABLE predicted AS SELECT r.source, r.record_id, c.cluster_id AS person FROM records r JOIN {clusters} c USING (unique_id)"
        )
        outcome["plain"] |= score(con, arguments.truth)
        links = run / "resolve" / "links.parquet"
        con.execute(
            f"CREATE OR REPLACE TABLE predicted AS SELECT source, record_id, person_id AS person FROM read_parquet('{links}')"
        )
        outcome["gridroll"] |= score(con, arguments.truth)
    print(json.dumps(outcome, indent=1))


if __name__ == "__main__":
    main()
