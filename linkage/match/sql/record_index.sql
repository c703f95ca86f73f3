-- The records of a finished night, to be found by what blocking and features look at: for one more record to be compared with them.
-- $common_records, $compared_records, $raw_records: paths of the night's tables.
CREATE TABLE records AS
SELECT row_number() OVER (ORDER BY record_key) AS position, c.*, f.fingerprint
FROM read_parquet($common_records) c LEFT JOIN read_parquet($compared_records) f USING (record_key) ORDER BY record_key;

-- Addresses as they came: the same writing is read as that night read it.
CREATE TABLE raw_addresses AS
SELECT CAST(position AS INTEGER) AS position, w.hukou_address, w.hukou_division_code, w.residence_address, w.residence_province, w.residence_city, w.residence_county,
       w.residence_street, w.residence_community, w.residence_estate, w.residence_building, w.residence_unit, w.residence_room, w.dwelling_code
FROM records r JOIN read_parquet($raw_records) w USING (source, record_id) ORDER BY position;

-- One key for what a record wrote of one address, of any number of columns.
CREATE MACRO hukou_text(w) AS CAST(hash(w.hukou_address, w.hukou_division_code) AS VARCHAR);
CREATE MACRO residence_text(w) AS CAST(hash(w.residence_address, w.residence_province, w.residence_city, w.residence_county, w.residence_street, w.residence_community,
    w.residence_estate, w.residence_building, w.residence_unit, w.residence_room, w.dwelling_code) AS VARCHAR);

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
    UNION ALL SELECT 'hukou text', hukou_text(w), position FROM raw_addresses w
    UNION ALL SELECT 'residence text', residence_text(w), position FROM raw_addresses w
    UNION ALL SELECT 'place', unnest([residence_estate, hukou_estate, residence_road || residence_road_number, hukou_road || hukou_road_number, left(dwelling_code, 18)]), position FROM records
    UNION ALL SELECT 'home', unnest([residence_dwelling_key, hukou_dwelling_key, dwelling_code]), position FROM records
) WHERE text IS NOT NULL AND text <> ''
ORDER BY key, position;
