-- The records of the release before, under tonight's numbers where a department numbered them anew (renumbered_records).
-- In a table that was numbered anew, a row that is not word for word what stood under its number may be the changed row of somebody else: it is,
-- when its number, name and birth date that can be compared all differ from the golden ones of the person who had it.
CREATE OR REPLACE TEMP TABLE reused_numbers AS
SELECT source, number_now AS record_id FROM renumbered_records
UNION
SELECT r.source, r.record_id FROM common_records r JOIN crosswalk_before b USING (source, record_id) JOIN persons_before p USING (person_id)
WHERE r.feed IN (SELECT feed FROM renumbered_records) AND r.content_hash <> b.content_hash
  AND coalesce(r.identity_number <> p.identity_number, r.full_name <> p.full_name, r.birth_date <> p.birth_date, false)
  AND coalesce(r.identity_number <> p.identity_number, true) AND coalesce(r.full_name <> p.full_name, true) AND coalesce(r.birth_date <> p.birth_date, true);

-- Where a number now stands for another row, the row that had it before is gone unless it was found under a number of its own.
CREATE OR REPLACE TEMP VIEW previous_crosswalk AS
SELECT b.* REPLACE (coalesce(m.number_now, CASE WHEN t.record_id IS NOT NULL THEN b.record_id || ' (before)' END, b.record_id) AS record_id)
FROM crosswalk_before b
LEFT JOIN renumbered_records m ON m.source = b.source AND m.number_before = b.record_id
LEFT JOIN reused_numbers t ON t.source = b.source AND t.record_id = b.record_id;

CREATE OR REPLACE TEMP VIEW previous_former_records AS
SELECT f.* REPLACE (coalesce(m.source || ':' || m.number_now, CASE WHEN t.record_id IS NOT NULL THEN f.record_key || ' (before)' END, f.record_key) AS record_key)
FROM former_records_before f
LEFT JOIN renumbered_records m ON m.source || ':' || m.number_before = f.record_key
LEFT JOIN reused_numbers t ON t.source || ':' || t.record_id = f.record_key;
