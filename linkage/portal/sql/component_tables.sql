-- What the resolver reads of a night, cut down to the records of one component; the release that the register shows is the one it continues.
CREATE OR REPLACE TEMP TABLE common_records AS SELECT r.* FROM every_record r SEMI JOIN component USING (record_key);
CREATE OR REPLACE TEMP TABLE scored_pairs AS
SELECT * FROM every_pair WHERE record_key_l IN (SELECT record_key FROM component) AND record_key_r IN (SELECT record_key FROM component);
CREATE OR REPLACE TEMP TABLE previous_crosswalk AS SELECT * FROM crosswalk WHERE source || ':' || record_id IN (SELECT record_key FROM component);
CREATE OR REPLACE TEMP TABLE previous_former_records AS SELECT * FROM former_records WHERE record_key IN (SELECT record_key FROM component);
