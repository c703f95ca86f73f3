-- A department may deliver the same rows under new numbers. A row that stood once in its table before and stands once tonight, word for word,
-- under another number, is the same record; whatever the resolver reads of the release before then bears tonight's number.
CREATE OR REPLACE TEMP TABLE renumbered_records AS
WITH gone AS (
    SELECT b.source, b.feed, b.record_id, b.content_hash FROM crosswalk_before b
    ANTI JOIN common_records r ON r.source = b.source AND r.record_id = b.record_id AND r.content_hash = b.content_hash WHERE b.content_hash <> ''
), come AS (
    SELECT r.source, r.feed, r.record_id, r.content_hash FROM common_records r
    ANTI JOIN crosswalk_before b ON r.source = b.source AND r.record_id = b.record_id AND r.content_hash = b.content_hash
), once_before AS (
    SELECT feed, content_hash FROM crosswalk_before SEMI JOIN gone USING (feed, content_hash) GROUP BY ALL HAVING count(*) = 1
), once_tonight AS (
    SELECT feed, content_hash FROM common_records SEMI JOIN come USING (feed, content_hash) GROUP BY ALL HAVING count(*) = 1
)
SELECT g.source, g.feed, g.record_id AS number_before, c.record_id AS number_now
FROM gone g JOIN come c USING (source, feed, content_hash) SEMI JOIN once_before USING (feed, content_hash) SEMI JOIN once_tonight USING (feed, content_hash);

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
