-- The scored pairs that touch one of $records: found once, since the night's pairs are many.
CREATE OR REPLACE TEMP TABLE touching_pairs AS
SELECT * FROM scored_pairs WHERE record_key_l IN (SELECT unnest($records))
UNION
SELECT * FROM scored_pairs WHERE record_key_r IN (SELECT unnest($records));
