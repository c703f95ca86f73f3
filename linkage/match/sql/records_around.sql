-- Given records and all others that their features look at: who shares a number, a name (now or before), or the start of a damaged number.
-- all_records: common_records of the night; $keys: record keys.
CREATE OR REPLACE TEMP TABLE common_records AS
WITH given AS (SELECT * FROM all_records WHERE list_contains($keys, record_key)),
numbers AS (SELECT identity_number AS number FROM given WHERE identity_number IS NOT NULL),
names AS (SELECT name_key AS name FROM given WHERE name_key IS NOT NULL UNION SELECT former_name_key FROM given WHERE former_name_key IS NOT NULL),
damaged AS (SELECT left(identity_partial, 15) AS number15 FROM given WHERE identity_partial IS NOT NULL),
around AS (
    SELECT record_key FROM given
    UNION SELECT record_key FROM all_records SEMI JOIN numbers ON number = identity_number
    UNION SELECT record_key FROM all_records SEMI JOIN names ON name = name_key
    UNION SELECT record_key FROM all_records SEMI JOIN names ON name = former_name_key
    UNION SELECT record_key FROM all_records SEMI JOIN damaged ON number15 = left(identity_partial, 15)
)
SELECT * FROM all_records SEMI JOIN around USING (record_key);
