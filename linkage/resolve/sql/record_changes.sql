-- Every record that is not what and where it was in the release before.
CREATE OR REPLACE TEMP TABLE record_changes AS
SELECT coalesce(l.record_key, p.source || ':' || p.record_id) AS record_key,
       CASE WHEN p.record_id IS NULL THEN 'new' WHEN l.record_id IS NULL THEN 'withdrawn' WHEN l.content_hash <> p.content_hash THEN 'changed' ELSE 'moved' END AS change,
       p.person_id AS person_before, l.person_id AS person_now
FROM links l FULL JOIN previous_crosswalk p ON p.source = l.source AND p.record_id = l.record_id
WHERE p.record_id IS NULL OR l.record_id IS NULL OR l.content_hash <> p.content_hash OR l.person_id <> p.person_id;
