-- How persons are found: every value that any department ever gave of what people are looked up by, won or lost, under one key for its kind
-- and its text without differences of writing. Sorted by key, so that a look-up reads one row group and needs no index. Who looks up a
-- value must still be granted it: field and value stand beside the key.
-- $values: path of values.parquet; $common_records: path of the common records of the night, for the keys of names.
CREATE TABLE search_keys AS
WITH name_keys AS (
    SELECT full_name AS value, min(name_key) AS text FROM (
        SELECT full_name, name_key FROM read_parquet($common_records) WHERE full_name IS NOT NULL
        UNION ALL SELECT former_name, former_name_key FROM read_parquet($common_records) WHERE former_name IS NOT NULL
    ) GROUP BY full_name
), given AS (
    SELECT DISTINCT person_id, field, value FROM read_parquet($values)
    WHERE field IN ('identity_number', 'full_name', 'former_name', 'birth_date', 'phone')
    UNION ALL SELECT person_id, 'household_number', household_number FROM persons WHERE household_number IS NOT NULL
    UNION ALL SELECT person_id, 'dwelling_code', dwelling_code FROM persons WHERE dwelling_code IS NOT NULL
)
SELECT md5_number_lower(CASE WHEN field IN ('full_name', 'former_name') THEN 'name ' || n.text
                             ELSE field || ' ' || g.value END) AS key,
       person_id, field, g.value
FROM given g LEFT JOIN name_keys n ON n.value = g.value AND field IN ('full_name', 'former_name')
WHERE field NOT IN ('full_name', 'former_name') OR n.text IS NOT NULL
ORDER BY key, person_id, field, g.value;

-- Every address once, to be searched by parts of its text, with those who are said to live or to be registered there.
CREATE TABLE search_addresses AS
SELECT value AS address, list(DISTINCT person_id) FILTER (field = 'residence_address') AS residence_address,
       list(DISTINCT person_id) FILTER (field = 'hukou_address') AS hukou_address
FROM read_parquet($values) WHERE field IN ('hukou_address', 'residence_address') GROUP BY value ORDER BY address;
