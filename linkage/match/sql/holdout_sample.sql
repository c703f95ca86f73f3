-- Tonight's hold-out: records with a good number that some other record shares. Every subgroup gets its share, however small it is; within a
-- stratum (the rarest subgroup of the record's person) the draw is by hash of record and night, so each night asks others and a re-run the same.
-- Reads grouped_records(record_key, group_key), here by good number, and their group_subgroups. $night, $records, $records_per_subgroup
CREATE OR REPLACE TEMP TABLE holdout_groups AS
SELECT group_key, subgroups, records
FROM (SELECT group_key, count(*) AS records FROM grouped_records GROUP BY group_key HAVING count(*) > 1) JOIN group_subgroups USING (group_key);

CREATE OR REPLACE TEMP TABLE holdout_strata AS
WITH members AS (
    SELECT group_key, records, unnest(subgroups) AS subgroup FROM holdout_groups
), sized AS (
    SELECT subgroup, sum(records) AS size FROM members GROUP BY subgroup
)
SELECT group_key, arg_min(subgroup, (size, subgroup)) AS stratum FROM members JOIN sized USING (subgroup) GROUP BY group_key;

CREATE OR REPLACE TEMP TABLE holdout_records AS
WITH labelled AS (
    SELECT r.record_key, r.group_key, coalesce(s.stratum, 'rest') AS stratum, md5_number_lower(r.record_key || ' ' || $night) AS lot
    FROM grouped_records r SEMI JOIN holdout_groups g USING (group_key) LEFT JOIN holdout_strata s USING (group_key)
), sizes AS (
    SELECT stratum, count(*) AS stratum_records, least(count(*), $records_per_subgroup) AS quota FROM labelled GROUP BY stratum
), quotas AS (
    -- What the small subgroups leave of the whole sample goes to the rest.
    SELECT stratum, stratum_records,
           CASE WHEN stratum = 'rest' THEN least(stratum_records, greatest(quota, $records - sum(CASE WHEN stratum <> 'rest' THEN quota ELSE 0 END) OVER ())) ELSE quota END AS quota
    FROM sizes
), drawn AS (
    -- Only low lots can be drawn; the others need no sorting.
    SELECT *, row_number() OVER (PARTITION BY stratum ORDER BY lot, record_key) AS draw FROM labelled JOIN quotas USING (stratum)
    WHERE lot / pow(2, 64) <= (2 * quota + 20) / stratum_records
)
SELECT d.record_key, d.stratum, d.stratum_records / d.quota AS sampling_weight, g.subgroups
FROM drawn d JOIN holdout_groups g USING (group_key) WHERE d.draw <= d.quota;
