-- The first night: nothing came before.
CREATE OR REPLACE TEMP VIEW previous_crosswalk AS SELECT '' AS source, '' AS record_id, '' AS person_id, '' AS content_hash WHERE false;
CREATE OR REPLACE TEMP VIEW previous_members AS
SELECT '' AS household_id, '' AS person_id, '' AS relation_to_head, false AS is_head, DATE '2000-01-01' AS valid_from, DATE '2000-01-01' AS valid_to
WHERE false;
CREATE OR REPLACE TEMP VIEW previous_household_bases AS
SELECT '' AS household_id, '' AS family, '' AS basis_key, '' AS head_person_id WHERE false;
CREATE OR REPLACE TEMP VIEW previous_retired_ids AS
SELECT '' AS id, '' AS successor_id, '' AS kind, DATE '2000-01-01' AS retired_on, '' AS cause WHERE false;
