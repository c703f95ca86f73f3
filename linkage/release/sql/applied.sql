-- The rows of the release that a delta leads to.
CREATE OR REPLACE TEMP TABLE applied AS
SELECT * EXCLUDE (row_key, hash_1, hash_2) FROM delta_old o ANTI JOIN delta d USING (row_key)
UNION ALL BY NAME
SELECT * EXCLUDE (change, row_key) FROM delta WHERE change <> 'ended';
