-- Whose each department record is in the release before_... and in the release after_....
CREATE OR REPLACE TEMP TABLE record_crosswalk AS
SELECT source, record_id, b.person_id AS person_id_before, a.person_id AS person_id_after,
       CASE WHEN b.person_id IS NULL THEN 'added' WHEN a.person_id IS NULL THEN 'ended' WHEN a.person_id = b.person_id THEN 'same' ELSE 'moved' END AS fate
FROM before_crosswalk b FULL JOIN after_crosswalk a USING (source, record_id);
