-- What became of yesterday's persons, and which persons are new or came back; ids that ended lead to their successor.
CREATE OR REPLACE TEMP TABLE previous_persons AS SELECT DISTINCT person_id FROM previous_crosswalk;

CREATE OR REPLACE TEMP TABLE gone_persons AS
SELECT p.person_id, arg_min(n.person_id, (-n.own, -n.shared, n.first_key)) AS successor_id -- as revived_ids.sql finds it again every later night
FROM previous_persons p
LEFT JOIN (SELECT previous_person_id, person_id, count(*) AS shared, min(record_key) AS first_key,
                  count(*) FILTER (record_key NOT IN (SELECT record_key FROM previous_former_records)) AS own
           FROM person_nodes WHERE previous_person_id IS NOT NULL GROUP BY ALL) n ON n.previous_person_id = p.person_id
WHERE p.person_id NOT IN (SELECT person_id FROM person_nodes) GROUP BY p.person_id;

-- Retired persons tonight: an id leads to the person who holds most of its records; where none of them is left, to where it led before.
CREATE OR REPLACE TEMP TABLE retired_persons AS
WITH standing AS (
    SELECT r.id, coalesce(r.last_successor_id, r.successor_id) AS led_to, k.person_id AS holder_id, r.retired_on, r.cause
    FROM previous_retired_ids r LEFT JOIN former_homes h ON h.person_id = r.id LEFT JOIN cluster_ids k ON k.cluster = h.cluster
    WHERE r.kind = 'person' AND r.id NOT IN (SELECT person_id FROM person_nodes)
), leads AS (
    SELECT id, holder_id AS led_to FROM standing WHERE holder_id IS NOT NULL UNION ALL SELECT person_id, successor_id FROM gone_persons
), followed AS (
    SELECT s.*, coalesce(l.led_to, s.led_to) AS leads_to FROM standing s LEFT JOIN leads l ON l.id = s.led_to
)
SELECT id, coalesce(holder_id, leads_to) AS last_successor_id, retired_on, CASE WHEN coalesce(holder_id, leads_to) IS NULL THEN cause ELSE 'merged_into' END AS cause,
       coalesce(holder_id <> coalesce(leads_to, ''), false) AS leads_anew
FROM followed
UNION ALL
SELECT person_id, successor_id, CAST($night AS DATE), CASE WHEN successor_id IS NULL THEN 'ended' ELSE 'merged_into' END, false FROM gone_persons;

CREATE OR REPLACE TEMP TABLE former_records AS
SELECT person_id, record_key, own, retired_on FROM previous_former_records WHERE person_id NOT IN (SELECT person_id FROM person_nodes)
UNION ALL
SELECT person_id, source || ':' || record_id, source || ':' || record_id NOT IN (SELECT record_key FROM previous_former_records), CAST($night AS DATE)
FROM previous_crosswalk JOIN gone_persons USING (person_id);

CREATE OR REPLACE TEMP TABLE person_events AS
SELECT person_id AS subject_id, 'appeared' AS kind, '' AS related_id, list_sort(list(record_key)) AS records
FROM person_nodes WHERE is_new AND cluster NOT IN (SELECT cluster FROM person_nodes WHERE previous_person_id IS NOT NULL) GROUP BY person_id
UNION ALL
SELECT r.person_id, 'revived', '', list_sort(list(n.record_key)) FROM revived_ids r JOIN person_nodes n USING (cluster) GROUP BY r.person_id
UNION ALL
SELECT n.person_id, 'split_from', n.previous_person_id, list_sort(list(n.record_key))
FROM person_nodes n LEFT JOIN gone_persons g ON g.person_id = n.previous_person_id -- the rest of one that goes to its successor
WHERE n.previous_person_id <> n.person_id AND g.successor_id IS DISTINCT FROM n.person_id GROUP BY ALL
UNION ALL
SELECT g.person_id, CASE WHEN g.successor_id IS NULL THEN 'ended' ELSE 'merged_into' END, coalesce(g.successor_id, ''), list_sort(list(c.source || ':' || c.record_id))
FROM gone_persons g JOIN previous_crosswalk c USING (person_id) GROUP BY ALL
UNION ALL
SELECT r.id, 'merged_into', r.last_successor_id, list_sort(list(f.record_key))
FROM retired_persons r JOIN previous_former_records f ON f.person_id = r.id JOIN person_nodes n ON n.record_key = f.record_key AND n.person_id = r.last_successor_id
WHERE r.leads_anew GROUP BY ALL;
