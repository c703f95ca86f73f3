-- A department may deliver the same rows under new numbers. A row that stood once in its table before and stands once now, word for word,
-- under another number, is the same record. records_before, records_now (source, feed, record_id, content_hash).
CREATE OR REPLACE TEMP TABLE renumbered_records AS
WITH gone AS (
    SELECT b.source, b.feed, b.record_id, b.content_hash FROM records_before b
    ANTI JOIN records_now r ON r.source = b.source AND r.record_id = b.record_id AND r.content_hash = b.content_hash WHERE b.content_hash <> ''
), come AS (
    SELECT r.source, r.feed, r.record_id, r.content_hash FROM records_now r
    ANTI JOIN records_before b ON r.source = b.source AND r.record_id = b.record_id AND r.content_hash = b.content_hash
), once_before AS (
    SELECT feed, content_hash FROM records_before SEMI JOIN gone USING (feed, content_hash) GROUP BY ALL HAVING count(*) = 1
), once_now AS (
    SELECT feed, content_hash FROM records_now SEMI JOIN come USING (feed, content_hash) GROUP BY ALL HAVING count(*) = 1
)
SELECT g.source, g.feed, g.record_id AS number_before, c.record_id AS number_now
FROM gone g JOIN come c USING (source, feed, content_hash) SEMI JOIN once_before USING (feed, content_hash) SEMI JOIN once_now USING (feed, content_hash);
