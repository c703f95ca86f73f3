-- Pairs of records, B-cubed, and persons exactly right, by subgroup.
CREATE OR REPLACE TEMP TABLE placed AS
SELECT c.person_id, c.true_person_id, c.n,
       sum(c.n) OVER (PARTITION BY c.person_id) AS predicted, sum(c.n) OVER (PARTITION BY c.true_person_id) AS truth
FROM cells c;

-- A wrong pair counts when one of its two persons is in the subgroup, hence by cluster: inside x outside + inside x inside.
CREATE OR REPLACE TEMP TABLE wrong_pairs AS
SELECT subgroup, sum(inside * (predicted - inside) + (inside * inside - squares) / 2) AS wrong
FROM (
    SELECT g.subgroup, c.person_id, any_value(c.predicted) AS predicted, sum(c.n) AS inside, sum(c.n * c.n) AS squares
    FROM placed c JOIN subgroups g USING (true_person_id) GROUP BY ALL
) GROUP BY subgroup;

CREATE OR REPLACE TEMP TABLE pair_scores AS
SELECT g.subgroup, count(DISTINCT c.true_person_id)::BIGINT AS persons,
       count(DISTINCT c.true_person_id) FILTER (c.n = c.predicted AND c.n = c.truth)::BIGINT AS exact,
       sum(c.n * (c.n - 1) / 2)::BIGINT AS right, any_value(w.wrong)::BIGINT AS wrong, (sum(c.n * (c.truth - c.n)) / 2)::BIGINT AS missed,
       sum(c.n * c.n / c.predicted) / sum(c.n) AS b_cubed_precision, sum(c.n * c.n / c.truth) / sum(c.n) AS b_cubed_recall
FROM placed c JOIN subgroups g USING (true_person_id) JOIN wrong_pairs w USING (subgroup) GROUP BY g.subgroup;
