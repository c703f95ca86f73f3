"""How well clusters fit a known truth: pairs and B-cubed, worked out in SQL over two tables."""

from typing import Any

import duckdb

DIGITS = 5
# predicted(record, cluster) and truth(record, source, person). $within: 1 if pairs within one source count, else 0.
SCORES = """
WITH cells AS (SELECT cluster, person, source, count(*) AS n FROM predicted JOIN truth USING (record) GROUP BY ALL),
counted AS (
    SELECT sum(pairs) FILTER (WHERE kind = 'both') AS correct, sum(pairs) FILTER (WHERE kind = 'cluster') AS found, sum(pairs) FILTER (WHERE kind = 'person') AS wanted
    FROM (
        SELECT kind, (sum(n) * sum(n) - CASE WHEN $within THEN sum(n) ELSE sum(n * n) END) / 2 AS pairs
        FROM (
            SELECT 'both' AS kind, cluster AS c, person AS p, source, sum(n) AS n FROM cells GROUP BY ALL
            UNION ALL SELECT 'cluster', cluster, NULL, source, sum(n) FROM cells GROUP BY ALL
            UNION ALL SELECT 'person', NULL, person, source, sum(n) FROM cells GROUP BY ALL
        ) GROUP BY kind, c, p
    )
), cubes AS (
    SELECT n, n * n / sum(n) OVER (PARTITION BY cluster) AS of_cluster, n * n / sum(n) OVER (PARTITION BY person) AS of_person
    FROM (SELECT cluster, person, sum(n) AS n FROM cells GROUP BY ALL)
)
SELECT any_value(correct), any_value(found), any_value(wanted), sum(of_cluster) / sum(n), sum(of_person) / sum(n) FROM cubes, counted
"""


def score(con: duckdb.DuckDBPyConnection, *, within: bool) -> dict[str, Any]:
    """Scores of the table ``predicted`` against the table ``truth``; shares between 0 and 1."""
    ((correct, found, wanted, cube_precision, cube_recall),) = con.execute(SCORES, {"within": within}).fetchall()
    precision, recall = correct / found if found else 1.0, correct / wanted
    shares = {
        "pair_precision": precision,
        "pair_recall": recall,
        "pair_f1": harmonic_mean(precision, recall),
        "b_cubed_f1": harmonic_mean(cube_precision, cube_recall),
    }
    counts = {"wrong_pairs": int(found - correct), "missed_pairs": int(wanted - correct)}
    return {name: round(value, DIGITS) for name, value in shares.items()} | counts


EXACT = """
WITH cells AS (SELECT cluster, person, count(*) AS n FROM predicted JOIN truth USING (record) GROUP BY ALL),
placed AS (SELECT n, sum(n) OVER (PARTITION BY cluster) AS of_cluster, sum(n) OVER (PARTITION BY person) AS of_person, person FROM cells)
SELECT count(*) FILTER (WHERE n = of_cluster AND n = of_person) / count(DISTINCT person) FROM placed
"""


def exact_persons(con: duckdb.DuckDBPyConnection) -> float:
    """Share of the persons of ``truth`` whose records are exactly those of one cluster of ``predicted``."""
    ((share,),) = con.execute(EXACT).fetchall()
    return round(share, DIGITS)


def harmonic_mean(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
