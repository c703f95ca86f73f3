-- One row per record number and department. Of several the last delivered counts (file, then row); the others are duplicates.
CREATE OR REPLACE TEMP TABLE ranked_rows AS
SELECT *, row_number() OVER (PARTITION BY source, record_id ORDER BY file DESC, row_number DESC) AS from_last,
       first_value(content_hash) OVER (PARTITION BY source, record_id ORDER BY file DESC, row_number DESC) AS kept_hash
FROM hashed_rows;

CREATE OR REPLACE TEMP TABLE duplicate_rows AS
SELECT source, feed, file, row_number, content_hash <> kept_hash AS conflicting FROM ranked_rows WHERE from_last > 1;

CREATE OR REPLACE TEMP TABLE raw_records AS
SELECT * EXCLUDE (from_last, kept_hash) FROM ranked_rows WHERE from_last = 1;
