-- The pairs that last night scored ($before) and of which neither record looks different now; with those scored now they are tonight's pairs.
CREATE OR REPLACE TEMP TABLE quiet_records AS SELECT record_key FROM compared_records ANTI JOIN touched_records USING (record_key);

CREATE OR REPLACE TEMP TABLE carried_pairs AS
SELECT p.* FROM read_parquet($before) p
SEMI JOIN quiet_records l ON l.record_key = p.record_key_l SEMI JOIN quiet_records r ON r.record_key = p.record_key_r;

CREATE OR REPLACE TEMP TABLE scored_pairs AS SELECT * FROM pairs_scored_now UNION ALL BY NAME SELECT * FROM carried_pairs;
