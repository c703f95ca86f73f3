-- One row per record number and department. Of several the last delivered counts (night, file, row); the others are
-- duplicates. A record carried over from an earlier run gives way to every row delivered since.
CREATE OR REPLACE TEMP TABLE repeated_numbers AS
SELECT source, record_id FROM hashed_rows GROUP BY ALL HAVING count(*) > 1;

CREATE OR REPLACE TEMP TABLE ranked_rows AS
SELECT *, row_number() OVER latest AS from_last, first_value(content_hash) OVER latest AS kept_hash,
    first_value(landed_night) OVER latest AS kept_night, first_value(feed) OVER latest AS kept_feed
FROM hashed_rows SEMI JOIN repeated_numbers USING (source, record_id)
WINDOW latest AS (PARTITION BY source, record_id ORDER BY carried, landed_night DESC, file DESC, row_number DESC);

-- A newer night's row replaces an older one by design; only repeats within a night can contradict each other.
CREATE OR REPLACE TEMP TABLE duplicate_rows AS
SELECT source, feed, file, row_number, content_hash <> kept_hash AND landed_night = kept_night AS conflicting
FROM ranked_rows WHERE from_last > 1 AND NOT carried;

-- One number in two tables of a department: either they number separately, or one of two different rows would be lost.
CREATE OR REPLACE TEMP TABLE shared_numbers AS
SELECT source, feed, kept_feed AS other_feed, count(*) AS rows
FROM ranked_rows WHERE from_last > 1 AND feed <> kept_feed GROUP BY ALL;

-- A view: wide rows are copied once, when they are written.
CREATE OR REPLACE TEMP VIEW raw_records AS
SELECT * EXCLUDE (landed_night, carried) FROM hashed_rows ANTI JOIN repeated_numbers USING (source, record_id)
UNION ALL BY NAME
SELECT * EXCLUDE (landed_night, carried, from_last, kept_hash, kept_night, kept_feed) FROM ranked_rows WHERE from_last = 1;
