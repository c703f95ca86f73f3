-- The hold-out by subgroup and shape: how many records that no number holds have that shape (target), and how the hidden ones of that shape fared.
-- A subgroup whose members have no number to hide (without_number) is judged by everybody's hidden records, in its own shapes.
CREATE OR REPLACE TEMP TABLE holdout_members AS
SELECT *, unnest(list_concat(['all'], subgroups)) AS subgroup FROM holdout_outcomes;

CREATE OR REPLACE TEMP TABLE holdout_cells AS
WITH fared AS (
    SELECT subgroup, shape, count(*) AS records, count(*) FILTER (joined) AS joined_records, count(*) FILTER (correct) AS correct_records,
           sum(sampling_weight) AS weight, sum(sampling_weight * sampling_weight) AS squares,
           sum(sampling_weight) FILTER (joined) AS joined_weight, sum(sampling_weight * sampling_weight) FILTER (joined) AS joined_squares,
           sum(sampling_weight) FILTER (correct) AS correct_weight
    FROM holdout_members GROUP BY ALL
), lent AS (
    SELECT s.subgroup, f.* EXCLUDE (subgroup) FROM (SELECT DISTINCT subgroup FROM unheld_shapes WHERE subgroup NOT IN (SELECT subgroup FROM fared)) s, fared f
    WHERE f.subgroup = 'all'
    UNION ALL SELECT * FROM fared
)
SELECT subgroup, shape, coalesce(t.records, 0) AS target, coalesce(l.records, 0) AS records, coalesce(joined_records, 0) AS joined_records,
       coalesce(correct_records, 0) AS correct_records, coalesce(weight, 0) AS weight, coalesce(squares, 0) AS squares,
       coalesce(joined_weight, 0) AS joined_weight, coalesce(joined_squares, 0) AS joined_squares, coalesce(correct_weight, 0) AS correct_weight
FROM lent l FULL JOIN unheld_shapes t USING (subgroup, shape);
