-- The records of a finished night, to be found by what blocking and features look at: for one more record to be compared with them.
-- $common_records, $compared_records: paths of the night's tables.
CREATE TABLE records AS
SELECT row_number() OVER (ORDER BY record_key) AS position, c.*, f.fingerprint
FROM read_parquet($common_records) c LEFT JOIN read_parquet($compared_records) f USING (record_key) ORDER BY record_key;

-- 64-bit hashes as in blocking: two that are equal by chance make a candidate more and never one less.
CREATE TABLE record_keys AS
SELECT hash(kind, text) AS key, CAST(position AS INTEGER) AS position FROM (
    SELECT 'number' AS kind, identity_number AS text, position FROM records
    UNION ALL SELECT 'number15', left(identity_number, 15), position FROM records
    UNION ALL SELECT 'number15', left(identity_partial, 15), position FROM records
    UNION ALL SELECT 'name', name_key, position FROM records
    UNION ALL SELECT 'name', former_name_key, position FROM records
    UNION ALL SELECT 'sound', name_sound, position FROM records
    UNION ALL SELECT 'birth', CAST(coalesce(birth_date, identity_birth_date) AS VARCHAR), position FROM records
    UNION ALL SELECT 'home', unnest(phones), position FROM records
    UNION ALL SELECT 'home', unnest([residence_dwelling_key, hukou_dwelling_key, dwelling_code]), position FROM records
) WHERE text IS NOT NULL AND text <> ''
ORDER BY key, position;
