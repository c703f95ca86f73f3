-- What turns delta_old into delta_new. Both have the table's columns, row_key (the key as one value) and two hashes of the whole row: a row
-- whose 128 bits are the same is the same row. Ended rows carry their key only.
CREATE OR REPLACE TEMP TABLE delta_put AS
SELECT n.* EXCLUDE (hash_1, hash_2) FROM delta_new n ANTI JOIN (SELECT hash_1, hash_2 FROM delta_old) o USING (hash_1, hash_2);

CREATE OR REPLACE TEMP TABLE delta_gone AS
SELECT o.row_key FROM delta_old o ANTI JOIN (SELECT hash_1, hash_2 FROM delta_new) n USING (hash_1, hash_2);

CREATE OR REPLACE TEMP TABLE delta AS
SELECT CASE WHEN g.row_key IS NULL THEN 'added' ELSE 'changed' END AS change, p.* FROM delta_put p LEFT JOIN delta_gone g USING (row_key)
UNION ALL BY NAME
SELECT 'ended' AS change, g.row_key, unnest(g.row_key) FROM delta_gone g ANTI JOIN delta_put p USING (row_key);
