-- Which of yesterday's ids may go on with which cluster, and how strong each claim is. docs/identity.md tells the rule in words.
CREATE OR REPLACE TEMP TABLE quiet_persons AS
SELECT p.person_id AS previous_person_id, bool_and(coalesce(n.content_hash = p.content_hash, false)) AS quiet
FROM previous_crosswalk p LEFT JOIN nodes n ON n.source = p.source AND n.record_id = p.record_id GROUP BY p.person_id;

-- A record is a person's own unless an id that merged into the person brought it along.
CREATE OR REPLACE TEMP TABLE claims AS
SELECT n.cluster, n.previous_person_id AS person_id, any_value(q.quiet) AS quiet, count(*) AS shared,
       count(*) FILTER (n.record_key NOT IN (SELECT record_key FROM previous_former_records)) AS own, min(n.record_key) AS first_key
FROM clustered_nodes n JOIN quiet_persons q USING (previous_person_id) GROUP BY n.cluster, n.previous_person_id;

CREATE OR REPLACE TEMP TABLE kept_ids (cluster BIGINT, person_id VARCHAR);
