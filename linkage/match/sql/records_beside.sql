-- Into reached: records that the features of asked_records look at: who shares a number, a name (now or before), the start of a damaged number.
INSERT INTO reached
WITH texts AS (
    SELECT 'number' AS kind, identity_number AS text FROM asked_records
    UNION ALL SELECT 'number15', left(identity_partial, 15) FROM asked_records
    UNION ALL SELECT 'name', unnest([name_key, former_name_key]) FROM asked_records
)
SELECT DISTINCT position FROM record_keys WHERE key IN (SELECT hash(kind, text) FROM texts WHERE text IS NOT NULL AND text <> '')
    AND position NOT IN (SELECT position FROM reached);
