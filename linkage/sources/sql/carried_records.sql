-- Records of delta feeds that tonight did not bring again: as the run behind the release before accepted them. Their file
-- becomes the path below landings/, so that it is never taken for tonight's file of the same name.
CREATE OR REPLACE TEMP TABLE carried_records AS
SELECT p.* REPLACE (CASE WHEN starts_with(p.file, 'night=') THEN p.file ELSE l.folder || '/' || p.file END AS file),
    a.landed_night, true AS carried
FROM previous_records AS p
JOIN previous_accounting AS a USING (source, file)
JOIN previous_landings AS l USING (source)
WHERE list_contains(CAST($delta_feeds AS VARCHAR[]), p.feed)
  AND NOT EXISTS (FROM hashed_rows AS h WHERE h.source = p.source AND h.feed = p.feed AND h.record_id = p.record_id);

INSERT INTO hashed_rows BY NAME FROM carried_records;

-- The earlier files they came from, each with what is known of it; counted once raw_records says how many of its rows stay.
CREATE OR REPLACE TEMP TABLE carried_files AS
SELECT DISTINCT c.source, c.feed, c.file, a.sha256, a.bytes, a.encoding, a.header_row, a.landed_night
FROM carried_records AS c
JOIN previous_landings AS l USING (source)
JOIN previous_accounting AS a ON a.source = c.source AND c.file IN (a.file, l.folder || '/' || a.file);
