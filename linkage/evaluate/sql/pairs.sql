-- Pairwise precision and recall, B-cubed, and persons exactly right, by subgroup of the true person.
CREATE OR REPLACE TEMP TABLE cells AS SELECT person_id, true_person_id, count(*) AS n FROM matched GROUP BY ALL;
CREATE OR REPLACE TEMP TABLE predicted_sizes AS SELECT person_id, sum(n) AS n FROM cells GROUP BY ALL;
CREATE OR REPLACE TEMP TABLE true_sizes AS SELECT true_person_id, sum(n) AS n FROM cells GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE pair_scores AS
WITH per_cell AS (
    SELECT c.true_person_id, c.n, p.n AS predicted, t.n AS truth, c.n * (c.n - 1) / 2 AS right_pairs, c.n * (p.n - c.n) / 2 AS wrong_pairs,
           c.n * (t.n - c.n) / 2 AS missed_pairs, c.n = p.n AND c.n = t.n AS exact
    FROM cells c JOIN predicted_sizes p USING (person_id) JOIN true_sizes t USING (true_person_id)
)
SELECT g.subgroup, sum(c.right_pairs) AS right_pairs, sum(c.wrong_pairs) AS wrong_pairs, sum(c.missed_pairs) AS missed_pairs,
       sum(c.n * c.n / c.predicted) / sum(c.n) AS b_cubed_precision, sum(c.n * c.n / c.truth) / sum(c.n) AS b_cubed_recall,
       count(DISTINCT c.true_person_id) AS persons, count(DISTINCT CASE WHEN c.exact THEN c.true_person_id END) AS exact
FROM per_cell c JOIN subgroups g USING (true_person_id) GROUP BY g.subgroup;
