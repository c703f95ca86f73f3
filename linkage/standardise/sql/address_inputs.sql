-- Registered and present address of each record as the department wrote them, in one text or in parts.
CREATE OR REPLACE TEMP TABLE address_inputs AS
SELECT source || ':' || record_id AS record_key, 'hukou' AS kind, hukou_address AS text, hukou_division_code AS division_code,
    CAST(NULL AS VARCHAR) AS province, CAST(NULL AS VARCHAR) AS city, CAST(NULL AS VARCHAR) AS county, CAST(NULL AS VARCHAR) AS street,
    CAST(NULL AS VARCHAR) AS community, CAST(NULL AS VARCHAR) AS estate, CAST(NULL AS VARCHAR) AS building,
    CAST(NULL AS VARCHAR) AS unit, CAST(NULL AS VARCHAR) AS room, CAST(NULL AS VARCHAR) AS dwelling_code
FROM raw_records
WHERE hukou_address IS NOT NULL OR hukou_division_code IS NOT NULL
UNION ALL
SELECT source || ':' || record_id, 'residence', residence_address, NULL, residence_province, residence_city, residence_county,
    residence_street, residence_community, residence_estate, residence_building, residence_unit, residence_room, dwelling_code
FROM raw_records
WHERE coalesce(residence_address, residence_province, residence_city, residence_county, residence_street, residence_community,
    residence_estate, residence_building, residence_unit, residence_room, dwelling_code) IS NOT NULL;
