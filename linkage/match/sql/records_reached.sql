-- reached(position): records that share with one of given_records a number, a name, a sound, a birth date, a phone or a dwelling.
CREATE OR REPLACE TEMP TABLE reached AS
WITH texts AS (
    SELECT 'number' AS kind, identity_number AS text FROM given_records
    UNION ALL SELECT 'number15', left(identity_number, 15) FROM given_records
    UNION ALL SELECT 'number15', left(identity_partial, 15) FROM given_records
    UNION ALL SELECT 'name', unnest([name_key, former_name_key]) FROM given_records
    UNION ALL SELECT 'sound', name_sound FROM given_records
    UNION ALL SELECT 'birth', CAST(coalesce(birth_date, identity_birth_date) AS VARCHAR) FROM given_records
    UNION ALL SELECT 'home', unnest(list_concat(coalesce(phones, []), [residence_dwelling_key, hukou_dwelling_key, dwelling_code])) FROM given_records
)
SELECT DISTINCT position FROM record_keys WHERE key IN (SELECT hash(kind, text) FROM texts WHERE text IS NOT NULL AND text <> '');
