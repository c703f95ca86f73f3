-- Tonight's hold-out: records with a good number that some other record shares. Every subgroup gets its share, however small it is; within a
-- stratum (the rarest subgroup of the record's person) the draw is by hash of record and night, so each night asks others and a re-run the same.
-- Reads match_features and group_subgroups (of grouped_records, here by good number). $night, $records, $records_per_subgroup
CREATE OR REPLACE TEMP TABLE holdout_records AS
WITH eligible AS (
    SELECT record_key, subgroups, unnest(CASE WHEN len(subgroups) = 0 THEN ['rest'] ELSE subgroups END) AS subgroup
    FROM grouped_records JOIN group_subgroups USING (group_key)
    QUALIFY count(DISTINCT record_key) OVER (PARTITION BY group_key) > 1
), sized AS (
    SELECT subgroup, CASE WHEN subgroup = 'rest' THEN 1 ELSE 0 END AS is_rest, count(*) AS size FROM eligible GROUP BY subgroup
), labelled AS (
    SELECT record_key, any_value(subgroups) AS subgroups, arg_min(subgroup, (is_rest, size, subgroup)) AS stratum
    FROM eligible JOIN sized USING (subgroup) GROUP BY record_key
), drawn AS (
    SELECT *, count(*) OVER (PARTITION BY stratum) AS stratum_records, row_number() OVER (PARTITION BY stratum ORDER BY sha256(record_key || ' ' || $night)) AS draw
    FROM labelled
), quotas AS (
    SELECT stratum, count(*) AS stratum_records, least(count(*), $records_per_subgroup) AS quota FROM labelled GROUP BY stratum
), enlarged AS (
    -- What the small subgroups leave of the whole sample goes to the rest.
    SELECT stratum, CASE WHEN stratum = 'rest' THEN least(stratum_records, greatest(quota, $records - sum(CASE WHEN stratum <> 'rest' THEN quota ELSE 0 END) OVER ())) ELSE quota END AS quota
    FROM quotas
)
SELECT d.record_key, d.stratum, d.stratum_records / q.quota AS sampling_weight, d.subgroups
FROM drawn d JOIN enlarged q USING (stratum) WHERE d.draw <= q.quota;
