-- Who keeps an id, in words: an id stays with the cluster that holds most of the records it had yesterday; of two clusters with
-- equally many, with the one whose smallest record key comes first. A cluster takes at most one of yesterday's ids: when two persons
-- merge, that of the person none of whose records changed; of equals the one it shares most records with, then the smaller id.
-- Everything else is new, merged or ended.
CREATE OR REPLACE TEMP TABLE quiet_persons AS
SELECT p.person_id AS previous_person_id, bool_and(coalesce(n.content_hash = p.content_hash, false)) AS quiet
FROM previous_crosswalk p LEFT JOIN nodes n ON n.source = p.source AND n.record_id = p.record_id GROUP BY p.person_id;

CREATE OR REPLACE TEMP TABLE shared_records AS
SELECT cluster, previous_person_id, any_value(quiet) AS quiet, count(*) AS shared, min(record_key) AS first_key
FROM clustered_nodes JOIN quiet_persons USING (previous_person_id) GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE kept_ids AS
WITH ranked AS (
    SELECT *, row_number() OVER (PARTITION BY cluster ORDER BY quiet DESC, shared DESC, previous_person_id) AS for_cluster,
              row_number() OVER (PARTITION BY previous_person_id ORDER BY shared DESC, first_key) AS for_person
    FROM shared_records
)
SELECT cluster, previous_person_id AS person_id FROM ranked WHERE for_cluster = 1 AND for_person = 1;

-- A cluster whose best id went elsewhere may still take its next best that nobody took.
INSERT INTO kept_ids
WITH free AS (
    SELECT o.* FROM shared_records o
    WHERE o.cluster NOT IN (SELECT cluster FROM kept_ids) AND o.previous_person_id NOT IN (SELECT person_id FROM kept_ids)
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY cluster ORDER BY quiet DESC, shared DESC, previous_person_id) AS for_cluster,
              row_number() OVER (PARTITION BY previous_person_id ORDER BY shared DESC, first_key) AS for_person
    FROM free
)
SELECT cluster, previous_person_id FROM ranked WHERE for_cluster = 1 AND for_person = 1;

CREATE OR REPLACE TEMP TABLE new_clusters AS
SELECT cluster, min(record_key) AS first_key FROM clustered_nodes
WHERE cluster NOT IN (SELECT cluster FROM kept_ids) GROUP BY cluster;
