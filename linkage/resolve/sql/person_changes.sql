-- What became of yesterday's persons, and which persons are new; ids that ended lead to their successor.
CREATE OR REPLACE TEMP TABLE previous_persons AS SELECT DISTINCT person_id FROM previous_crosswalk;

CREATE OR REPLACE TEMP TABLE gone_persons AS
SELECT p.person_id, arg_max(n.person_id, (n.shared, n.person_id)) AS successor_id
FROM previous_persons p
LEFT JOIN (SELECT previous_person_id, person_id, count(*) AS shared FROM person_nodes WHERE previous_person_id IS NOT NULL GROUP BY ALL) n
       ON n.previous_person_id = p.person_id
WHERE p.person_id NOT IN (SELECT person_id FROM person_nodes) GROUP BY p.person_id;

CREATE OR REPLACE TEMP TABLE person_events AS
SELECT person_id AS subject_id, 'appeared' AS kind, '' AS related_id, list_sort(list(record_key)) AS records
FROM person_nodes WHERE is_new AND cluster NOT IN (SELECT cluster FROM person_nodes WHERE previous_person_id IS NOT NULL) GROUP BY person_id
UNION ALL
SELECT n.person_id, 'split_from', n.previous_person_id, list_sort(list(n.record_key))
FROM person_nodes n
WHERE n.previous_person_id IS NOT NULL AND n.previous_person_id <> n.person_id
  AND n.previous_person_id IN (SELECT person_id FROM person_nodes) GROUP BY ALL
UNION ALL
SELECT g.person_id, CASE WHEN g.successor_id IS NULL THEN 'ended' ELSE 'merged_into' END, coalesce(g.successor_id, ''), list_sort(list(c.source || ':' || c.record_id))
FROM gone_persons g JOIN previous_crosswalk c USING (person_id) GROUP BY ALL;
