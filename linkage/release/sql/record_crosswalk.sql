-- Whose each department record is in the release before_... and in the release after_...; a record that was numbered anew in between
-- (renumbered_records) bears its later number, and record_id_before says the earlier one.
CREATE OR REPLACE TEMP TABLE record_crosswalk AS
WITH earlier AS (
    -- Under a number that now stands for another row: gone, unless found under a number of its own.
    SELECT b.source, coalesce(m.number_now, b.record_id) AS record_id, b.record_id AS record_id_before, b.person_id,
           m.number_now IS NULL AND t.number_now IS NOT NULL AS is_replaced
    FROM before_crosswalk b
    LEFT JOIN renumbered_records m ON m.source = b.source AND m.number_before = b.record_id
    LEFT JOIN renumbered_records t ON t.source = b.source AND t.number_now = b.record_id
)
SELECT coalesce(a.source, b.source) AS source, coalesce(a.record_id, b.record_id) AS record_id, b.record_id_before,
       b.person_id AS person_id_before, a.person_id AS person_id_after,
       CASE WHEN b.person_id IS NULL THEN 'added' WHEN a.person_id IS NULL THEN 'ended' WHEN a.person_id = b.person_id THEN 'same' ELSE 'moved' END AS fate
FROM earlier b FULL JOIN after_crosswalk a ON a.source = b.source AND a.record_id = b.record_id AND NOT b.is_replaced;
